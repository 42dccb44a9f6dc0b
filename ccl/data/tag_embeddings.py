"""The embeddings that ``cca-tools tag-audio --keep embedding`` left in the workspace."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Workspace
from ccl.data.ledger import Ledger

HEARD = ("ok", "partial")
_REMEDY = "Run `cca-tools tag-audio --keep embedding`"


def read_tag_embeddings(
    workspace: Workspace, wanted: str | None, video_ids: Sequence[str], ledger: Ledger
) -> tuple[dict[str, NDArray[np.float32]], list[Path]]:
    """Return the embedding of each video whose sound was heard, and the files they are from.

    Args:
        workspace: Its tags.
        wanted: The run, by the beginning of its name; None for the newest that kept embeddings.
        video_ids: The videos of the study.
        ledger: Told which of them were never tagged, and why others have no embedding.

    Raises:
        DataError: No run has embeddings, or a shard is damaged.
        UsageError: No run of that name has embeddings; the message lists those that have.
    """
    name = _choose(workspace.tags, wanted)
    shards = sorted(workspace.tags.glob(f"{name}-[0-9]*.parquet"))
    known, statuses = set(video_ids), {}
    embeddings: dict[str, NDArray[np.float32]] = {}
    for path in shards:
        table = _read(path)
        columns = (table["video_id"].to_pylist(), table["status"].to_pylist())
        for row, (video_id, status) in enumerate(zip(*columns, strict=True)):
            if video_id not in known:
                continue
            statuses[video_id] = status
            if status in HEARD:
                cell = table["embedding"][row].values
                embeddings[video_id] = cell.to_numpy(zero_copy_only=False).astype(np.float32)
    _tell(video_ids, statuses, ledger)
    return embeddings, shards


def _choose(folder: Path, wanted: str | None) -> str:
    """Return the run's name: that of the newest that fits; a tagger's name means its own runs."""
    runs = sorted(
        (run for run in map(_run_of, folder.glob("_*.json")) if run),
        key=lambda run: (run["updated_utc"], run["name"]),
        reverse=True,
    )
    if not runs:
        raise DataError(f"no tags in {folder} have embeddings", _REMEDY)
    fitting = [run for run in runs if wanted in (None, run["tagger"])]
    fitting = fitting or [run for run in runs if run["name"].startswith(wanted or "")]
    if not fitting:
        names = ", ".join(run["name"] for run in runs)
        raise UsageError(f"no tags with embeddings are called {wanted!r}", f"There are {names}")
    return str(fitting[0]["name"])


def _run_of(path: Path) -> dict[str, Any] | None:
    """Return name, tagger and time of a tag run that kept embeddings, None of any other."""
    if path.name.endswith(".provenance.json"):
        return None
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        kept = "embedding" in run["settings"]["keep"]
        about = {key: run[key] for key in ("tagger", "updated_utc")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not describe a tag run: {error}", "Tag again") from error
    return about | {"name": path.stem.removeprefix("_")} if kept else None


def _read(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(path).read(["video_id", "status", "embedding"]).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"the tags {path} are damaged: {error}", "Tag again") from error


def _tell(video_ids: Sequence[str], statuses: dict[str, str], ledger: Ledger) -> None:
    by_status = defaultdict(list)
    for video_id in video_ids:
        by_status[statuses.get(video_id, "")].append(video_id)
    ledger.problem(
        by_status.pop("", []),
        "video is not tagged: run `cca-tools tag-audio --keep embedding`",
        "videos are not tagged: run `cca-tools tag-audio --keep embedding`",
    )
    for status, some in sorted(by_status.items()):
        if status not in HEARD:
            ledger.note(some, f"video is masked: {status}", f"videos are masked: {status}")
