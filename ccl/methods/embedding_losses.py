"""The methods that compare a batch of embeddings with the teachers': fitnet, pkt, rkd, cc, sp."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from torch import Generator, Tensor, nn

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.objective import Objective
from ccl.losses.registry import batch_loss
from ccl.methods.base import BACKBONE, CE_VIDEO, STUDENT, Given, Method, Setup
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows, seeded, widen

COMMON_WIDTH = 128


class Maps(nn.Module):
    """Linear maps that bring student and teacher to one width; identities where none is named.

    Args:
        student: Widths in and out on the student's side.
        teacher: On the teacher's.
    """

    def __init__(
        self, student: tuple[int, int] | None = None, teacher: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.student: nn.Module = nn.Linear(*student) if student else nn.Identity()
        self.teacher: nn.Module = nn.Linear(*teacher) if teacher else nn.Identity()

    def forward(self, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """Map both."""
        return widen(self.student(widen(student))), widen(self.teacher(widen(teacher)))


class EmbeddingLoss(Method):
    """Cross-entropy, and a loss between the student's embeddings and each teacher's.

    ``fitnet`` has a linear regressor from the student to the teacher's width; ``cc`` maps both
    to 128 dimensions, and both maps are trained; the others compare relations within the batch
    and need no maps. Source of maps and weights: HobbitLong/RepDistiller at b84f547,
    train_student.py and scripts/run_cifar_distill.sh.

    Args:
        settings: Its name and weights.
        setup: Widths and seed.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "distillation": (BACKBONE,),
    }

    def __init__(self, settings: MethodSettings, setup: Setup) -> None:
        spec = batch_loss(settings.name)
        super().__init__({"distillation": spec.weight} | dict(settings.weights))
        self.loss = spec.function
        with seeded(setup.seed):
            self.maps = nn.ModuleDict(
                {name: self.make_maps(setup.width, width) for name, width in setup.teachers.items()}
            )

    def make_maps(self, width: int, teacher_width: int) -> Maps:
        """Return the maps between a student and a teacher of these widths: none here."""
        return Maps()

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class) + the sum of the losses."""
        parts = {CE_VIDEO: cross_entropy(video.logits, given.targets)}
        for name, maps in self.maps.items():
            present = given.present.get(name)
            student, teacher = maps(video.embedding, keep_rows(given.teachers[name], present))
            parts[f"{name}/distillation"] = self.loss(student, teacher, present=present)
        return self.combine(parts)


class MappedEmbeddingLoss(EmbeddingLoss):
    """One whose maps are trained along with the student.

    Args:
        settings: Its name and weights.
        setup: Widths and seed.
        common: Whether both sides go to a common space; else the student goes to the teacher's.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "distillation": (BACKBONE, "maps"),
    }

    def __init__(self, settings: MethodSettings, setup: Setup, *, common: bool) -> None:
        self.common = common
        super().__init__(settings, setup)

    def make_maps(self, width: int, teacher_width: int) -> Maps:
        """Return a regressor, or a map of each side."""
        if self.common:
            return Maps((width, COMMON_WIDTH), (teacher_width, COMMON_WIDTH))
        return Maps((width, teacher_width))


build_fitnet = partial(MappedEmbeddingLoss, common=False)
build_cc = partial(MappedEmbeddingLoss, common=True)
