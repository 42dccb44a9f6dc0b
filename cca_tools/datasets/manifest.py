"""The manifest: one row a video, or a segment of one, that every later step starts from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.errors import DataError
from cca_tools.workspace import atomic_path

# column -> pandas dtype; a missing number is NaN, a missing text is ""
COLUMNS: dict[str, str] = {
    "video_id": "str",
    "path": "str",
    "class_name": "str",
    "split": "str",
    "group": "str",
    "start_s": "float64",
    "end_s": "float64",
    "duration_s": "float64",
    "has_audio": "bool",
    "has_video": "bool",
    "bytes": "int64",
    "root": "str",
}
SPLITS = ("train", "val", "test", "")


def check_manifest(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return ``frame`` with exactly the manifest's columns and dtypes.

    Args:
        frame: One row a video; further columns are dropped.
        source: Where it came from, for messages.

    Raises:
        DataError: A column is missing, an id is empty or stands twice, or there is no row.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"{source} is no manifest: it lacks {', '.join(missing)}",
            "Make one with `cca-tools index`",
        )
    if frame.empty:
        raise DataError(f"{source} has no videos", "Check the folder and --layout")
    frame = frame[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)
    twice = frame.loc[frame["video_id"].duplicated(), "video_id"].unique()
    if len(twice):
        raise DataError(
            f"{source}: {len(twice)} video ids stand more than once, first {twice[0]!r}",
            "Give every video an id of its own",
        )
    return frame


def read_manifest(path: Path) -> pd.DataFrame:
    """Read and check a manifest.

    Raises:
        DataError: The file is absent, is not Parquet, or is no manifest.
    """
    if not path.is_file():
        raise DataError(f"the manifest {path} is not there", "Make one with `cca-tools index`")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}", "Index again") from error
    return check_manifest(frame, str(path))


def write_manifest(frame: pd.DataFrame, path: Path) -> None:
    """Check ``frame`` and write it to ``path`` atomically."""
    checked = check_manifest(frame, str(path))
    with atomic_path(path) as temporary:
        checked.to_parquet(temporary, index=False)


def video_path(row: Mapping[Any, Any]) -> Path:
    """Return the path on disk of a manifest row: its path below its root."""
    return Path(str(row["root"])) / str(row["path"])
