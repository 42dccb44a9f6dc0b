"""Decoded frames: kept in memory where they fit, else decoded when they are needed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from cca_tools.media.guard import usable_cpus
from ccl.data.augment import num_bytes
from ccl.data.frame_store import FrameSource, Pixels

Frames = Sequence[NDArray[np.int64]]
_GROUP = Path("/sys/fs/cgroup")  # of a container on Linux
DEVICE_SHARE, HOST_SHARE = 0.5, 0.5  # of what is free; the rest is for training


class Reader(Protocol):
    """Where clips come from."""

    def start(self, videos: Sequence[int], frames: Frames) -> Callable[[], Tensor]:
        """Begin to read clips; the call of what is returned waits for them.

        Args:
            videos: Positions in the store, one a clip.
            frames: Positions of the frames of each clip, all of one length T.

        Returns:
            A function that gives uint8 (B, T, H, W, 3) on the device; smaller clips are filled
            up with zeros below and right.
        """


class DecodingReader:
    """Decodes clips when they are needed, in threads, ahead of their use.

    Args:
        store: The frames.
        device: Where clips go.
        workers: Number of threads, 0 for one a processor.
    """

    def __init__(self, store: FrameSource, device: torch.device, workers: int = 0) -> None:
        self.store, self.device = store, device
        self._threads = ThreadPoolExecutor(workers or usable_cpus(), "decode-frames")

    def start(self, videos: Sequence[int], frames: Frames) -> Callable[[], Tensor]:
        """Begin to decode; see `Reader`."""
        clips = [
            self._threads.submit(self.store.read, i, some.tolist())
            for i, some in zip(videos, frames, strict=True)
        ]
        return lambda: self._moved(_stacked([clip.result() for clip in clips]))

    def _moved(self, clips: Tensor) -> Tensor:
        if self.device.type == "cpu":
            return clips
        return clips.pin_memory().to(self.device, non_blocking=True)


class MemoryReader:
    """Keeps all frames of some videos decoded, and gathers clips from them.

    Args:
        store: The frames.
        videos: Positions in the store of the videos to keep.
        memory: Where the frames are kept.
        device: Where clips go.
        workers: Threads that decode, 0 for one a processor.
    """

    def __init__(
        self,
        store: FrameSource,
        videos: Sequence[int],
        memory: torch.device,
        *,
        device: torch.device,
        workers: int = 0,
    ) -> None:
        self.device = device
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i in videos:
            by_shape[store.shape(i)].append(i)
        self._first: dict[int, int] = {}  # video -> position of its first frame in its block
        self._shape = {i: shape for shape, some in by_shape.items() for i in some}
        self._blocks: dict[tuple[int, int], Tensor] = {}
        with ThreadPoolExecutor(workers or usable_cpus()) as threads:
            for shape, some in by_shape.items():
                self._blocks[shape] = self._filled(store, some, memory, threads)

    def _filled(
        self,
        store: FrameSource,
        videos: Sequence[int],
        memory: torch.device,
        threads: ThreadPoolExecutor,
    ) -> Tensor:
        starts = np.cumsum([0, *(store.num_frames(i) for i in videos)]).tolist()
        block = torch.empty(
            (starts[-1], *store.shape(videos[0]), 3), dtype=torch.uint8, device=memory
        )

        def fill(position: int) -> None:
            i = videos[position]
            frames = store.read(i, range(store.num_frames(i)))
            block[starts[position] : starts[position + 1]] = torch.from_numpy(frames)

        list(threads.map(fill, range(len(videos))))
        self._first.update(zip(videos, starts, strict=False))
        return block

    def start(self, videos: Sequence[int], frames: Frames) -> Callable[[], Tensor]:
        """Gather clips; see `Reader`."""
        return lambda: self._gathered(videos, frames)

    def _gathered(self, videos: Sequence[int], frames: Frames) -> Tensor:
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, i in enumerate(videos):
            by_shape[self._shape[i]].append(row)
        if len(by_shape) == 1:
            return self._clips(videos, frames)
        height, width = np.max(list(by_shape), axis=0).tolist()
        result = torch.zeros(
            (len(videos), len(frames[0]), height, width, 3), dtype=torch.uint8, device=self.device
        )
        for (h, w), rows in by_shape.items():
            clips = self._clips([videos[r] for r in rows], [frames[r] for r in rows])
            result[rows, :, :h, :w] = clips
        return result

    def _clips(self, videos: Sequence[int], frames: Frames) -> Tensor:
        """Return clips of videos that all have one shape."""
        block = self._blocks[self._shape[videos[0]]]
        firsts = np.array([self._first[i] for i in videos])
        positions = torch.from_numpy(np.stack(frames) + firsts[:, None]).to(block.device)
        clips = block.index_select(0, positions.flatten())
        return clips.view(*positions.shape, *block.shape[1:]).to(self.device)


def _stacked(clips: Sequence[Pixels]) -> Tensor:
    height, width = (max(clip.shape[axis] for clip in clips) for axis in (1, 2))
    if all(clip.shape[1:3] == (height, width) for clip in clips):
        return torch.from_numpy(np.stack(clips))
    result = torch.zeros((len(clips), len(clips[0]), height, width, 3), dtype=torch.uint8)
    for row, clip in enumerate(clips):
        result[row, :, : clip.shape[1], : clip.shape[2]] = torch.from_numpy(clip)
    return result


def open_reader(
    store: FrameSource, videos: Sequence[int], cache: str, device: torch.device, workers: int = 0
) -> Reader:
    """Return a reader of some videos, with the cache that was asked for, or that fits.

    Args:
        store: The frames.
        videos: Positions in the store.
        cache: ``device``, ``host``, ``disk`` or ``auto``.
        device: Where clips go.
        workers: Threads that decode, 0 for one a processor.
    """
    if cache == "auto":
        needed = sum(num_bytes(store.shape(i), store.num_frames(i)) for i in videos)
        cache = choose_cache(needed, free_on_device(device), free_on_host())
    if cache == "disk":
        return DecodingReader(store, device, workers)
    memory = device if cache == "device" else torch.device("cpu")
    return MemoryReader(store, videos, memory, device=device, workers=workers)


def choose_cache(needed: int, on_device: int, on_host: int) -> str:
    """Return where ``needed`` bytes of frames fit, given the bytes that are free.

    >>> choose_cache(10, on_device=100, on_host=100), choose_cache(60, on_device=100, on_host=130)
    ('device', 'host')
    """
    if needed <= DEVICE_SHARE * on_device:
        return "device"
    return "host" if needed <= HOST_SHARE * on_host else "disk"


def free_on_device(device: torch.device) -> int:
    """Return the free bytes of a device's own memory, 0 where it has none."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def free_on_host() -> int:
    """Return the free bytes of this machine's memory, a process's share of it.

    Processes that `torchrun` started on one machine each keep a copy.
    """
    free = int(psutil.virtual_memory().available)
    limit, used = _GROUP / "memory.max", _GROUP / "memory.current"
    text = limit.read_text().strip() if limit.exists() else "max"
    if text != "max":
        free = min(free, int(text) - int(used.read_text()))
    return max(0, free) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
