"""Correlation congruence, as its authors shared it with RepDistiller."""

from __future__ import annotations

from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def correlation_congruence(
    student: Tensor, teacher: Tensor, *, present: Tensor | None = None
) -> Counted:
    r"""Return the mean over neighbouring rows of the product of their absolute errors.

    With :math:`\Delta_i = |s_i - t_i|`, the mean over i of
    :math:`\langle \Delta_i, \Delta_{i+1} \rangle`. Rows are neighbours by their place in the
    batch, absent ones skipped; the value depends on that order, and only reversing it changes
    nothing. A batch of fewer than two rows gives zero and counts as ``too_few_rows``.

    Source: Peng et al., ICCV 2019; HobbitLong/RepDistiller at b84f547, distiller_zoo/CC.py.

    Args:
        student: (B, D).
        teacher: (B, D).
        present: bool (B,).

    >>> import torch
    >>> student = torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    >>> float(correlation_congruence(student, torch.zeros(3, 2)).loss)  # (2 + 0) / 2
    1.0
    """
    here = all_present(student, present)
    error = (keep_rows(student, present) - keep_rows(teacher, present)).abs()
    order = (~here).to(error.dtype).argsort(stable=True)  # present rows first, in their order
    error, first = error[order], here[order]
    costs = (error[:-1] * error[1:]).sum(dim=1)
    counts = row_counts(here) | {"too_few_rows": (here.sum() < 2).long()}
    return Counted(masked_mean(costs, first[1:]), counts)
