"""The distillation losses that compare a batch with a batch, by name: all of one signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from cca_tools.errors import UsageError
from ccl.losses.correlation_congruence import correlation_congruence
from ccl.losses.counted import Counted
from ccl.losses.fitnet import fitnet
from ccl.losses.kd import kd
from ccl.losses.pkt import pkt
from ccl.losses.rkd import rkd
from ccl.losses.similarity_preserving import similarity_preserving


class BatchLoss(Protocol):
    """Compare the student's batch (B, D1) with the teacher's (B, D2)."""

    def __call__(
        self, student: Tensor, teacher: Tensor, *, present: Tensor | None = None
    ) -> Counted:
        """Return the loss over the rows that are present."""
        ...


@dataclass(frozen=True)
class BatchLossSpec:
    """A loss and what it asks of its arguments.

    Args:
        name: What ``--method`` takes.
        function: The loss.
        compares: What it takes of student and teacher.
        same_width: Whether both must be of one width, so that a projection is needed otherwise.
        weight: The factor that RepDistiller's scripts give it.
    """

    name: str
    function: BatchLoss
    compares: Literal["logits", "embeddings"]
    same_width: bool
    weight: float


BATCH_LOSSES = {
    spec.name: spec
    for spec in (
        BatchLossSpec("kd", kd, "logits", same_width=True, weight=0.9),
        BatchLossSpec("fitnet", fitnet, "embeddings", same_width=True, weight=100),
        BatchLossSpec("pkt", pkt, "embeddings", same_width=False, weight=30000),
        BatchLossSpec("rkd", rkd, "embeddings", same_width=False, weight=1),
        BatchLossSpec("sp", similarity_preserving, "embeddings", same_width=False, weight=3000),
        BatchLossSpec("cc", correlation_congruence, "embeddings", same_width=True, weight=0.02),
    )
}


def batch_loss(name: str) -> BatchLossSpec:
    """Return the entry of a loss.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.

    >>> batch_loss("rkd").compares
    'embeddings'
    """
    if name not in BATCH_LOSSES:
        raise UsageError(f"no loss {name!r}", f"Known are {', '.join(BATCH_LOSSES)}")
    return BATCH_LOSSES[name]
