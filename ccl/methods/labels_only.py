"""A control: what the class labels inside CCL's contrastive loss do without any teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Generator

from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.nce import multi_class_nce
from ccl.losses.objective import Objective
from ccl.methods.base import BACKBONE, CE_VIDEO, STUDENT, Given, Method
from ccl.methods.settings import MethodSettings
from ccl.models.prediction import Prediction


class LabelsOnly(Method):
    """Cross-entropy, and the multi-class NCE of the student's embeddings with themselves.

    A row is not contrasted with itself.

    Args:
        temperature: Of the NCE.
        weights: See ``Method``.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {CE_VIDEO: STUDENT, "nce": (BACKBONE,)}

    def __init__(self, temperature: float, weights: Mapping[str, float]) -> None:
        super().__init__(weights)
        self.temperature = temperature

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return CE(video, class) + NCE(video, video)."""
        x = video.embedding
        contrast = multi_class_nce(
            x, x, given.targets, temperature=self.temperature, exclude_self=True
        )
        return self.combine({CE_VIDEO: cross_entropy(video.logits, given.targets), "nce": contrast})


def build(settings: MethodSettings, _: object) -> LabelsOnly:
    """Build it."""
    return LabelsOnly(settings.temperatures.labels, settings.weights)
