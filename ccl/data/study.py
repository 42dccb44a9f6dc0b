"""`load_study`: the videos, classes and teachers of a run, checked before anything is learnt."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from itertools import combinations

import numpy as np
import pandas as pd

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.splits import ALL, split_classes
from cca_tools.workspace import Workspace
from ccl.data.frame_store import FrameSource, FrameStore
from ccl.data.ledger import Ledger
from ccl.data.pack import index_path
from ccl.data.settings import DataSettings as DataSettings
from ccl.data.tables import Study as Study
from ccl.data.tables import TeacherTable as TeacherTable
from ccl.data.tables import VideoTable as VideoTable
from ccl.data.teacher_tables import audio_table, exchanged
from ccl.data.validation import hold_out_groups

_REASONS = {  # status -> one, more
    "missing_file": ("video has no file", "videos have no file"),
    "no_video_stream": ("file has no pictures", "files have no pictures"),
    "decode_error": ("video cannot be decoded", "videos cannot be decoded"),
    "decoder_crash": ("video crashes the decoder", "videos crash the decoder"),
    "timeout": ("video took too long to decode", "videos took too long to decode"),
    "not prepared": (
        "video is not prepared: run `cca-tools prepare`",
        "videos are not prepared: run `cca-tools prepare`",
    ),
}


def load_study(
    workspace: Workspace, settings: DataSettings, store: FrameSource | None = None
) -> Study:
    """Gather what a run learns from, and name all that is wrong with it.

    Args:
        workspace: Its manifest, splits, frames, tags and features.
        settings: Which classes, which teacher, how much to hold out, and whether to go on when
            videos, classes or teacher features are missing or damaged.
        store: Other frames than the workspace's, as `ArrayStore` gives them.

    Raises:
        DataError: Something is missing that is always needed, or anything is wrong and
            ``settings.on_missing`` is ``error``; the message counts and names it.
        UsageError: There is no such split, or no such teacher.
    """
    ledger = Ledger()
    inputs = [workspace.manifest]
    manifest = read_manifest(workspace.manifest)
    classes = split_classes(workspace, settings.split)
    if settings.split != ALL:
        inputs.append(workspace.splits)
    if store is None:
        store = FrameStore.open(workspace.frames)
        inputs.append(index_path(workspace.frames))
    videos = manifest[manifest["class_name"].isin(classes)].copy()
    videos = _with_frames(videos, store, ledger)
    videos = _with_parts(videos, settings, ledger)
    videos, classes = _with_classes(videos, classes, ledger)
    teachers = {}
    if "audio" in settings.distill:
        listed = manifest["video_id"].tolist()
        teachers["audio"], files = audio_table(workspace, settings, videos, listed, ledger)
        inputs += files
        if settings.teacher_split:
            teachers["audio"] = _only_for(
                teachers["audio"], videos, split_classes(workspace, settings.teacher_split), ledger
            )
        teachers["audio"] = exchanged(teachers["audio"], settings, videos, ledger)
        _require_heard(teachers["audio"], videos, ledger)
    notes = ledger.settle(settings.on_missing)
    tables = {part: _table(videos, part, classes) for part in ("train", "val", "test")}
    return Study(
        classes=classes, **tables, store=store, teachers=teachers, notes=notes, inputs=tuple(inputs)
    )


def _with_frames(videos: pd.DataFrame, store: FrameSource, ledger: Ledger) -> pd.DataFrame:
    """Keep the videos that have at least two frames; ``store_index`` says where they are."""
    position = {video_id: i for i, video_id in enumerate(store.video_ids)}
    absent = defaultdict(list)
    for video_id in videos["video_id"]:
        if video_id not in position:
            absent[store.why_absent(video_id)].append(video_id)
    if sum(map(len, absent.values())) == len(videos):
        raise DataError(
            f"none of the {len(videos):,} videos has frames", "Run `cca-tools prepare` first"
        )
    for reason, video_ids in sorted(absent.items()):
        ledger.problem(video_ids, *_REASONS.get(reason, (f"video: {reason}",) * 2))
    kept = videos[videos["video_id"].isin(position)].copy()
    kept["store_index"] = kept["video_id"].map(position).astype("int64")
    is_still = np.array([store.num_frames(i) < 2 for i in kept["store_index"]], bool)
    ledger.problem(
        kept["video_id"][is_still].tolist(),
        "video has only one frame",
        "videos have only one frame",
    )
    return kept[~is_still]


def _with_parts(videos: pd.DataFrame, settings: DataSettings, ledger: Ledger) -> pd.DataFrame:
    """Say in ``part`` what each video is for: train, val or test."""
    videos = videos.assign(part=videos["split"])
    if (videos["part"] == "").all():
        videos["part"] = "train"
    unlisted = videos["part"] == ""
    ledger.note(
        videos["video_id"][unlisted].tolist(),
        "video is of no split and left out",
        "videos are of no split and left out",
    )
    videos = videos[~unlisted].reset_index(drop=True)
    no_group = videos["group"] == ""
    videos["group"] = videos["group"].mask(no_group, videos["video_id"])
    train = videos["part"] == "train"
    if not (videos["part"] == "val").any() and settings.val_fraction > 0:
        some = videos[train]
        held = hold_out_groups(
            some["class_name"].tolist(),
            some["group"].tolist(),
            settings.val_fraction,
            settings.val_seed,
        )
        videos.loc[train & videos["group"].isin(held), "part"] = "val"
    if not (videos["part"] == "test").any():
        ledger.problems.append("there are no test videos: nothing can be reported")
    _note_leaks(videos, ledger)
    return videos


def _note_leaks(videos: pd.DataFrame, ledger: Ledger) -> None:
    """Note groups that are in two parts: what is learnt or chosen on one shows on the other."""
    for one, other in combinations(("train", "val", "test"), 2):
        both = sorted(
            set(videos["group"][videos["part"] == one])
            & set(videos["group"][videos["part"] == other])
        )
        ledger.note(
            both,
            f"group is in both {one} and {other}: figures flatter",
            f"groups are in both {one} and {other}: figures flatter",
        )


def _with_classes(
    videos: pd.DataFrame, classes: tuple[str, ...], ledger: Ledger
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out classes that cannot be learnt; return the rest, in order."""
    total = videos["class_name"].value_counts()
    train = videos["class_name"][videos["part"] == "train"].value_counts()
    test = videos["class_name"][videos["part"] == "test"].value_counts()
    none = [name for name in classes if name not in total]
    single = [name for name in classes if total.get(name) == 1]
    untaught = [name for name in classes if total.get(name, 0) > 1 and name not in train]
    ledger.problem(none, "class has no video", "classes have no video")
    ledger.problem(single, "class has only one video", "classes have only one video")
    ledger.problem(untaught, "class has no training video", "classes have no training video")
    kept = tuple(name for name in classes if name not in {*none, *single, *untaught})
    if len(test):
        untested = [name for name in kept if name not in test]
        ledger.note(untested, "class has no test video", "classes have no test video")
    if len(kept) < 2:
        why = f" ({'; '.join(ledger.problems)})" if ledger.problems else ""
        raise DataError(f"too few classes are left: {len(kept)}{why}", "A study needs two or more")
    return videos[videos["class_name"].isin(kept)].reset_index(drop=True), kept


