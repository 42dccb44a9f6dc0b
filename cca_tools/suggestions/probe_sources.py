"""The audio features of a workspace's videos, for the probe: from tags, or imported."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.tagging.lookup import choose_run
from cca_tools.tagging.rows import COUNTED
from cca_tools.tagging.store import shard_paths
from cca_tools.workspace import Workspace

MOST_VIDEOS = 30_000
_LEAST_A_CLASS = 20
_ROWS_AT_ONCE = 4096
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProbeData:
    """Audio features of a sample of the videos.

    Args:
        embeddings: (N, D) float32.
        videos: N rows of the manifest: video_id, class_name, split, group (never empty).
        source: What the features are, in words.
        inputs: The files they came from.
        notices: What a reader must know.
    """

    embeddings: Floats
    videos: pd.DataFrame
    source: str
    inputs: tuple[Path, ...]
    notices: tuple[str, ...] = ()


def read_probe_data(
    workspace: Workspace,
    features: Path | None = None,
    run: str | None = None,
    *,
    most_videos: int = MOST_VIDEOS,
    seed: int = 0,
) -> ProbeData:
    """Return the audio features of the workspace's videos, or of a sample of them.

    Args:
        workspace: Has the manifest, and the tags where ``features`` is None.
        features: A file of released or imported features: ``.npz`` or ``.parquet`` with
            ``video_id`` and ``embedding``.
        run: The tag run, by the beginning of its name; None means the newest.
        most_videos: From more, a sample is drawn: of each class at most this number divided by
            the number of classes, but at least 20.
        seed: Of the sample.

    Raises:
        DataError: No features are there, they are damaged, or of other videos.
    """
    manifest = read_manifest(workspace.require(workspace.manifest, "cca-tools index"))
    if features is not None:
        ids, values = _read_file(features)
        videos = _videos(manifest, ids)
        chosen = sample(videos["class_name"], most_videos, seed)
        notices = (*_strangers(len(ids) - len(videos), len(ids)), *_sampled(chosen, videos))
        row_of = pd.Series(np.arange(len(ids)), index=ids)
        videos = videos.iloc[chosen]
        rows = values[row_of.loc[videos["video_id"]].to_numpy()]
        return ProbeData(rows, videos, features.name, (features,), notices)
    return _from_tags(workspace, manifest, run, most_videos, seed)


def _from_tags(
    workspace: Workspace, manifest: pd.DataFrame, run: str | None, most_videos: int, seed: int
) -> ProbeData:
    about = choose_run(workspace, run)
    shards = shard_paths(workspace.tags, about.name)
    names = set(pq.read_schema(shards[0]).names) if shards else set()
    column = next((name for name in ("embedding", "scores_all") if name in names), None)
    if column is None:
        raise DataError(
            f"the tags {about.name} hold neither embeddings nor all scores",
            "Tag with `cca-tools tag-audio --keep scores,embedding`, or give --features FILE",
        )
    status = pd.concat([_table(path, ["video_id", "status"]) for path in shards])
    counted = status.loc[status["status"].isin(COUNTED), "video_id"].to_numpy(dtype=str)
    videos = _videos(manifest, counted)
    chosen = sample(videos["class_name"], most_videos, seed)
    notices = _sampled(chosen, videos)
    videos = videos.iloc[chosen]
    wanted = pd.Series(np.arange(len(videos)), index=videos["video_id"])
    values: Floats | None = None
    for ids, rows in _batches(shards, column):
        places = wanted.reindex(ids).to_numpy(dtype=np.float64)
        here = ~np.isnan(places)
        if values is None:
            values = np.zeros((len(videos), rows.shape[1]), dtype=np.float32)
        values[places[here].astype(np.int64)] = rows[here]
    if values is None:
        raise DataError(f"the tags {about.name} are empty", "Tag the videos again")
    if column == "scores_all":
        values = _logits(values)
    what = "embeddings" if column == "embedding" else "scores of all audio classes"
    return ProbeData(values, videos, f"{what} of {about.name}", tuple(shards), notices)


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pq.read_table(path, columns=columns).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is damaged: {error}", "Remove it and tag again") from error
    return frame


def _batches(shards: list[Path], column: str) -> Iterator[tuple[NDArray[np.str_], Floats]]:
    """Yield ids and rows of what counts, a few thousand at a time."""
    columns = ["video_id", "status", column]
    for path in shards:
        try:
            with pq.ParquetFile(path) as file:
                for every in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
                    batch = every.filter(pc.is_in(every["status"], pa.array(COUNTED)))
                    if len(batch):
                        width = batch[column].type.list_size
                        rows = batch[column].flatten().to_numpy().reshape(-1, width)
                        yield np.asarray(batch["video_id"].to_pylist()), rows.astype(np.float32)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path} is damaged: {error}", "Remove it and tag again") from error


def _logits(scores: Floats) -> Floats:
    bounded = np.clip(scores, 1e-5, 1 - 1e-5)
    logits: Floats = np.log(bounded / (1 - bounded))
    return logits


def _read_file(path: Path) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
                ids, values = file["video_id"], file["embedding"]
        else:
            frame = pd.read_parquet(path, columns=["video_id", "embedding"])
            ids, values = frame["video_id"].to_numpy(), np.stack(frame["embedding"].to_list())
        values = values.astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError, EOFError, *_BROKEN_ZIP) as error:
        raise DataError(
            f"the features {path} cannot be read: {error}",
            "Give an .npz or .parquet file with video_id and embedding, a row a video",
        ) from error
    ids = np.asarray(ids, dtype=str)
    if values.ndim != 2 or len(values) != len(ids) or len(np.unique(ids)) != len(ids):
        raise DataError(
            f"the features {path} have {len(ids)} ids and values of shape {values.shape}",
            "Give each video one row, and each id once",
        )
    return ids, values


def _videos(manifest: pd.DataFrame, ids: NDArray[np.str_]) -> pd.DataFrame:
    """Return the manifest's rows of these videos that have a class, each with a group."""
    rows = manifest[manifest["video_id"].isin(ids) & (manifest["class_name"] != "")]
    if rows.empty:
        raise DataError(
            f"none of the {len(ids)} videos with audio features stands in the manifest",
            f"The manifest's ids are such as {manifest['video_id'].iloc[0]!r}",
        )
    group = rows["group"].where(rows["group"] != "", "video " + rows["video_id"])
    return rows[["video_id", "class_name", "split"]].assign(group=group).reset_index(drop=True)


def sample(class_names: pd.Series, most_videos: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of a sample that takes equally many videos of each class.

    >>> sample(pd.Series(["a"] * 100 + ["b"] * 30), 100, seed=0).size
    80
    """
    if len(class_names) <= most_videos:
        return np.arange(len(class_names))
    cap = max(_LEAST_A_CLASS, most_videos // class_names.nunique())
    order = np.random.default_rng(seed).permutation(len(class_names))
    place = class_names.iloc[order].groupby(class_names.iloc[order]).cumcount().to_numpy()
    chosen: NDArray[np.int64] = np.sort(order[place < cap])
    return chosen


def _strangers(number: int, every: int) -> tuple[str, ...]:
    if not number:
        return ()
    return (f"{number} of {every} videos with audio features have no class in the manifest",)


def _sampled(chosen: NDArray[np.int64], every: pd.DataFrame) -> tuple[str, ...]:
    if len(chosen) == len(every):
        return ()
    return (f"audio alone is tested on a sample of {len(chosen)} of {len(every)} videos",)
