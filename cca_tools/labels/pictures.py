"""The picture of a video's sound: its spectrogram, and its strongest audio classes over time."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib import mlab
from numpy.typing import NDArray
from PIL import Image

from cca_tools.labels.previews import LENGTH_S
from cca_tools.media.audio import Span
from cca_tools.taggers.base import Tagger
from cca_tools.taggers.registry import load_tagger
from cca_tools.tagging.timeline import FFT, Timeline, score_over_time
from cca_tools.workspace import atomic_path, write_json

SHOWN = 5  # audio classes
WIDTH, HEIGHT = 480, 96  # of the spectrogram, in pixels
_QUIETEST_DB, _LOUDEST_DB = -140.0, -30.0


def draw_sound(
    path: str, span: Span, source: tuple[str, str | None, str | None], folder: str
) -> None:
    """Write ``spectrogram.png`` and ``timeline.json`` of what a preview plays.

    Args:
        path: A local file.
        span: The part of it that is meant; its first ten seconds are drawn.
        source: The tagger, its weights and its label table, each None for the tagger's own.
        folder: Where both are written.

    Raises:
        DataError: There is no sound that can be decoded.
        WeightsError: The tagger's weights are not there.
    """
    end_s = span.start_s + LENGTH_S
    part = Span(span.start_s, end_s if span.end_s is None else min(end_s, span.end_s))
    timeline = score_over_time(_tagger(source), Path(path), part)
    image = spectrogram(timeline.samples, timeline.sample_rate)
    with atomic_path(Path(folder) / "spectrogram.png") as temporary:
        image.quantize(64).save(temporary, "PNG", optimize=True)
    write_json(Path(folder) / "timeline.json", _told(timeline))


@functools.cache
def _tagger(source: tuple[str, str | None, str | None]) -> Tagger:
    name, weights, labels = source
    return load_tagger(
        name,
        weights=Path(weights) if weights else None,
        labels=Path(labels) if labels else None,
        device="cpu",
    )


def spectrogram(samples: NDArray[np.float32], sample_rate: int) -> Image.Image:
    """Return the spectrogram as a picture, high sounds above, louder ones brighter.

    Args:
        samples: (T,) mono, full scale = 1.
        sample_rate: In Hz.
    """
    padded = np.pad(samples, (0, max(0, 2 * FFT - len(samples)))) + np.float32(1e-10)
    spectrum = mlab.specgram(padded, NFFT=FFT, Fs=sample_rate, noverlap=FFT // 2)[0]
    power = np.asarray(spectrum, dtype=np.float64)
    level = (10 * np.log10(power + 1e-20) - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB)
    colours = sns.color_palette("mako", as_cmap=True)(np.clip(level[::-1], 0.0, 1.0), bytes=True)
    return Image.fromarray(colours[..., :3].copy()).resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def _told(timeline: Timeline) -> dict[str, Any]:
    """Return the strongest classes as what JSON holds: seconds, then name and scores of each."""
    rows = [
        {
            "name": timeline.names[position],
            "scores": [round(float(score), 3) for score in timeline.probs[:, position]],
        }
        for position in timeline.top(SHOWN)
    ]
    seconds = len(timeline.samples) / timeline.sample_rate
    return {"seconds": round(seconds, 2), "rows": rows}
