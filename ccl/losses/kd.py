"""Knowledge distillation by softened predictions."""

from __future__ import annotations

from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean


@full_precision
def kd(
    student: Tensor,
    teacher: Tensor,
    *,
    present: Tensor | None = None,
    temperature: float = 4.0,
) -> Counted:
    r"""Return :math:`T^2` times the mean over rows of KL(softmax(t / T) || softmax(s / T)).

    Source: Hinton et al. 2015; HobbitLong/RepDistiller at b84f547, distiller_zoo/KD.py.

    Args:
        student: Logits (B, C).
        teacher: Logits (B, C).
        present: bool (B,).
        temperature: T, above 0.

    >>> import torch
    >>> teacher = torch.tensor([[0.75, 0.25]]).log()
    >>> round(float(kd(torch.zeros(1, 2), teacher, temperature=1.0).loss), 6)
    0.130812
    """
    here = all_present(student, present)
    log_s = (keep_rows(student, present) / temperature).log_softmax(dim=1)
    log_t = (keep_rows(teacher, present) / temperature).log_softmax(dim=1)
    rows = (log_t.exp() * (log_t - log_s)).sum(dim=1)
    return Counted(masked_mean(rows, here) * temperature**2, row_counts(here))
