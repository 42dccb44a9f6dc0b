"""The row that a video gets in the tags, and the columns of the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

COUNTED = ("ok", "partial")
NOT_COUNTED = (
    "silent",
    "no_audio_stream",
    "decode_error",
    "decoder_crash",
    "timeout",
    "missing_file",
)
STATUSES = COUNTED + NOT_COUNTED
FAILED = ("decode_error", "decoder_crash", "timeout", "missing_file")

SILENCE_DBFS = -60.0  # a peak below it is silence
FLOOR_DBFS = -120.0  # what digital silence is reported as


@dataclass(frozen=True)
class TagRow:
    """What is known of the sound of one video.

    Args:
        video_id: Of the manifest.
        status: One of `STATUSES`.
        detail: What a reader should know of it, empty where there is nothing to say.
        seconds: Seconds of sound that were decoded.
        rms_dbfs: Root mean square, in dB of full scale; NaN where nothing was decoded.
        peak_dbfs: Largest sample, likewise.
        probs: (C,) float32, None unless the status counts.
        embedding: (E,) float32, None unless the status counts.
        source: Which file and which part of it was heard, as `source_of` names it.
    """

    video_id: str
    status: str
    detail: str = ""
    seconds: float = 0.0
    rms_dbfs: float = math.nan
    peak_dbfs: float = math.nan
    probs: NDArray[np.float32] | None = None
    embedding: NDArray[np.float32] | None = None
    source: str = ""


def dbfs(amplitude: float) -> float:
    """Return an amplitude (full scale = 1) in dB, at least `FLOOR_DBFS`.

    >>> dbfs(1.0), dbfs(0.0), round(dbfs(0.5), 2)
    (0.0, -120.0, -6.02)
    """
    return max(FLOOR_DBFS, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS


def top_classes(probs: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return the positions of the ``k`` highest scores, highest first, ties in label order.

    >>> top_classes(np.array([0.1, 0.9, 0.5, 0.9], np.float32), 3).tolist()
    [1, 3, 2]
    """
    return np.argsort(-probs, kind="stable")[:k]


def describe_counts(counts: Mapping[str, int]) -> str:
    """Return the number of videos per status in words.

    >>> describe_counts({"silent": 2, "ok": 88})
    'ok 88, silent 2'
    """
    return ", ".join(f"{status} {counts[status]}" for status in STATUSES if counts.get(status))


def tag_schema(keep: Sequence[str], num_classes: int, embedding_dim: int) -> pa.Schema:
    """Return the columns of a shard."""
    columns = [
        pa.field("video_id", pa.string()),
        pa.field("tagger", pa.string()),
        pa.field("fingerprint", pa.string()),
        pa.field("status", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("source", pa.string()),
        pa.field("seconds", pa.float64()),
        pa.field("rms_dbfs", pa.float32()),
        pa.field("peak_dbfs", pa.float32()),
        pa.field("mids", pa.list_(pa.string())),
        pa.field("scores", pa.list_(pa.float32())),
    ]
    if "scores" in keep:
        columns.append(pa.field("scores_all", pa.list_(pa.float16(), num_classes)))
    if "embedding" in keep:
        columns.append(pa.field("embedding", pa.list_(pa.float16(), embedding_dim)))
    return pa.schema(columns)
