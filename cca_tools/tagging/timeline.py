"""The scores of one video over time, and their picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cca_tools.errors import DataError, UsageError
from cca_tools.media.audio import Span, decode_audio
from cca_tools.media.guard import GuardedPool
from cca_tools.taggers.base import Tagger
from cca_tools.workspace import atomic_path

WINDOW_S, HOP_S = 2.0, 0.5
MAX_S = 600.0
FFT = 1024
SUFFIXES = (".png", ".pdf", ".svg", ".jpg", ".webp")


@dataclass(frozen=True)
class Timeline:
    """Scores of a video in overlapping windows.

    Attributes:
        times_s: (W,) centres of the windows, in seconds from the clip's start.
        probs: (W, C) float32.
        samples: (T,) float32, mono.
        sample_rate: Of the samples, in Hz.
        names: (C,) display names.
    """

    times_s: NDArray[np.float64]
    probs: NDArray[np.float32]
    samples: NDArray[np.float32]
    sample_rate: int
    names: tuple[str, ...]

    def top(self, k: int) -> NDArray[np.intp]:
        """Return the ``k`` classes with the highest mean score."""
        return np.argsort(-self.probs.mean(axis=0), kind="stable")[:k]


def score_over_time(tagger: Tagger, path: Path, span: Span) -> Timeline:
    """Score windows of 2 s, every 0.5 s, of the first ten minutes of a span.

    Raises:
        DataError: The sound cannot be decoded, or there is none.
    """
    rate = tagger.spec.sample_rate
    piece = Span(span.start_s, span.end_s, MAX_S)
    with GuardedPool(1, 120.0) as pool:
        outcome = pool.submit(decode_audio, str(path), rate, piece).result()
    sound = outcome.value
    if sound is None or not len(sound.samples):
        reason = outcome.detail if sound is None else sound.detail or "there are no samples"
        raise DataError(f"{path} has no sound to show: {reason}", "Choose another video")
    window, hop = int(WINDOW_S * rate), int(HOP_S * rate)
    starts = range(0, max(1, len(sound.samples) - window + hop), hop)
    scores = tagger.score([tagger.features(sound.samples[s : s + window]) for s in starts])
    times_s = (np.array(starts) + window / 2) / rate
    return Timeline(times_s, scores.probs, sound.samples, rate, tagger.labels.names)


def draw_timeline(timeline: Timeline, title: str, path: Path, *, k: int = 10) -> None:
    """Write a picture: the spectrogram above, the ``k`` strongest classes over time below.

    Args:
        timeline: What `score_over_time` gave.
        title: Of the picture.
        path: Where it goes; the suffix chooses the format.
        k: Number of classes.

    Raises:
        UsageError: The suffix is none of a picture.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no name of a picture", f"End it in {', '.join(SUFFIXES)}")
    end_s = len(timeline.samples) / timeline.sample_rate
    top = timeline.top(k)
    with mpl.rc_context({"font.size": 9}), np.errstate(divide="ignore"):
        figure = Figure(figsize=(8, 2.2 + 0.28 * len(top)), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.6, 0.28 * len(top)])
        above.specgram(
            np.pad(timeline.samples, (0, max(0, 2 * FFT - len(timeline.samples)))) + 1e-10,
            NFFT=FFT,
            Fs=timeline.sample_rate,
            noverlap=FFT // 2,
            cmap=sns.color_palette("mako", as_cmap=True),
            vmin=-140,
            vmax=-30,
        )
        above.set(ylabel="frequency (Hz)")
        above.set_title(title, parse_math=False)
        edges = np.append(timeline.times_s - HOP_S / 2, timeline.times_s[-1] + HOP_S / 2)
        edges[0], edges[-1] = 0.0, end_s
        mesh = below.pcolormesh(
            edges,
            np.arange(len(top) + 1),
            timeline.probs[:, top].T,
            cmap=sns.color_palette("rocket_r", as_cmap=True),
            vmin=0.0,
            vmax=1.0,
        )
        below.set_yticks(np.arange(len(top)) + 0.5, [timeline.names[c] for c in top])
        below.invert_yaxis()
        below.set(xlabel="time (s)", xlim=(0, end_s))
        below.tick_params(axis="y", length=0)
        figure.colorbar(mesh, ax=below, label="score", pad=0.01)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150)
