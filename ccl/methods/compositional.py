"""Compositional Contrastive Learning: as printed, as published, and on random teachers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import ClassVar, cast

import torch
from torch import Generator, Tensor, nn

from ccl.losses.ccl import ccl_objective
from ccl.losses.ccl_released import ccl_released_objective
from ccl.losses.objective import Modality, Objective
from ccl.methods.base import BACKBONE, CE_VIDEO, STUDENT, Given, Method, Setup
from ccl.methods.settings import MethodSettings
from ccl.models.composition import Composition
from ccl.models.prediction import Prediction
from ccl.numerics import seeded

COMPOSITIONS = "compositions"


class Compositional(Method):
    """A composition for each modality; subclasses say what is done with them.

    Args:
        settings: Temperatures, balance and weights.
        setup: Widths, classes and seed.
    """

    def __init__(self, settings: MethodSettings, setup: Setup) -> None:
        super().__init__(settings.weights)
        self.balance = settings.balance
        self.temperatures = asdict(settings.temperatures)
        with seeded(setup.seed):
            self.compositions = nn.ModuleDict(
                {
                    name: Composition(setup.width, setup.num_classes, teacher_width=width)
                    for name, width in setup.teachers.items()
                }
            )

    def modalities(self, given: Given) -> list[Modality]:
        """Return the teachers' sides of a batch."""
        return [
            Modality(
                name,
                given.teachers[name],
                cast(Composition, composition),
                self.temperatures[name],
                given.present.get(name),
            )
            for name, composition in self.compositions.items()
        ]


class Ccl(Compositional):
    """Algorithm A as printed: see ``ccl.losses.ccl``."""

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "nce_teacher": (BACKBONE,),
        "nce_composed": (BACKBONE,),
        "jsd": STUDENT,
        "ce_composed": (COMPOSITIONS,),
    }

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return the objective of Algorithm A."""
        return ccl_objective(
            video,
            given.targets,
            self.modalities(given),
            balance=self.balance,
            weights=self.weights,
        )


class CclReleased(Compositional):
    """What the published code does: see ``ccl.losses.ccl_released``."""

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "contrast": (BACKBONE, COMPOSITIONS),
        "divergence": (*STUDENT, COMPOSITIONS),
        "ce_composed": (COMPOSITIONS,),
        "contrast_composed": (COMPOSITIONS,),
        "divergence_composed": (COMPOSITIONS,),
    }

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return the objective of the published code."""
        return ccl_released_objective(
            video, given.targets, self.modalities(given), weights=self.weights
        )


class RandomTeacher(Ccl):
    """A control: CCL on teacher vectors drawn once from a normal distribution.

    Videos without the modality stay masked, so that it differs from ``ccl`` in the vectors
    alone. The vectors follow from the seed and are no part of the state.

    Args:
        settings: As of ``Ccl``.
        setup: Its targets and teachers give the number and width of the vectors.
        per_class: One vector a class, in place of one a video.
    """

    def __init__(self, settings: MethodSettings, setup: Setup, *, per_class: bool) -> None:
        super().__init__(settings, setup)
        self.per_class = per_class
        rows = setup.num_classes if per_class else len(setup.targets)
        with seeded(setup.seed + 1):
            for name, width in setup.teachers.items():
                self.register_buffer(f"{name}_vectors", torch.randn(rows, width), persistent=False)

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return the objective of Algorithm A with the random vectors as teachers."""
        rows = given.targets if self.per_class else given.index
        teachers = {
            name: cast(Tensor, getattr(self, f"{name}_vectors"))[rows] for name in self.compositions
        }
        return super().objective(video, replace(given, teachers=teachers), generator)


def build_random_per_clip(settings: MethodSettings, setup: Setup) -> RandomTeacher:
    """Build the control with a vector a video."""
    return RandomTeacher(settings, setup, per_class=False)


def build_random_per_class(settings: MethodSettings, setup: Setup) -> RandomTeacher:
    """Build the control with a vector a class."""
    return RandomTeacher(settings, setup, per_class=True)
