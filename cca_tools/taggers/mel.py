"""The mel filter bank that YAMNet and EfficientAT share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cca_tools.taggers.spec import TaggerSpec


def hz_to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frequencies on the HTK mel scale, 1127 ln(1 + f / 700)."""
    mels: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return mels


def mel_bank(spec: TaggerSpec) -> NDArray[np.float32]:
    """Return (fft / 2 + 1, mel_bands) triangular weights, linear in mel and of height one.

    TensorFlow's ``linear_to_mel_weight_matrix`` and Kaldi's mel banks (without warping) are both
    this matrix; the constant component has no weight in either.
    """
    bins = hz_to_mel(np.arange(spec.fft // 2 + 1) * spec.sample_rate / spec.fft)[:, None]
    low, high = hz_to_mel(np.array([spec.fmin, spec.fmax], dtype=np.float64))
    edges = np.linspace(low, high, spec.mel_bands + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights.astype(np.float32)
