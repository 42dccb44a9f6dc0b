"""What a network says of a batch."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Prediction(NamedTuple):
    """The output of a student.

    Args:
        embedding: (B, D), what distillation and retrieval compare.
        logits: (B, C), before the softmax over the classes.
    """

    embedding: Tensor
    logits: Tensor


class Composed(NamedTuple):
    """The output of a composition of a teacher and a student.

    Args:
        embedding: (B, D), the teacher's embedding moved towards the student's.
        logits: (B, C), the classes as told from that.
        teacher: (B, D), the teacher's embedding brought to the student's width.
    """

    embedding: Tensor
    logits: Tensor
    teacher: Tensor
