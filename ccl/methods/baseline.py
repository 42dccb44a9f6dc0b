"""Plain classification: no teacher."""

from __future__ import annotations

from torch import Generator

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.objective import Objective
from ccl.methods.base import CE_VIDEO, Given, Method
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction


class Baseline(Method):
    """The cross-entropy of the student alone."""

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class)."""
        return self.combine({CE_VIDEO: cross_entropy(video.logits, given.targets)})


def build(settings: MethodSettings, _: object) -> Baseline:
    """Build it; it needs nothing but the weights."""
    return Baseline(settings.weights)
