"""The interface of a tagger: from a waveform to features, from features to scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cca_tools.errors import DataError
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.spec import TaggerSpec

if TYPE_CHECKING:
    from torch import Tensor

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """What a tagger says of B clips.

    Args:
        probs: (B, C) float32 in [0, 1], in the order of the tagger's labels; the classes are
            not exclusive.
        embeddings: (B, E) float32, the published embedding of the network.
        logits: (B, C) float32 before the sigmoid; None where the clip's scores are a mean of
            scores, so that there are none.
    """

    probs: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    logits: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.probs)

    @classmethod
    def empty(cls, num_classes: int, embedding_dim: int) -> Scores:
        """Return the scores of no clips."""
        probs = np.zeros((0, num_classes), dtype=np.float32)
        return cls(probs, np.zeros((0, embedding_dim), dtype=np.float32))


class Tagger(ABC):
    """A network with its weights and its front end, ready to score clips.

    ``features`` runs on the CPU, needs no lock, and may be called from several threads while
    another one calls ``score``.
    """

    spec: TaggerSpec
    labels: LabelSpace
    weights_sha256: str
    device: str
    precision: str

    @abstractmethod
    def features(self, waveform: Waveform) -> Tensor:
        """Return the log-mel features of one clip.

        Args:
            waveform: (T,) float32, mono, at ``spec.sample_rate``, nominally in [-1, 1]; clips
                shorter than ``spec.min_samples``, also empty ones, are padded with zeros.

        Returns:
            (frames, mels) float32 on the CPU; for YAMNet patches, (P, 96, 64).

        Raises:
            DataError: The waveform has another shape or dtype, or samples that are not finite.
        """

    @abstractmethod
    def score(self, features: Sequence[Tensor]) -> Scores:
        """Score clips of any lengths; no clip's result depends on the others.

        Args:
            features: What ``features`` returned, one tensor a clip; may be empty.
        """


def prepare(waveform: Waveform, spec: TaggerSpec) -> Waveform:
    """Check a clip and pad it with zeros at its end to the network's minimum.

    Args:
        waveform: (T,) float32.
        spec: The tagger's entry, for the minimum.

    Raises:
        DataError: Another shape or dtype, or samples that are not finite.
    """
    if waveform.ndim != 1 or waveform.dtype != np.float32:
        raise DataError(
            f"a waveform must be float32 of shape (T,), got {waveform.dtype} {waveform.shape}",
            "Average the channels and convert it",
        )
    if not np.isfinite(waveform).all():
        raise DataError("the sound has samples that are not finite", "Decode the file again")
    missing = spec.min_samples - len(waveform)
    return np.pad(waveform, (0, missing)) if missing > 0 else np.ascontiguousarray(waveform)
