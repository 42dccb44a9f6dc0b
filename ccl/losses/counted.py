"""What a loss returns: its value and what it left out."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ccl.numerics import zero_rows


class Counted(NamedTuple):
    """A loss and its bookkeeping. Nothing in it makes the host wait for the device.

    Args:
        loss: Scalar, in float32 or float64, finite for finite input; zero, with a gradient of
            zero, for a batch that has nothing to say.
        counts: Scalars of int64 by name. ``rows`` is the number of rows that took part and
            ``absent`` of those masked out; the others count the degenerate cases that the loss
            names in its description.
    """

    loss: Tensor
    counts: dict[str, Tensor]


def row_counts(present: Tensor, *embeddings: Tensor) -> dict[str, Tensor]:
    """Count rows, absent rows, and those among the present in which an embedding is zero.

    >>> import torch
    >>> counts = row_counts(torch.tensor([True, True, False]), torch.tensor([[1.0], [0], [0]]))
    >>> {name: int(count) for name, count in counts.items()}
    {'rows': 2, 'absent': 1, 'zero_vectors': 1}
    """
    counts = {"rows": present.sum(), "absent": (~present).sum()}
    if embeddings:
        zero = zero_rows(embeddings[0])
        for other in embeddings[1:]:
            zero = zero | zero_rows(other)
        counts["zero_vectors"] = (zero & present).sum()
    return counts
