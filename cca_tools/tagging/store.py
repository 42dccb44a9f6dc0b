"""The tags on disk: Parquet shards, one set a fingerprint, each video exactly once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cca_tools.errors import DataError
from cca_tools.taggers.labels import SHIPPED, LabelSpace, label_space
from cca_tools.tagging.rows import TagRow, tag_schema, top_classes
from cca_tools.workspace import atomic_path, remove_leftovers, write_json, writing_to


@dataclass(frozen=True)
class RunInfo:
    """One tag run as it lies on disk: the settings that decided its tags.

    Args:
        tagger: Its name.
        fingerprint: SHA-256 of the settings.
        settings: What the fingerprint was made of.
        label_space: ``name`` and ``hash``; the table itself where the package does not ship it.
        embedding_dim: Length of the embedding, for the column.
        started_utc: When the run was first started.
    """

    tagger: str
    fingerprint: str
    settings: dict[str, Any]
    label_space: dict[str, Any]
    embedding_dim: int
    started_utc: str
    updated_utc: str = ""

    @property
    def name(self) -> str:
        """What the run's files are called: tagger and the fingerprint's first 12 digits."""
        return f"{self.tagger}-{self.fingerprint[:12]}"


def describe_labels(labels: LabelSpace) -> dict[str, Any]:
    """Return what a run says of its label space: all of it, unless the package ships it."""
    about: dict[str, Any] = {"name": labels.name, "hash": labels.hash}
    if labels.name in SHIPPED and label_space(labels.name).hash == labels.hash:
        return about
    return about | {"mids": list(labels.mids), "names": list(labels.names)}


def labels_of(run: RunInfo) -> LabelSpace:
    """Return the label space of a run; see `labels_from`."""
    return labels_from(run.label_space, run.name)


def labels_from(about: Mapping[str, Any], what: str) -> LabelSpace:
    """Return the label space that `describe_labels` described.

    Args:
        about: The description.
        what: The tags that it belongs to, for the message.

    Raises:
        DataError: It is neither shipped nor described, or not the one that it was.
    """
    if "mids" in about:
        labels = LabelSpace(about["name"], tuple(about["mids"]), tuple(about["names"]))
    elif about["name"] in SHIPPED:
        labels = label_space(about["name"])
    else:
        labels = None
    if labels is None or labels.hash != about["hash"]:
        raise DataError(
            f"the tags {what} are of a label space {about['name']!r} that is not known here",
            "Tag again with `cca-tools tag-audio --restart`",
        )
    return labels


def list_runs(folder: Path) -> list[RunInfo]:
    """Return the tag runs in a folder, the newest first.

    Raises:
        DataError: A run's description is damaged.
    """
    runs = []
    for path in folder.glob("_*.json"):
        if path.name.endswith(".provenance.json"):
            continue
        try:
            runs.append(RunInfo(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{path} does not describe a tag run: {error}", "Remove it and tag again"
            ) from error
    return sorted(runs, key=lambda run: (run.updated_utc, run.name), reverse=True)


def shard_paths(folder: Path, name: str) -> list[Path]:
    """Return the shards of the run ``name``, in the order they were written."""
    return sorted(folder.glob(f"{name}-[0-9]*.parquet"))


def read_tags(folder: Path, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the tags of one run, one row a video, with all columns or those named.

    Raises:
        DataError: A shard is damaged.
    """
    frames = [_read(path, columns) for path in shard_paths(folder, name)]
    if not frames:
        return pd.DataFrame(columns=list(columns or tag_schema((), 0, 0).names), dtype=object)
    return pd.concat(frames, ignore_index=True)


def read_row(folder: Path, name: str, video_id: str) -> dict[str, Any] | None:
    """Return what is told of one video, without all scores and embedding; None if nothing is.

    Raises:
        DataError: A shard is damaged.
    """
    for path in shard_paths(folder, name):
        if (_read(path, ["video_id"])["video_id"] == video_id).any():
            rows = _read(path, tag_schema((), 0, 0).names)
            return dict(rows[rows["video_id"] == video_id].iloc[0])
    return None


