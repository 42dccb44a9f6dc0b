"""Contrastive multiview coding, with the video as the core view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Generator

from ccl.losses.cmc import Cmc, CmcSettings
from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.memory import MemorySettings
from ccl.losses.objective import Objective
from ccl.methods.base import BACKBONE, CE_VIDEO, STUDENT, Given, Method, Setup
from ccl.methods.negatives import AnyNegatives, num_negatives
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction

VIDEO = "video"


class CmcMethod(Method):
    """Cross-entropy, and the contrast of the video with each teacher, both ways.

    The classes take no part in the contrast. Source: Tian et al., ECCV 2020; the weight of one
    is ours, since the paper trains without a classifier beside it.

    Args:
        settings: Memory and weights.
        setup: Widths, training set and seed.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {
        CE_VIDEO: STUDENT,
        "cmc": (BACKBONE, "contrast"),
    }

    def __init__(self, settings: MethodSettings, setup: Setup) -> None:
        super().__init__(settings.weights)
        options = settings.memory
        self.num_negatives = num_negatives(options, setup)
        memory = MemorySettings(
            len(setup.targets), options.width, options.temperature, options.momentum
        )
        widths = {VIDEO: setup.width, **setup.teachers}
        self.contrast = Cmc(widths, CmcSettings(memory, core=VIDEO), seed=setup.seed)
        self.negatives = AnyNegatives(setup)

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class) + the sum of the contrasts."""
        negatives = self.negatives.draw(len(given.index), self.num_negatives, generator)
        views = {VIDEO: video.embedding, **given.teachers}
        contrast = self.contrast(views, given.index, negatives, present=given.present)
        classified = cross_entropy(video.logits, given.targets)
        parts = self.combine({CE_VIDEO: classified, "cmc": contrast})
        return parts._replace(
            counts={f"cmc/{name}": n for name, n in contrast.counts.items()} | classified.counts
        )
