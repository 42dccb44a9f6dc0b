"""What every method is: terms with weights, and which modules each term trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from ccl.losses.counted import Counted
from ccl.losses.objective import Objective
from ccl.models.prediction import Prediction

BACKBONE, CLASSIFIER = "student.backbone", "student.classifier"
STUDENT = (BACKBONE, CLASSIFIER)
CE_VIDEO = "ce_video"


@dataclass(frozen=True)
class Given:
    """What a method sees of a batch beside the student's prediction: B rows each.

    Args:
        targets: int64 (B,), classes.
        index: int64 (B,), the place of each video in the training set.
        teachers: (B, width) by modality, embeddings of the frozen teachers.
        present: bool (B,) by modality; rows without it are masked, whatever stands there.
    """

    targets: Tensor
    index: Tensor
    teachers: Mapping[str, Tensor]
    present: Mapping[str, Tensor]


@dataclass(frozen=True)
class Setup:
    """What a method has to know of the student, the teachers and the training set.

    Args:
        width: D, of the student's embedding.
        targets: int64 (N,), the class of each training video.
        num_classes: C.
        teachers: The width of each teacher's embedding; its keys are the modalities distilled.
        present: bool (N,) by modality: which training videos have it.
        seed: From which every head and memory starts.
    """

    width: int
    targets: Tensor
    num_classes: int
    teachers: Mapping[str, int]
    present: Mapping[str, Tensor]
    seed: int

    def having(self, modality: str) -> Tensor:
        """Return which training videos have a modality: bool (N,)."""
        found = self.present.get(modality)
        return torch.ones(len(self.targets), dtype=torch.bool) if found is None else found.cpu()


class Method(nn.Module):
    """An objective and the modules beside the student that it needs.

    ``routing`` names the modules that each term trains: the student's two parts, or a child of
    the method. Terms of several modalities share a name, and are logged as ``audio/name``.

    Args:
        weights: Replace those of ``default_weights``; zero switches a term off.
    """

    routing: ClassVar[Mapping[str, tuple[str, ...]]] = {CE_VIDEO: STUDENT}
    default_weights: ClassVar[Mapping[str, float]] = {}

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        ones = dict.fromkeys(self.routing, 1.0)
        self.weights = ones | dict(self.default_weights) | dict(weights or {})

    def objective(self, video: Prediction, given: Given, generator: Generator) -> Objective:
        """Return the scalar whose one backward pass trains every module as ``routing`` says.

        Args:
            video: The student's prediction, embeddings (B, D) and logits (B, C).
            given: The rest of the batch.
            generator: On the device of the batch, from which negatives are drawn.
        """
        raise NotImplementedError

    def combine(self, parts: Mapping[str, Counted]) -> Objective:
        """Add up losses by the weights of their terms; ``audio/crd`` has the weight of ``crd``.

        >>> half = Counted(torch.tensor(2.0), {"rows": torch.tensor(3)})
        >>> result = Method({"ce_video": 0.5}).combine({"ce_video": half})
        >>> float(result.total), float(result.terms["ce_video"]), list(result.counts)
        (1.0, 2.0, ['rows'])
        """
        total = torch.stack([self.weights[_term(name)] * x.loss for name, x in parts.items()]).sum()
        terms = {name: x.loss.detach() for name, x in parts.items()}
        counts = {
            _prefix(name) + key: n for name, x in parts.items() for key, n in x.counts.items()
        }
        return Objective(total, terms, counts)


def _term(name: str) -> str:
    return name.rpartition("/")[2]


def _prefix(name: str) -> str:
    modality = name.rpartition("/")[0]
    return f"{modality}/" if modality else ""
