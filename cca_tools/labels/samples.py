"""The videos that a page shows of a class: drawn by seed, one a recording, never silent ones."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cca_tools.datasets.manifest import read_manifest, video_path
from cca_tools.errors import DataError
from cca_tools.labels.spare import writable
from cca_tools.media.audio import Span
from cca_tools.tagging.decoding import span_of
from cca_tools.tagging.lookup import pick_run
from cca_tools.tagging.rows import COUNTED
from cca_tools.tagging.store import list_runs, shard_paths
from cca_tools.workspace import Workspace, atomic_path

UNTAGGED = "untagged"
CACHE = ".cache"  # below the workspace: all of it can be removed at any time
_ROWS_AT_ONCE = 2048  # what is read to find the videos of one class
_MOST = 30  # videos that are drawn: those that cannot be shown have others behind them
_lock = Lock()
_QUERY = """
SELECT class_name, video_id, "group", root, path, start_s, end_s, duration_s, has_audio, has_video,
       coalesce(status, '{untagged}') AS status
FROM manifest LEFT JOIN tags USING (video_id)
ORDER BY class_name, video_id
"""


@dataclass(frozen=True)
class Sample:
    """One video that may be shown.

    Args:
        video_id: Of the manifest.
        group: The recording that it is cut from; its own id where the manifest tells none.
        path: The file.
        span: The part of it that is meant.
        has_video: Whether there is a picture.
        length_s: Of that part; NaN where it is not known.
    """

    video_id: str
    group: str
    path: Path
    span: Span
    has_video: bool
    length_s: float


@dataclass(frozen=True)
class ClassSamples:
    """The videos of one class.

    Args:
        class_name: The class.
        counts: Number of videos by status of their sound; ``untagged`` where none is known.
        samples: Up to 30 that can be heard, one a group, in the order drawn by the seed.
        groups: Number of groups that all its videos come from.
    """

    class_name: str
    counts: dict[str, int]
    samples: tuple[Sample, ...]
    groups: int

    @property
    def videos(self) -> int:
        """Number of videos, whatever their status."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class SampleIndex:
    """Manifest and statuses together, sorted by class, so that one class is read alone.

    Args:
        path: A Parquet file in the workspace's cache, made anew when manifest or tags change.
        class_names: All classes of the manifest, sorted; videos without a class are left out.
        tagged: Whether there are tags at all; if not, a video with an audio stream counts as heard.
    """

    path: Path
    class_names: tuple[str, ...]
    tagged: bool

    @classmethod
    def open(cls, workspace: Workspace, run: str | None = None) -> Self:
        """Return the index of a workspace, made when it is not there yet.

        Args:
            workspace: With a manifest; with tags if it can be.
            run: The tag run, by the beginning of its name; by default the newest.

        Raises:
            DataError: There is no manifest, or a shard is damaged.
        """
        workspace.require(workspace.manifest, "cca-tools index ROOT")
        runs = list_runs(workspace.tags)
        shards = shard_paths(workspace.tags, pick_run(runs, run).name) if runs else []
        name = f"samples-v1-{_state_of([workspace.manifest, *shards])}.parquet"
        path = _written(workspace, shards, name)
        listed = _class_names(path)
        if not listed:
            raise DataError(
                f"{workspace.manifest} has no video with a class", "Index with another --layout"
            )
        return cls(path, listed, bool(shards))

    def of_class(self, class_name: str, seed: int = 0) -> ClassSamples:
        """Return the videos of a class; empty for a name that is none of the manifest's.

        Args:
            class_name: The class.
            seed: With the class's name, all that the order depends on.
        """
        table = pq.read_table(self.path, filters=[("class_name", "=", class_name)])
        rows = table.to_pylist()
        counts = {status: 0 for status in COUNTED}
        for row in rows:
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        heard = [row for row in rows if self._is_heard(row)]
        return ClassSamples(
            class_name,
            {status: number for status, number in counts.items() if number},
            _draw(heard, class_name, seed),
            len({_group_of(row) for row in rows}),
        )

    def _is_heard(self, row: dict[str, Any]) -> bool:
        return row["status"] in COUNTED if self.tagged else bool(row["has_audio"])


@lru_cache(maxsize=8)
def _class_names(path: Path) -> tuple[str, ...]:
    names = pq.read_table(path, columns=["class_name"]).column("class_name")
    return tuple(sorted(value for value in pc.unique(names).to_pylist() if value))


def _draw(rows: list[dict[str, Any]], class_name: str, seed: int) -> tuple[Sample, ...]:
    digest = hashlib.sha256(f"{seed}\n{class_name}".encode("utf-8", "surrogatepass")).digest()
    rng = np.random.default_rng(list(digest))
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_group.setdefault(_group_of(row), []).append(row)
    groups = sorted(by_group)
    chosen = [by_group[groups[at]] for at in rng.permutation(len(groups))]
    drawn = [members[int(rng.integers(len(members)))] for members in chosen[:_MOST]]
    return tuple(_sample(row) for row in drawn)


def _group_of(row: dict[str, Any]) -> str:
    return str(row["group"] or row["video_id"])


def _sample(row: dict[str, Any]) -> Sample:
    for name in ("start_s", "end_s", "duration_s"):
        row[name] = math.nan if row[name] is None else row[name]
    return Sample(
        row["video_id"],
        _group_of(row),
        video_path(row),
        span_of(row),
        row["has_video"],
        row["duration_s"],
    )


def _state_of(paths: list[Path]) -> str:
    """Return a hash that changes when one of the files does."""
    told = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _written(workspace: Workspace, shards: list[Path], name: str) -> Path:
    """Return the index in the workspace's cache, or where that is read-only, in a spare folder."""
    folder = workspace.root / CACHE
    if (folder / name).is_file():
        return folder / name
    with _lock:  # one page of several makes it
        path = writable(folder) / name
        if not path.is_file():
            _write(_joined(workspace, shards), path)
    return path


def _write(table: pa.Table, path: Path) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, row_group_size=_ROWS_AT_ONCE, compression="zstd")
    for old in path.parent.glob("samples-*.parquet"):
        if old.name != path.name:
            old.unlink(missing_ok=True)


def _joined(workspace: Workspace, shards: list[Path]) -> pa.Table:
    manifest = pa.Table.from_pandas(read_manifest(workspace.manifest), preserve_index=False)
    parts = []
    for shard in shards:
        try:
            parts.append(pq.read_table(shard, columns=["video_id", "status"]))
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"the tags {shard} are damaged: {error}",
                "Remove this file and run tag-audio again",
            ) from error
    empty = pa.table({"video_id": pa.array([], pa.string()), "status": pa.array([], pa.string())})
    tags = pa.concat_tables(parts) if parts else empty
    with duckdb.connect() as database:
        database.register("manifest", manifest)
        database.register("tags", tags)
        return database.sql(_QUERY.format(untagged=UNTAGGED)).to_arrow_table()
