"""Cross-entropy over the rows that are there."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def cross_entropy(logits: Tensor, targets: Tensor, *, present: Tensor | None = None) -> Counted:
    """Return the mean of -log softmax(logits) at the target; zero where no row is present.

    Args:
        logits: (B, C).
        targets: (B,), integers below C; those of absent rows are not looked at.
        present: bool (B,).

    >>> import torch
    >>> logits = torch.tensor([[0.0, 0.0], [float("nan"), 0.0]])
    >>> result = cross_entropy(logits, torch.tensor([1, 0]), present=torch.tensor([True, False]))
    >>> round(float(result.loss), 6)  # log 2
    0.693147
    """
    here = all_present(logits, present)
    costs = functional.cross_entropy(
        keep_rows(logits, present), keep_rows(targets, present), reduction="none"
    )
    return Counted(masked_mean(costs, here), row_counts(here))
