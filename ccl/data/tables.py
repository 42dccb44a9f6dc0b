"""The videos, classes and teachers of a run, as tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ccl.data.frame_store import FrameSource

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class VideoTable:
    """Some videos, one a row.

    Args:
        video_ids: Of the manifest.
        targets: int64 (N,), positions in the study's classes.
        groups: Recordings they are cut from; videos of one group are not independent.
        store_index: int64 (N,), positions in the store.
        class_names: Of each video.
        rows: int64 (N,), positions among all videos of the study, as teachers count them.
    """

    video_ids: tuple[str, ...]
    targets: Positions
    groups: tuple[str, ...]
    store_index: Positions
    class_names: tuple[str, ...]
    rows: Positions

    def __len__(self) -> int:
        return len(self.video_ids)


@dataclass(frozen=True)
class TeacherTable:
    """The embeddings of one teacher for all videos of a study.

    Args:
        name: Where they are from.
        values: float32 (num_videos, width), by `VideoTable.rows`; finite, zero where absent.
        present: bool (num_videos,); what is absent is no data.
    """

    name: str
    values: NDArray[np.float32]
    present: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Length of an embedding."""
        return int(self.values.shape[1])


@dataclass(frozen=True)
class Study:
    """What a run learns from.

    Args:
        classes: The names, by target.
        train: To learn from.
        val: To choose a model by; of other groups than ``train``.
        test: To report on.
        store: The frames.
        teachers: ``audio`` -> its embeddings, where audio is distilled.
        notes: What a reader should know of how it came out.
        inputs: The files it was made from, for provenance.
    """

    classes: tuple[str, ...]
    train: VideoTable
    val: VideoTable
    test: VideoTable
    store: FrameSource
    teachers: Mapping[str, TeacherTable] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()

    def teacher_rows(
        self, table: VideoTable, name: str
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return a teacher's embeddings (N, width) and presence (N,) for the rows of a table."""
        teacher = self.teachers[name]
        return teacher.values[table.rows], teacher.present[table.rows]

    def fingerprint(self) -> str:
        """Return a SHA-256 over all that is learnt from: videos, frames, targets, teachers."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for table in (self.train, self.val, self.test):
            digest.update(repr((table.video_ids, table.groups, table.class_names)).encode())
            digest.update(table.targets.tobytes())
            frames = [self.store.digest(i) for i in table.store_index.tolist()]
            digest.update(repr(frames).encode())
        for name, teacher in sorted(self.teachers.items()):
            digest.update(repr((name, teacher.name, teacher.width)).encode())
            digest.update(teacher.values.tobytes() + teacher.present.tobytes())
        return digest.hexdigest()
