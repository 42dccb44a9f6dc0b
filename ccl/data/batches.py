"""Batches of clips: for training, a pure function of seed, epoch and step; for evaluation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cca_tools.errors import UsageError
from ccl.data.augment import View, centre_box, normalise, random_box, resample
from ccl.data.cache import DecodingReader, Reader, open_reader
from ccl.data.frame_store import FrameSource
from ccl.data.sampling import (
    balanced_epoch,
    even_windows,
    random_window,
    share_of_rank,
    shuffled_epoch,
)
from ccl.data.settings import DataSettings
from ccl.data.tables import Study, VideoTable
from ccl.models.registry import StudentSpec

AHEAD = 3  # batches that are being read while one is used
_ORDER, _CLIP = 1, 2  # streams of random numbers


@dataclass(frozen=True)
class Batch:
    """Some clips, on the device.

    Args:
        clips: float32 (B, 3, T, H, W), normalised for the student.
        targets: int64 (B,).
        index: int64 (B,), rows of the clips' videos in their table.
        teachers: ``audio`` -> float32 (B, width), zero where absent.
        present: ``audio`` -> bool (B,).
        frames: float32 (B, 3, H, W) RGB from 0 to 1, one random frame of each clip's video for
            the image teacher, cropped as the clip; None unless images are distilled.
        global_size: Clips of this step over all ranks.
    """

    clips: Tensor
    targets: Tensor
    index: Tensor
    teachers: dict[str, Tensor]
    present: dict[str, Tensor]
    frames: Tensor | None
    global_size: int


@dataclass(frozen=True)
class _Plan:
    """What a batch is made of, before anything is read."""

    index: NDArray[np.int64]
    frames: Sequence[NDArray[np.int64]]
    view: View
    global_size: int


class _Clips:
    """From plans to clips on the device."""

    def __init__(
        self, table: VideoTable, spec: StudentSpec, settings: DataSettings, reader: Reader
    ) -> None:
        self.table, self.spec, self.reader = table, spec, reader
        self.num_frames = settings.num_frames or spec.num_frames
        self.size = settings.size or spec.size

    def read(self, plans: Iterable[_Plan]) -> Iterator[tuple[_Plan, Tensor, Tensor]]:
        """Yield plan, clips, and the levels of further frames, while the next ones are read."""
        waiting: deque[tuple[_Plan, Callable[[], Tensor]]] = deque()
        for plan in plans:
            videos = self.table.store_index[plan.index].tolist()
            waiting.append((plan, self.reader.start(videos, plan.frames)))
            if len(waiting) > AHEAD:
                yield self._finished(*waiting.popleft())
        while waiting:
            yield self._finished(*waiting.popleft())

    def _finished(self, plan: _Plan, pixels: Callable[[], Tensor]) -> tuple[_Plan, Tensor, Tensor]:
        levels = resample(pixels(), plan.view, self.size)
        clips, stills = levels[:, :, : self.num_frames], levels[:, :, self.num_frames :]
        return plan, normalise(clips, self.spec.mean, self.spec.std).contiguous(), stills


class TrainBatches:
    """The training batches of one rank.

    Each is a pure function of ``(settings.seed, epoch, step)``; the ranks' parts, put together
    in order, are the batch that one rank alone would see. Their sizes differ by at most one.
    ``reader`` has the frames of the validation videos, too, which are read after every epoch.

    Args:
        study: Its ``train`` is read.
        spec: The student, for the measures of a clip and for normalisation.
        settings: How clips are drawn.
        device: Where batches go.
        rank: Of this process.
        world: Number of processes.

    Raises:
        UsageError: There are no videos, or fewer clips in a step than processes.
    """

    def __init__(
        self,
        study: Study,
        spec: StudentSpec,
        settings: DataSettings,
        *,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._table, self._store, self._settings = study.train, study.store, settings
        smallest = len(self._table) // max(1, len(self))
        if smallest < world:
            raise UsageError(
                f"{len(study.train)} videos in batches of at most {settings.batch_size}, the "
                f"smallest of {smallest}, cannot be shared by {world} processes",
                "Start fewer processes, or choose a larger batch",
            )
        self._rank, self._world = rank, world
        device = torch.device(device)
        needed = {*study.train.store_index.tolist(), *study.val.store_index.tolist()}
        self.reader = open_reader(
            self._store, sorted(needed), settings.cache, device, settings.workers
        )
        self._clips = _Clips(self._table, spec, settings, self.reader)
        self._targets = torch.from_numpy(self._table.targets).to(device)
        self._teachers = {
            name: torch.from_numpy(teacher.values[self._table.rows]).to(device)
            for name, teacher in study.teachers.items()
        }
        self._present = {
            name: torch.from_numpy(teacher.present[self._table.rows]).to(device)
            for name, teacher in study.teachers.items()
        }

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        return -(-len(self._table) // self._settings.batch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, from ``first_step`` on."""
        plans = (
            self._plan(epoch, step, batch)
            for step, batch in enumerate(self._order(epoch))
            if step >= first_step
        )
        for plan, clips, stills in self._clips.read(plans):
            index = torch.from_numpy(plan.index).to(clips.device)
            yield Batch(
                clips=clips,
                targets=self._targets[index],
                index=index,
                teachers={name: values[index] for name, values in self._teachers.items()},
                present={name: present[index] for name, present in self._present.items()},
                frames=stills[:, :, 0] / 255 if stills.shape[2] else None,
                global_size=plan.global_size,
            )

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        settings = self._settings
        rng = np.random.default_rng((settings.seed, _ORDER, epoch))
        if settings.is_balanced:
            return balanced_epoch(
                self._table.targets, settings.batch_size, settings.videos_per_class, rng
            )
        return shuffled_epoch(len(self._table), settings.batch_size, rng)

    def _plan(self, epoch: int, step: int, batch: NDArray[np.int64]) -> _Plan:
        settings = self._settings
        places = share_of_rank(np.arange(len(batch)), self._rank, self._world)
        frames, boxes, flips = [], [], []
        for place in places.tolist():
            rng = np.random.default_rng((settings.seed, _CLIP, epoch, step, place))
            i = int(self._table.store_index[batch[place]])
            total = self._store.num_frames(i)
            window = random_window(total, self._clips.num_frames, settings.stride, rng)
            boxes.append(random_box(self._store.shape(i), settings, rng))
            flips.append(rng.random() < settings.flip)
            if "image" in settings.distill:
                window = np.append(window, rng.integers(total))
            frames.append(window)
        return _Plan(batch[places], frames, View(np.array(boxes), np.array(flips)), len(batch))


