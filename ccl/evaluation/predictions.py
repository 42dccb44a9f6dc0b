"""What a student says of every video, as a table on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cca_tools.errors import DataError
from cca_tools.workspace import atomic_path

Single = NDArray[np.float32]

COLUMNS = (
    "video_id",
    "class_name",
    "split",
    "group",
    "target",
    "top5",
    "top5_probs",
    "probs",
    "embedding",
    "clips",
    "clip_top1",
    "clip_top5",
)
_TOP = 5
_CLASSES_KEY = b"classes"


@dataclass(frozen=True)
class Predictions:
    """N videos as a student sees them.

    Args:
        classes: The C classes, in the order of its outputs.
        videos: N rows: ``video_id``, ``class_name``, ``split``, ``group``, ``target`` (the
            position of the class), ``clips`` (how many were averaged), ``clip_top1`` and
            ``clip_top5`` (the share of them whose own class is the first, or among five).
        probs: (N, C), the softmax averaged over the clips.
        embeddings: (N, D), the mean over the clips.
    """

    classes: tuple[str, ...]
    videos: pd.DataFrame
    probs: Single
    embeddings: Single

    def __len__(self) -> int:
        return len(self.videos)

    def of_split(self, split: str) -> Predictions:
        """Return the videos of one split."""
        rows = (self.videos["split"] == split).to_numpy()
        return Predictions(
            self.classes,
            self.videos[rows].reset_index(drop=True),
            self.probs[rows],
            self.embeddings[rows],
        )


def schema(num_classes: int, width: int) -> pa.Schema:
    """Return the columns of a predictions file, a row a video.

    Args:
        num_classes: C, the length of ``probs``.
        width: D, the length of ``embedding``.
    """
    return pa.schema(
        [
            ("video_id", pa.string()),
            ("class_name", pa.string()),
            ("split", pa.string()),
            ("group", pa.string()),
            ("target", pa.int64()),
            ("top5", pa.list_(pa.string())),
            ("top5_probs", pa.list_(pa.float32())),
            ("probs", pa.list_(pa.float32(), num_classes)),
            ("embedding", pa.list_(pa.float32(), width)),
            ("clips", pa.int64()),
            ("clip_top1", pa.float64()),
            ("clip_top5", pa.float64()),
        ]
    )


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write predictions as Parquet, atomically; the classes stand in its metadata.

    Raises:
        DataError: A video stands twice.
    """
    ids = predictions.videos["video_id"]
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise DataError(f"{twice!r} is predicted twice", "Give each video one row")
    with atomic_path(path) as temporary:
        pq.write_table(_table(predictions), temporary, compression="zstd")


def _table(predictions: Predictions) -> pa.Table:
    videos, probs = predictions.videos, predictions.probs
    top = np.argsort(-probs, axis=1, kind="stable")[:, :_TOP]  # ties by the order of the classes
    names = np.asarray(predictions.classes, dtype=object)[top]
    layout = schema(probs.shape[1], predictions.embeddings.shape[1]).with_metadata(
        {_CLASSES_KEY: "\0".join(predictions.classes).encode()}
    )
    made: dict[str, Any] = {
        "top5": pa.array(names.tolist(), pa.list_(pa.string())),
        "top5_probs": pa.array(
            np.take_along_axis(probs, top, axis=1).tolist(), pa.list_(pa.float32())
        ),
        "probs": _fixed(probs),
        "embedding": _fixed(predictions.embeddings),
    }
    columns = [
        made[name] if name in made else pa.array(videos[name], layout.field(name).type)
        for name in COLUMNS
    ]
    return pa.Table.from_arrays(columns, schema=layout)


def _fixed(values: Single) -> pa.FixedSizeListArray:
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises:
        DataError: The file is absent, damaged, or no predictions.
    """
    if not path.is_file():
        raise DataError(f"there are no predictions {path}", "Run `cca-tools evaluate` first")
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}", "Evaluate again") from error
    missing = [name for name in COLUMNS if name not in table.column_names]
    metadata = table.schema.metadata or {}
    if missing or _CLASSES_KEY not in metadata:
        lacks = ", ".join(missing) or "the list of classes"
        raise DataError(f"{path} holds no predictions: it lacks {lacks}", "Evaluate again")
    wide = ("top5", "top5_probs", "probs", "embedding")
    return Predictions(
        tuple(metadata[_CLASSES_KEY].decode().split("\0")),
        table.drop_columns(wide).to_pandas(),
        _matrix(table["probs"]),
        _matrix(table["embedding"]),
    )


def _matrix(column: pa.ChunkedArray) -> Single:
    width = column.type.list_size
    flat: Single = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, width)
