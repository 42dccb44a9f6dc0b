"""The composition function of CCL: a teacher's embedding moved towards the video's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ccl.models.prediction import Composed
from ccl.numerics import unit_rows, widen


class Composition(nn.Module):
    r"""Compose a teacher x_a and a student x_v: :math:`x_a + W [n(x_a); n(x_v)] + b`, classified.

    n divides a vector by its length; the residual sits on the teacher's side. A teacher of
    another width is first brought to the student's by a linear map, which belongs to this
    module and is trained with it.

    Source: CCL (CVPR 2021), supplement, Figure A; yanbeic/CCL at b590483,
    models/composition_classifier.py, whose ``mlp`` and ``fc`` are ``residual`` and
    ``classifier`` here.

    Args:
        width: D, of the student's embedding.
        num_classes: C.
        teacher_width: Of the teacher's embedding, where it is not D.
    """

    def __init__(self, width: int, num_classes: int, *, teacher_width: int | None = None) -> None:
        super().__init__()
        same = teacher_width is None or teacher_width == width
        self.projection = None if same else nn.Linear(teacher_width or width, width)
        self.residual = nn.Linear(2 * width, width)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, teacher: Tensor, video: Tensor, *, frozen: bool = False) -> Composed:
        """Compose row by row.

        Args:
            teacher: (B, teacher width).
            video: (B, D).
            frozen: Let gradients pass to the arguments, but none to the parameters. With it, a
                loss trains the student through the composition and leaves the composition alone.
        """
        projected, video = widen(teacher), widen(video)
        if self.projection is not None:
            projected = widen(_apply(self.projection, projected, frozen))
        pair = torch.cat([unit_rows(projected), unit_rows(video)], dim=1)  # (B, 2D)
        embedding = projected + _apply(self.residual, pair, frozen)
        return Composed(embedding, _apply(self.classifier, embedding, frozen), projected)


def _apply(layer: nn.Linear, x: Tensor, frozen: bool) -> Tensor:
    if not frozen:
        result: Tensor = layer(x)
        return result
    return functional.linear(x, layer.weight.detach(), layer.bias.detach())
