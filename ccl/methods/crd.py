"""Contrastive representation distillation from each teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

from torch import Generator, nn

from ccl.losses.crd import Crd
from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.memory import MemorySettings
from ccl.losses.objective import Objective
from ccl.methods.base import BACKBONE, CE_VIDEO, STUDENT, Given, Method, Setup
from ccl.methods.negatives import NegativesOfOtherClasses, num_negatives
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction


class CrdMethod(Method):
    """Cross-entropy, and CRD with a pair of memories for each modality.

    Source of the weight of 0.8 and of drawing negatives from other classes:
    HobbitLong/RepDistiller at b84f547, scripts/run_cifar_distill.sh.

    Args:
        settings: Memory and weights.
        setup: Widths, training set and seed.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "crd": (BACKBONE, "contrasts"),
    }
    default_weights: ClassVar[Mapping[str, float]] = {"crd": 0.8}

    def __init__(self, settings: MethodSettings, setup: Setup) -> None:
        super().__init__(settings.weights)
        options = settings.memory
        self.num_negatives = num_negatives(options, setup)
        memory = MemorySettings(
            len(setup.targets), options.width, options.temperature, options.momentum
        )
        self.contrasts = nn.ModuleDict(
            {
                name: Crd(setup.width, width, memory, seed=setup.seed + place)
                for place, (name, width) in enumerate(setup.teachers.items())
            }
        )
        self.negatives = nn.ModuleDict(
            {name: NegativesOfOtherClasses(setup, name) for name in setup.teachers}
        )

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class) + the sum of CRD(video, teacher)."""
        parts = {CE_VIDEO: cross_entropy(video.logits, given.targets)}
        for name, contrast in self.contrasts.items():
            sampler = cast(NegativesOfOtherClasses, self.negatives[name])
            negatives = sampler.draw(given.targets, self.num_negatives, generator)
            parts[f"{name}/crd"] = contrast(
                video.embedding,
                given.teachers[name],
                given.index,
                negatives,
                present=given.present.get(name),
            )
        return self.combine(parts)
