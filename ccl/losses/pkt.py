"""Probabilistic knowledge transfer: the teacher's similarities as distributions."""

from __future__ import annotations

import torch
from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, masked_mean, unit_rows

EPSILON = 1e-7


@full_precision
def pkt(student: Tensor, teacher: Tensor, *, present: Tensor | None = None) -> Counted:
    r"""Compare, for each row, how its similarity is shared out among the rows.

    With :math:`s_{ij} = (\cos(x_i, x_j) + 1) / 2` divided by its sum over j, the loss is the mean
    over all pairs (i, j) of :math:`t_{ij} \log((t_{ij} + \epsilon) / (s_{ij} + \epsilon))`; the
    widths of the two embeddings need not agree.

    Source: Passalis and Tefas, ECCV 2018; HobbitLong/RepDistiller at b84f547,
    distiller_zoo/PKT.py, of which we keep the epsilon of 1e-7: opposite vectors make s zero.
    A zero vector has a cosine of zero to everything, itself included.

    Args:
        student: (B, D1), any length of vectors.
        teacher: (B, D2).
        present: bool (B,).

    >>> student, teacher = torch.eye(2), torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> round(float(pkt(student, teacher).loss), 5)  # log(3 / 2) / 2
    0.20273
    """
    here = all_present(student, present)
    student, teacher = keep_rows(student, present), keep_rows(teacher, present)
    pairs = here[:, None] & here[None, :]
    s, t = _shares(student, pairs), _shares(teacher, pairs)
    costs = t * torch.log((t + EPSILON) / (s + EPSILON))
    return Counted(masked_mean(costs, pairs), row_counts(here, student, teacher))


def _shares(x: Tensor, pairs: Tensor) -> Tensor:
    unit = unit_rows(x)
    similarity = torch.where(pairs, ((unit @ unit.T + 1) / 2).clamp_min(0), 0)
    total = similarity.sum(dim=1, keepdim=True)
    return similarity / torch.where(total > 0, total, 1)
