"""Knowledge distillation by softened predictions of the teachers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Generator, Tensor, nn

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.kd import kd
from ccl.losses.objective import Objective
from ccl.methods.base import CE_VIDEO, STUDENT, Given, Method, Setup
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction
from ccl.numerics import keep_rows, seeded, unit_rows, widen

TEACHERS = "teacher_classifiers"


class TeacherClassifier(nn.Module):
    """Tell the classes from a teacher's embedding, by a linear map.

    The embedding is brought to a length of ``LENGTH`` first, so that one learning rate serves
    teachers of any scale.

    Args:
        width: Of the embedding.
        num_classes: C.
    """

    LENGTH: ClassVar[float] = 4.0

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, num_classes)

    def forward(self, embedding: Tensor) -> Tensor:
        """Map (B, width) to logits (B, C)."""
        logits: Tensor = self.linear(self.LENGTH * unit_rows(widen(embedding)))
        return widen(logits)


class KdMethod(Method):
    """Cross-entropy, and the divergence from each teacher's softened predictions.

    A teacher gives embeddings, and KD needs its predictions of the classes at hand. So each has
    a linear classifier, trained alongside by cross-entropy on the same videos; the student
    follows its predictions and does not change them. Source of the weights, 0.1 for the labels
    and 0.9 for the teacher: HobbitLong/RepDistiller at b84f547, scripts/run_cifar_distill.sh.

    Args:
        settings: Temperature and weights.
        setup: Widths, classes and seed.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "kd": STUDENT,
        "ce_teacher": (TEACHERS,),
    }
    default_weights: ClassVar[Mapping[str, float]] = {CE_VIDEO: 0.1, "kd": 0.9}

    def __init__(self, settings: MethodSettings, setup: Setup) -> None:
        super().__init__(settings.weights)
        self.temperature = settings.temperatures.kd
        with seeded(setup.seed):
            self.teacher_classifiers = nn.ModuleDict(
                {
                    name: TeacherClassifier(width, setup.num_classes)
                    for name, width in setup.teachers.items()
                }
            )

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class) + the sum of KD(video, teacher), and CE(teacher, class)."""
        parts = {CE_VIDEO: cross_entropy(video.logits, given.targets)}
        for name, classifier in self.teacher_classifiers.items():
            present = given.present.get(name)
            logits = classifier(keep_rows(given.teachers[name], present).detach())
            parts[f"{name}/kd"] = kd(
                video.logits, logits.detach(), present=present, temperature=self.temperature
            )
            parts[f"{name}/ce_teacher"] = cross_entropy(logits, given.targets, present=present)
        return self.combine(parts)
