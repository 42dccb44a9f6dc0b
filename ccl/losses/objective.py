"""What the objectives of CCL take for each modality, and what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from ccl.models.composition import Composition


@dataclass(frozen=True)
class Modality:
    """A teacher's side of a batch.

    Args:
        name: Prefix of its terms and counts: ``audio`` or ``image``.
        teacher: (B, teacher width), embeddings of the frozen teacher.
        composition: F_av or F_iv.
        temperature: Of every NCE of this modality.
        present: bool (B,), where videos may lack it.
    """

    name: str
    teacher: Tensor
    composition: Composition
    temperature: float
    present: Tensor | None = None


class Objective(NamedTuple):
    """A scalar whose one backward pass gives each module the gradient that it is to have.

    Args:
        total: To be differentiated. Its value is a sum over modules and means nothing by itself.
        terms: Detached scalars by name, for the log; those of a modality begin with its name.
        counts: Of rows and of degenerate cases, by name likewise.
    """

    total: Tensor
    terms: dict[str, Tensor]
    counts: dict[str, Tensor]


def named(prefix: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put a prefix before each name, and detach the values.

    >>> import torch
    >>> list(named("audio", {"rows": torch.tensor(3)}))
    ['audio/rows']
    """
    return {f"{prefix}/{name}": value.detach() for name, value in values.items()}
