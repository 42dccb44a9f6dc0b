"""What one tagger is: everything that must fit together, bound in one entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightsFile:
    """The published weights of a tagger.

    Args:
        name: The file name under which they were published.
        url: Where they can be downloaded; empty for the bundled ones.
        bytes: The size of the file, or None where we know of no published figure.
        known_hash: ``sha256:...`` or ``md5:...``; None where no hash was ever published: the
            first download is then recorded, and later ones must equal it.
        licence: The licence of the weights, as SPDX.
        citation: Who made them, and where that is written.
        bundled: Whether they come with this package.
    """

    name: str
    url: str
    bytes: int | None
    known_hash: str | None
    licence: str
    citation: str
    bundled: bool = False


@dataclass(frozen=True)
class TaggerSpec:
    """One tagger: its front end, its network and its weights. None of these is a free flag.

    Args:
        name: What ``--tagger`` takes.
        family: The module below ``cca_tools.taggers`` that builds it.
        sample_rate: In Hz.
        num_classes: Of the published weights.
        embedding_dim: Length of the clip's embedding.
        label_space: Name of the label space of the published weights.
        min_samples: Shorter clips are padded with zeros to this length.
        window: Length of the analysis window, in samples.
        hop: Step between frames, in samples.
        fft: Length of the Fourier transform.
        mel_bands: Number of mel bands.
        fmin: Lower edge of the lowest band, in Hz.
        fmax: Upper edge of the highest band, in Hz.
        weights: The published weights.
        gflop_10s: Floating-point operations of the network for 10 s of sound, in 10^9: its
            convolutions and dense layers, a multiply-add being two; without the front end.
        parameters: Number of trained parameters.
    """

    name: str
    family: str
    sample_rate: int
    num_classes: int
    embedding_dim: int
    label_space: str
    min_samples: int
    window: int
    hop: int
    fft: int
    mel_bands: int
    fmin: float
    fmax: float
    weights: WeightsFile
    gflop_10s: float
    parameters: int
