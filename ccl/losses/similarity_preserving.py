"""Similarity-preserving distillation: the batch's matrix of products, row by row."""

from __future__ import annotations

from torch import Tensor

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import all_present, full_precision, keep_rows, unit_rows, unit_scale


@full_precision
def similarity_preserving(
    student: Tensor, teacher: Tensor, *, present: Tensor | None = None
) -> Counted:
    r"""Return the mean over pairs of the squared difference of the row-normalised Gram matrices.

    With :math:`G = X X^\top` and each of its rows divided by its length,
    :math:`\lVert G_s - G_t \rVert_F^2 / B^2`. The widths of the embeddings need not agree; a
    common factor of all vectors of one side changes nothing. The Gram row of a zero vector is
    zero.

    Source: Tung and Mori, ICCV 2019; HobbitLong/RepDistiller at b84f547, distiller_zoo/SP.py.

    Args:
        student: (B, D1).
        teacher: (B, D2).
        present: bool (B,).

    >>> import torch
    >>> student, teacher = torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    >>> float(similarity_preserving(student, teacher).loss)  # (0 + 1) / 4
    0.25
    """
    here = all_present(student, present)
    student, teacher = keep_rows(student, present), keep_rows(teacher, present)
    difference = _gram_rows(student) - _gram_rows(teacher)
    num_pairs = here.sum().clamp_min(1).square()
    counts = row_counts(here, student, teacher)
    return Counted(difference.square().sum() / num_pairs, counts)


def _gram_rows(x: Tensor) -> Tensor:
    x = unit_scale(x)
    return unit_rows(x @ x.T)