def _read(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pq.ParquetFile(path).read(columns).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"the tags {path} are damaged: {error}", "Remove this file and run tag-audio again"
        ) from error
    return frame


@dataclass
class TagStore:
    """Writes the tags of one run; the workspace's lock must be held.

    Args:
        folder: The workspace's ``tags``.
        run: What decided the tags.
        labels: The tagger's label space.
    """

    folder: Path
    run: RunInfo
    labels: LabelSpace
    _rows: list[TagRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.run.settings
        self._schema = tag_schema(settings["keep"], len(self.labels), self.run.embedding_dim)

    def open(self) -> pd.DataFrame:
        """Make the folder, clear what a killed run left, and return what is done.

        Returns:
            ``video_id``, ``status`` and ``source`` of every row.
        """
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.folder)
        write_json(self.folder / f"_{self.run.name}.json", self.run.__dict__)
        return read_tags(self.folder, self.run.name, ["video_id", "status", "source"])

    def forget(self, video_ids: Collection[str]) -> None:
        """Drop the rows of these videos, so that they are open again."""
        if not video_ids:
            return
        for path in shard_paths(self.folder, self.run.name):
            keep = ~_read(path, ["video_id"])["video_id"].isin(list(video_ids)).to_numpy()
            if keep.all():
                continue
            if keep.any():
                self._write(pq.ParquetFile(path).read().filter(pa.array(keep)), path)
                continue
            with writing_to(path):
                path.unlink()

    def add(self, row: TagRow) -> None:
        """Take a row; it is on disk after the next `flush`."""
        self._rows.append(row)

    def __len__(self) -> int:
        return len(self._rows)

    def flush(self) -> None:
        """Write the rows taken since the last time as one new shard, all or nothing."""
        if not self._rows:
            return
        shards = shard_paths(self.folder, self.run.name)
        number = 1 + (int(shards[-1].stem.rpartition("-")[2]) if shards else 0)
        path = self.folder / f"{self.run.name}-{number:06d}.parquet"
        rows, self._rows = self._rows, []
        try:
            self._write(self._table(rows), path)
        except BaseException:
            if not path.exists():  # a Ctrl-C may come when it is in place, but not yet synced
                self._rows = rows + self._rows
            raise

    def _write(self, table: pa.Table, path: Path) -> None:
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def _table(self, rows: Sequence[TagRow]) -> pa.Table:
        tops = [self._top(row.probs) for row in rows]
        columns: dict[str, Any] = {
            "video_id": [row.video_id for row in rows],
            "tagger": [self.run.tagger] * len(rows),
            "fingerprint": [self.run.fingerprint] * len(rows),
            "status": [row.status for row in rows],
            "detail": [row.detail for row in rows],
            "source": [row.source for row in rows],
            "seconds": [row.seconds for row in rows],
            "rms_dbfs": [row.rms_dbfs for row in rows],
            "peak_dbfs": [row.peak_dbfs for row in rows],
            "mids": [mids for mids, _ in tops],
            "scores": [scores for _, scores in tops],
        }
        if "scores_all" in self._schema.names:
            columns["scores_all"] = [_half(row.probs) for row in rows]
        if "embedding" in self._schema.names:
            columns["embedding"] = [_half(row.embedding) for row in rows]
        return pa.table(columns, schema=self._schema)

    def _top(self, probs: NDArray[np.float32] | None) -> tuple[list[str], list[float]]:
        if probs is None:
            return [], []
        top = top_classes(probs, self.run.settings["top_k"])
        return [self.labels.mids[position] for position in top], probs[top].tolist()


def _half(values: NDArray[np.float32] | None) -> NDArray[np.float16] | None:
    if values is None:
        return None
    largest = np.finfo(np.float16).max
    return np.clip(values, -largest, largest).astype(np.float16)
