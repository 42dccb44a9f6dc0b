"""FitNet: the student's embedding regresses the teacher's."""

from __future__ import annotations

from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def fitnet(student: Tensor, teacher: Tensor, *, present: Tensor | None = None) -> Counted:
    """Return the squared error, averaged over rows and over dimensions.

    Source: Romero et al. 2015; HobbitLong/RepDistiller at b84f547, distiller_zoo/FitNet.py.

    Args:
        student: (B, D), brought to the teacher's width by a regressor where it has another.
        teacher: (B, D).
        present: bool (B,).

    >>> import torch
    >>> float(fitnet(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 5.0]])).loss)
    4.5
    """
    here = all_present(student, present)
    difference = keep_rows(student, present) - keep_rows(teacher, present)
    return Counted(masked_mean(difference.square().mean(dim=1), here), row_counts(here))