def _only_for(
    teacher: TeacherTable, videos: pd.DataFrame, classes: tuple[str, ...], ledger: Ledger
) -> TeacherTable:
    inside = videos["class_name"].isin(classes).to_numpy()
    ledger.notes.append(f"the teacher is heard for {inside.sum():,} of {len(inside):,} videos only")
    return dataclasses.replace(
        teacher,
        values=np.where(inside[:, None], teacher.values, np.float32(0)),
        present=teacher.present & inside,
    )


def _require_heard(teacher: TeacherTable, videos: pd.DataFrame, ledger: Ledger) -> None:
    """Refuse a teacher that has nothing to teach: training would be plain and called distilled."""
    train = (videos["part"] == "train").to_numpy()
    if not teacher.present[train].any():
        why = f" ({'; '.join(ledger.problems)})" if ledger.problems else ""
        raise DataError(
            f"the audio teacher {teacher.name} has no embedding of any of the {train.sum():,} "
            f"training videos{why}",
            "Choose another --audio-teacher, or embeddings of these videos",
        )


def _table(videos: pd.DataFrame, part: str, classes: tuple[str, ...]) -> VideoTable:
    target = {name: number for number, name in enumerate(classes)}
    some = videos[videos["part"] == part]
    return VideoTable(
        video_ids=tuple(some["video_id"]),
        targets=np.array([target[name] for name in some["class_name"]], np.int64),
        groups=tuple(some["group"]),
        store_index=some["store_index"].to_numpy(np.int64),
        class_names=tuple(some["class_name"]),
        rows=some.index.to_numpy(np.int64),
    )