class EvalBatches:
    """Clips spread evenly over each video, from the middle of its pictures.

    Every video of the table comes exactly once over all ranks, with all its clips in one batch;
    nothing is filled up. A rank may get one video more than another, or none at all. Frames are
    decoded when they are needed, unless ``read_by`` names another reader.

    Args:
        table: The videos.
        store: Their frames.
        spec: The student, for the measures of a clip and for normalisation.
        settings: Clips a video, batch size (in clips), stride; ``Batch.index`` names the video of
            each clip.
        device: Where batches go.
        ranks: Rank of this process, and number of processes.
    """

    def __init__(
        self,
        table: VideoTable,
        store: FrameSource,
        spec: StudentSpec,
        settings: DataSettings,
        *,
        device: torch.device | str = "cpu",
        ranks: tuple[int, int] = (0, 1),
    ) -> None:
        self._table, self._store, self._settings = table, store, settings
        self._mine = np.arange(len(table))[ranks[0] :: ranks[1]]
        self._videos_per_batch = max(1, settings.batch_size // settings.clips_per_video)
        reader = DecodingReader(store, torch.device(device), settings.workers)
        self._clips = _Clips(table, spec, settings, reader)
        self._targets = torch.from_numpy(table.targets).to(device)

    def read_by(self, reader: Reader) -> Self:
        """Take clips from a reader that has these videos, and return the batches themselves."""
        self._clips.reader = reader
        return self

    def __len__(self) -> int:
        """Return the number of batches of this rank."""
        return -(-len(self._mine) // self._videos_per_batch)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of this rank; they have no teachers."""
        step = self._videos_per_batch
        rows = (self._mine[i : i + step] for i in range(0, len(self._mine), step))
        for plan, clips, _ in self._clips.read(map(self._plan, rows)):
            index = torch.from_numpy(plan.index).to(clips.device)
            yield Batch(clips, self._targets[index], index, {}, {}, None, plan.global_size)

    def _plan(self, rows: NDArray[np.int64]) -> _Plan:
        settings, count = self._settings, self._settings.clips_per_video
        frames: list[NDArray[np.int64]] = []
        boxes = []
        for i in self._table.store_index[rows].tolist():
            total = self._store.num_frames(i)
            frames.extend(even_windows(total, self._clips.num_frames, settings.stride, count))
            boxes += [centre_box(self._store.shape(i))] * count
        index = np.repeat(rows, count)
        return _Plan(index, frames, View(np.array(boxes), np.zeros(len(boxes), bool)), len(index))
