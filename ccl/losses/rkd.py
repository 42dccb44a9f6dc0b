"""Relational knowledge distillation: distances of pairs and angles of triples."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from ccl.losses.counted import Counted, row_counts
from ccl.numerics import (
    all_present,
    full_precision,
    keep_rows,
    masked_mean,
    unit_rows,
    unit_scale,
    zero_rows,
)


@full_precision
def rkd(
    student: Tensor,
    teacher: Tensor,
    *,
    present: Tensor | None = None,
    distance_weight: float = 25.0,
    angle_weight: float = 50.0,
) -> Counted:
    r"""Return the weighted sum of a loss on distances and a loss on angles.

    Distances are divided by their mean over pairs of different rows; angles are the cosines at
    row i between the directions to j and to k. Each is compared by the Huber loss with unit
    threshold, averaged over all pairs and all triples, those with repeated rows included. The
    widths of the embeddings need not agree. O(B^2 D + B^3) memory.

    Rows that coincide have a distance of zero, and the cosine of a direction between them is
    zero; neither has a gradient. A batch without two different rows on a side has no scale: its
    distances stay zero, and it counts as ``without_distance``.

    Source: Park et al., CVPR 2019; HobbitLong/RepDistiller at b84f547, distiller_zoo/RKD.py.
    Ours measures distances by differences; theirs takes them from products, off by 1e-6.

    Args:
        student: (B, D1).
        teacher: (B, D2).
        present: bool (B,).
        distance_weight: Factor of the first part.
        angle_weight: Factor of the second part.

    >>> student, teacher = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[0.0], [1.0], [3.0]])
    >>> round(float(rkd(student, teacher).loss), 6)  # 25 x (2/32 + 2/32 + 0) / 9; angles agree
    0.347222
    """
    here = all_present(student, present)
    s, t = (_directions(unit_scale(keep_rows(x, present))) for x in (student, teacher))
    pairs = here[:, None] & here[None, :]
    different = pairs & ~torch.eye(len(here), dtype=torch.bool, device=here.device)
    s_distance, s_scale = _relative(_lengths(s), different)
    t_distance, t_scale = _relative(_lengths(t), different)
    distance = masked_mean(smooth_l1_loss(s_distance, t_distance, reduction="none"), pairs)
    triples = pairs[:, :, None] & here[None, None, :]
    angle = masked_mean(smooth_l1_loss(_angles(s), _angles(t), reduction="none"), triples)
    counts = row_counts(here) | {"without_distance": ((s_scale == 0) | (t_scale == 0)).long()}
    return Counted(distance_weight * distance + angle_weight * angle, counts)


def _directions(x: Tensor) -> Tensor:
    return x[None, :, :] - x[:, None, :]  # (B, B, D): from row i to row j


def _lengths(directions: Tensor) -> Tensor:
    zero = zero_rows(directions)  # (B, B)
    safe = torch.where(zero[:, :, None], 1, directions)
    return torch.where(zero, 0, torch.linalg.vector_norm(safe, dim=-1))


def _relative(distances: Tensor, different: Tensor) -> tuple[Tensor, Tensor]:
    scale = masked_mean(distances, different)
    return distances / torch.where(scale > 0, scale, 1), scale.detach()


def _angles(directions: Tensor) -> Tensor:
    unit = unit_rows(directions)
    return unit @ unit.transpose(1, 2)  # (B, B, B)
