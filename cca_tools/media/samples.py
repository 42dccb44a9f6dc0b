"""From a decoder's frames to mono float32 samples at a wanted rate."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]

MAX_AMPLITUDE = 8.0  # beyond it (18 dB over full scale) samples come from damage, not from sound
_MOST_PLANES, _FEW_PLANES = 8, 2
_BITS = {"u8": 8, "s16": 16, "s32": 32, "s64": 64}


@cache
def _scale_of(format_name: str) -> tuple[float, float]:
    """Return (offset, scale) that bring samples of a format to -1..1."""
    bits = _BITS.get(format_name.removesuffix("p"))
    if bits is None:
        return 0.0, 1.0
    return (128.0 if bits == 8 else 0.0), 1.0 / 2 ** (bits - 1)


def mono(frame: av.AudioFrame) -> Samples:
    """Return the mean of a frame's channels, float32 (samples,), full scale = 1."""
    if frame.format.name == "fltp" and len(frame.planes) <= _FEW_PLANES:
        return _mono_of_planes(frame)
    frame = _readable(frame)
    values: npt.NDArray[np.generic] = frame.to_ndarray()
    num_channels = frame.layout.nb_channels
    if not frame.format.is_planar and num_channels > 1:
        values = values.reshape(-1, num_channels).T
    offset, scale = _scale_of(frame.format.name)
    with np.errstate(over="ignore", invalid="ignore"):  # damage is repaired later
        mean = values.mean(axis=0, dtype=np.float64)
        if offset or scale != 1.0:
            mean = (mean - offset) * scale
        return np.asarray(mean, dtype=np.float32)


def _mono_of_planes(frame: av.AudioFrame) -> Samples:
    """Return the same for one or two planes of float32, which most decoders give.

    A file has a frame every 5 to 25 ms: this is the loop in which decoding spends its time.
    """
    buffers: tuple[Any, ...] = frame.planes
    planes = [np.frombuffer(buffer, np.float32, frame.samples) for buffer in buffers]
    if len(planes) == 1:
        return planes[0].copy()
    with np.errstate(over="ignore", invalid="ignore"):
        mean: Samples = (planes[0] + planes[1]) * np.float32(0.5)
    return mean


def _readable(frame: av.AudioFrame) -> av.AudioFrame:
    """Return the frame in a format that PyAV can turn into an array.

    It has no 64-bit integers, and counts planes up to a null pointer that FFmpeg does not put
    behind eight or more: there it reads foreign memory, and dies.
    """
    is_wide = frame.format.is_planar and frame.layout.nb_channels >= _MOST_PLANES
    if not is_wide and not frame.format.name.startswith("s64"):
        return frame
    packed = av.AudioResampler("dbl", frame.layout, frame.sample_rate)
    (converted,) = packed.resample(frame)
    return converted


def repair(run: Samples) -> tuple[Samples, set[str]]:
    """Return samples (T,) within +-8 of full scale, and a note if that took a change."""
    # NaN compares false, so one test finds both kinds of damage.
    if bool(np.all(np.abs(run) <= MAX_AMPLITUDE)):
        return run, set()
    repaired = np.clip(np.nan_to_num(run), -MAX_AMPLITUDE, MAX_AMPLITUDE).astype(np.float32)
    return repaired, {f"samples that are no number or beyond {MAX_AMPLITUDE:g} were cut off"}


def resample(run: Samples, rate: int, wanted: int) -> Samples:
    """Return samples (T,) at another rate: soxr at its high quality, the default of librosa."""
    if rate == wanted or not len(run):
        return run
    resampled = soxr.resample(run, rate, wanted, quality="HQ").astype(np.float32, copy=False)
    # soxr returns nothing for a sample or two: keep the promised length, holding the first value.
    length = math.ceil(len(run) * wanted / rate)
    return resampled if len(resampled) else np.full(length, run[0], np.float32)
