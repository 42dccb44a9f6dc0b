"""The tagging runs in a workspace: which there are, and which one is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from cca_tools.errors import DataError, UsageError
from cca_tools.taggers.labels import LabelSpace, label_space, read_label_table
from cca_tools.tagging.store import labels_from

_SHARD = re.compile(r"(?P<run>.+-[0-9a-f]{12})-\d{6}\.parquet")
TAG_COLUMNS = ("video_id", "fingerprint", "status", "mids", "scores")


@dataclass(frozen=True)
class TagRun:
    """The tags of one tagger with one set of settings.

    Args:
        name: ``TAGGER-FINGERPRINT``, the latter shortened to 12 digits.
        shards: Its Parquet files, in order.
        about: What the run wrote about itself; empty where that file is not there.
    """

    name: str
    shards: tuple[Path, ...]
    about: dict[str, Any]

    @property
    def when(self) -> str:
        """The UTC time of the run, or of its newest shard where the run does not say."""
        for key in ("updated_utc", "utc", "started_utc"):
            if self.about.get(key):
                return str(self.about[key])
        newest = max(shard.stat().st_mtime for shard in self.shards)
        return datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")

    @property
    def tagger(self) -> str:
        """The name of the tagger."""
        return self.name.rpartition("-")[0]


def list_runs(folder: Path) -> tuple[TagRun, ...]:
    """Return the runs whose shards lie in ``folder``, the newest first.

    Raises:
        DataError: There are none.
    """
    shards: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.parquet")):
        found = _SHARD.fullmatch(path.name)
        if found:
            shards.setdefault(found["run"], []).append(path)
    if not shards:
        raise DataError(f"there are no tags in {folder}", "Run `cca-tools tag-audio` first")
    runs = [TagRun(run, tuple(paths), _about(folder, run)) for run, paths in shards.items()]
    return tuple(sorted(runs, key=lambda run: (run.when, run.name), reverse=True))


def stray_files(folder: Path) -> tuple[Path, ...]:
    """Return the Parquet files in ``folder`` that are no shards."""
    paths = sorted(folder.glob("*.parquet"))
    return tuple(path for path in paths if not _SHARD.fullmatch(path.name))


def _about(folder: Path, run: str) -> dict[str, Any]:
    path = folder / f"_{run}.json"
    if not path.is_file():
        return {}
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "Run `cca-tools tag-audio`") from error
    return about if isinstance(about, dict) else {}


def check_shards(shards: Sequence[Path]) -> None:
    """Look at the end of every shard, where Parquet keeps its columns.

    Raises:
        DataError: A shard is damaged or lacks a column; the message names it.
    """
    for shard in shards:
        try:
            names = pq.read_schema(shard).names
        except (OSError, ValueError) as error:
            raise _damaged(shard, error) from error
        missing = [name for name in TAG_COLUMNS if name not in names]
        if missing:
            raise DataError(
                f"{shard} is no tag shard: it lacks {', '.join(missing)}",
                "Move it out of the folder, or tag again with `cca-tools tag-audio --restart`",
            )


def blame_shard(shards: Sequence[Path]) -> None:
    """Read every shard to its end; called when reading them together has failed.

    Raises:
        DataError: The first shard that cannot be read.
    """
    for shard in shards:
        try:
            pq.read_table(shard, columns=list(TAG_COLUMNS))
        except (OSError, ValueError) as error:
            raise _damaged(shard, error) from error


def _damaged(shard: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"the tag shard {shard} is damaged: {reason}",
        "Delete it and run `cca-tools tag-audio --resume`",
    )


def labels_of_run(run: TagRun) -> LabelSpace:
    """Return the label space that a run was scored with.

    Raises:
        DataError: The run names a space that the package does not ship and gives no table of it,
            or one that differs from the shipped one of that name.
    """
    about = run.about.get("label_space") or {}
    if not about:
        return guess_labels(run.tagger)
    name, mids = str(about.get("name", "")), about.get("mids")
    if mids:
        space = LabelSpace(name, tuple(mids), tuple(about.get("names") or mids))
    elif (run.about.get("settings") or {}).get("labels"):
        space = read_label_table(Path(run.about["settings"]["labels"]))
    else:
        try:
            space = label_space(name)
        except UsageError as error:
            raise DataError(
                f"the tags {run.name} are of the label space {name!r}, which is not known",
                "Tag again with `cca-tools tag-audio --restart`",
            ) from error
    if about.get("hash") not in (None, space.hash):
        raise DataError(
            f"the tags {run.name} are of another label space {name!r} than this version's",
            "Tag again with `cca-tools tag-audio --restart`",
        )
    return space


def guess_labels(tagger: str) -> LabelSpace:
    """Return the label space of a tagger's published weights."""
    return label_space("yamnet" if tagger.startswith("yamnet") else "audioset")


def labels_of_frame(tags: pd.DataFrame) -> LabelSpace:
    """Return the label space of a frame of tags.

    Raises:
        DataError: The frame is of more than one run.
    """
    fingerprints = tags["fingerprint"].unique()
    if len(fingerprints) > 1:
        raise DataError(
            f"the tags are of {len(fingerprints)} runs: {', '.join(map(str, fingerprints[:3]))}",
            "Choose one: tags[tags.fingerprint == ...]",
        )
    if "label_space" in tags.attrs:
        return labels_from(tags.attrs["label_space"], "of this frame")
    tagger = str(tags["tagger"].iloc[0]) if "tagger" in tags and len(tags) else ""
    return guess_labels(tagger)
