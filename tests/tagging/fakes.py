"""A tagger that needs neither weights nor torch: its classes are bands of the spectrum."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from cca_tools.taggers.base import Scores, Tagger, prepare
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.spec import TaggerSpec, WeightsFile

EDGES_HZ = (0, 60, 150, 250, 350, 450, 550, 700, 1000, 1500, 2000, 3000, 5000, 8001)
NUM_CLASSES = len(EDGES_HZ) - 1
EMBEDDING_DIM = 4
LABELS = LabelSpace(
    "bands",
    tuple(f"/m/band{number:02d}" for number in range(NUM_CLASSES)),
    tuple(f"{low} to {high} Hz" for low, high in pairwise(EDGES_HZ)),
)
SPEC = TaggerSpec(
    name="fake",
    family="fake",
    sample_rate=16_000,
    num_classes=NUM_CLASSES,
    embedding_dim=EMBEDDING_DIM,
    label_space="bands",
    min_samples=1600,
    window=400,
    hop=160,
    fft=512,
    mel_bands=64,
    fmin=0.0,
    fmax=8000.0,
    weights=WeightsFile("none", "", 0, None, "", "", bundled=True),
    gflop_10s=0.0,
    parameters=0,
)


class FakeTagger(Tagger):
    """The probability of a class is the share of its band in the energy of the clip.

    Deterministic, the same for a clip whatever it is batched with, and different for nearly all
    sounds: what the engine mixes up, drops or doubles changes its scores.
    """

    def __init__(self, weights: str = "aa", precision: str = "fp32") -> None:
        self.spec, self.labels = SPEC, LABELS
        self.weights_sha256 = weights * 32
        self.device, self.precision = "cpu", precision

    def features(self, waveform):
        """Return the energy in each band, (bands,) float64."""
        power = np.abs(np.fft.rfft(prepare(waveform, self.spec))) ** 2
        hz = np.fft.rfftfreq(max(len(waveform), self.spec.min_samples), 1 / self.spec.sample_rate)
        return np.histogram(hz, EDGES_HZ, weights=power)[0]

    def score(self, features):
        """Return the shares of the bands; the embedding has the first four."""
        if not len(features):
            return Scores.empty(NUM_CLASSES, EMBEDDING_DIM)
        energies = np.stack(features)
        total = energies.sum(axis=1, keepdims=True) + 1e-12  # silence has no energy at all
        probs = (energies / total).astype(np.float32)
        return Scores(probs, probs[:, :EMBEDDING_DIM])


def load_fake(name: str, **settings: object) -> FakeTagger:
    """Stand in for `load_tagger`: ``other`` is a tagger of the same classes with other weights."""
    weights = "bb" if settings.get("weights") else "aa"
    tagger = FakeTagger(weights, str(settings.get("precision", "fp32")))
    tagger.spec = replace(SPEC, name=name)
    return tagger
