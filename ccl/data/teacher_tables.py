"""The embeddings of the audio teacher for the videos of a study, whatever they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Workspace
from ccl.data.features import feature_names, feature_path, match_features, read_features
from ccl.data.ledger import Ledger
from ccl.data.settings import RANDOM_TEACHERS, SHUFFLED, DataSettings, is_shuffled
from ccl.data.tables import TeacherTable
from ccl.data.tag_embeddings import read_tag_embeddings

RANDOM_WIDTH = 512
_RANDOM, _EXCHANGE = 3, 4  # streams of random numbers


def audio_table(
    workspace: Workspace,
    settings: DataSettings,
    videos: pd.DataFrame,
    listed: Sequence[str],
    ledger: Ledger,
) -> tuple[TeacherTable, list[Path]]:
    """Return the audio teacher that the settings name, and the files it comes from.

    Of a shuffled one, the sounds are still each video's own: see `exchanged`.

    Videos without sound are not present. So are, as a problem, those that were not tagged and
    those whose embedding is not finite.

    Args:
        workspace: Its tags and features.
        settings: ``audio_teacher`` and the seed of random ones.
        videos: Those of the study, with ``video_id``, ``class_name`` and ``split``.
        listed: Ids of all videos of the manifest; features of others are a problem.
        ledger: Where problems and notes go.

    Raises:
        DataError: No video of the study has an embedding.
        UsageError: There is no such teacher.
    """
    name = settings.audio_teacher
    if is_shuffled(name):
        name = name.partition(":")[2] or "tags"
    if name in RANDOM_TEACHERS:
        return _random_table(name, settings.seed, videos), []
    video_ids = videos["video_id"].tolist()
    if name == "tags" or name.startswith("tags:"):
        embeddings, files = read_tag_embeddings(
            workspace, name.partition(":")[2] or None, video_ids, ledger
        )
    else:
        path = _feature_file(workspace, name)
        matched = match_features(read_features(path), listed)
        matched.tell(ledger, set(video_ids))
        embeddings, files = matched.embeddings, _files(path)
    table = _table(name, embeddings, video_ids, ledger)
    if not table.present.any():
        why = f" ({'; '.join(ledger.problems)})" if ledger.problems else ""
        raise DataError(
            f"the audio teacher {name} has no embedding of any of the {len(videos):,} videos{why}",
            "Choose another --audio-teacher, or tag these videos with --keep embedding",
        )
    return table, files


def _files(path: Path) -> list[Path]:
    """Return the files that features are read from: that one, or those of a folder."""
    return sorted(path.rglob("*.npy")) if path.is_dir() else [path]


def _feature_file(workspace: Workspace, name: str) -> Path:
    imported = feature_path(workspace, name)
    if imported.is_file():
        return imported
    if name and Path(name).exists():
        return Path(name)
    known = ", ".join(["tags", SHUFFLED, *RANDOM_TEACHERS, *feature_names(workspace)])
    raise UsageError(
        f"there is no audio teacher {name!r}", f"Give one of {known}, or a file of features"
    )


def _table(
    name: str, embeddings: dict[str, NDArray[np.float32]], video_ids: list[str], ledger: Ledger
) -> TeacherTable:
    width = len(next(iter(embeddings.values()))) if embeddings else 1
    values = np.zeros((len(video_ids), width), np.float32)
    present = np.zeros(len(video_ids), bool)
    damaged, silent = [], []
    for row, video_id in enumerate(video_ids):
        embedding = embeddings.get(video_id)
        if embedding is None:
            continue
        if not np.isfinite(embedding).all():
            damaged.append(video_id)
        elif not embedding.any():
            silent.append(video_id)
        else:
            values[row], present[row] = embedding, True
    ledger.problem(damaged, "teacher embedding is not finite", "teacher embeddings are not finite")
    ledger.note(
        silent,
        "teacher embedding is all zero: taken for no sound",
        "teacher embeddings are all zero: taken for no sound",
    )
    ledger.notes.append(
        f"the audio teacher {name} knows {present.sum():,} of {len(video_ids):,} videos; "
        "the others are masked"
    )
    return TeacherTable(name, values, present)


def _random_table(name: str, seed: int, videos: pd.DataFrame) -> TeacherTable:
    """Return a control: vectors that know the class and nothing else, or nothing at all."""
    rng = np.random.default_rng((seed, _RANDOM))
    names = videos["class_name" if name == "random-class" else "video_id"]
    unique, positions = np.unique(names.to_numpy(str), return_inverse=True)
    vectors = rng.standard_normal((len(unique), RANDOM_WIDTH), dtype=np.float32)
    return TeacherTable(name, vectors[positions], np.ones(len(videos), bool))


def exchanged(
    table: TeacherTable, settings: DataSettings, videos: pd.DataFrame, ledger: Ledger
) -> TeacherTable:
    """Return the teacher with sounds exchanged among the videos it has, where that is asked for.

    Each video has the sound of a random one of its part of the dataset: a control.
    """
    if not is_shuffled(settings.audio_teacher):
        return table
    ledger.notes.append("each video is given the sound of a random one: a control")
    rng = np.random.default_rng((settings.seed, _EXCHANGE))
    values, parts = table.values.copy(), videos["split"].to_numpy(str)
    for part in np.unique(parts):
        heard = np.flatnonzero(table.present & (parts == part))
        values[heard] = table.values[rng.permutation(heard)]
    return replace(table, name=settings.audio_teacher, values=values)
