"""Frames of many videos, read by position: from memory, or from what `prepare` packed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.io import ImageReadMode, decode_jpeg

from cca_tools.errors import DataError
from cca_tools.media.frames import SIZE_DTYPE
from ccl.data.pack import PackRow, data_path, read_index

Pixels = NDArray[np.uint8]
NOT_PREPARED = "not prepared"


class FrameSource(Protocol):
    """What batches are read from."""

    @property
    def video_ids(self) -> Sequence[str]:
        """The videos, by position."""

    def num_frames(self, i: int) -> int:
        """Return how many frames video ``i`` has, at least 1."""

    def fps(self, i: int) -> float:
        """Return how many of its frames a second has; NaN where that is not known."""

    def shape(self, i: int) -> tuple[int, int]:
        """Return height and width of its frames, in pixels."""

    def read(self, i: int, frames: Sequence[int]) -> Pixels:
        """Return the frames at these positions, uint8 RGB (T, H, W, 3)."""

    def digest(self, i: int) -> str:
        """Return a hash of its frames."""

    def why_absent(self, video_id: str) -> str:
        """Return why a video is not among ``video_ids``: a status, or ``not prepared``."""


class ArrayStore:
    """Frames in memory.

    Args:
        videos: Video id -> uint8 RGB (num_frames, H, W, 3).
        fps: Frames a second of every video.

    >>> store = ArrayStore({"a": np.zeros((5, 4, 6, 3), np.uint8)})
    >>> store.num_frames(0), store.shape(0), store.read(0, [4, 0]).shape
    (5, (4, 6), (2, 4, 6, 3))
    """

    def __init__(self, videos: dict[str, Pixels], fps: float = 25.0) -> None:
        self.video_ids: Sequence[str] = tuple(videos)
        self._arrays = list(videos.values())
        self._fps = fps

    def num_frames(self, i: int) -> int:
        """Return how many frames video ``i`` has."""
        return len(self._arrays[i])

    def fps(self, i: int) -> float:
        """Return how many of its frames a second has."""
        return self._fps

    def shape(self, i: int) -> tuple[int, int]:
        """Return height and width of its frames, in pixels."""
        height, width = self._arrays[i].shape[1:3]
        return height, width

    def read(self, i: int, frames: Sequence[int]) -> Pixels:
        """Return the frames at these positions, uint8 RGB (T, H, W, 3)."""
        return self._arrays[i][list(frames)]

    def digest(self, i: int) -> str:
        """Return a hash of its frames."""
        return hashlib.sha256(self._arrays[i].tobytes()).hexdigest()

    def why_absent(self, video_id: str) -> str:
        """Return that the video was never given."""
        return NOT_PREPARED


class FrameStore:
    """Frames that ``cca-tools prepare`` packed: JPEGs in memory-mapped files.

    Args:
        folder: The workspace's ``frames``.
        rows: What its index says of each video.

    Raises:
        DataError: A file of frames is missing or cut short.
    """

    def __init__(self, folder: Path, rows: dict[str, PackRow]) -> None:
        self.folder = folder
        self._all = rows
        self._rows = [row for row in rows.values() if row.is_usable]
        self.video_ids: Sequence[str] = tuple(row.video_id for row in self._rows)
        self._files = {number: self._mapped(number) for number in {r.file for r in self._rows}}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the frames of a workspace.

        Raises:
            DataError: There are none, or they are damaged.
        """
        rows = read_index(folder)
        if not rows:
            raise DataError(f"{folder} has no frames", "Run `cca-tools prepare` first")
        return cls(folder, rows)

    def _mapped(self, number: int) -> Pixels:
        path = data_path(self.folder, number)
        needed = max(row.offset + row.num_bytes for row in self._rows if row.file == number)
        if not path.is_file() or path.stat().st_size < needed:
            raise DataError(
                f"{path} is missing or shorter than the {needed:,} bytes of its videos",
                "Run `cca-tools prepare` again: it packs what is gone",
            )
        return np.memmap(path, np.uint8, "r")

    def num_frames(self, i: int) -> int:
        """Return how many frames video ``i`` has."""
        return self._rows[i].num_frames

    def fps(self, i: int) -> float:
        """Return how many of its frames a second has; NaN where that is not known."""
        fps = self._rows[i].fps
        return float("nan") if fps is None else fps

    def shape(self, i: int) -> tuple[int, int]:
        """Return height and width of its frames, in pixels."""
        return self._rows[i].height, self._rows[i].width

    def read(self, i: int, frames: Sequence[int]) -> Pixels:
        """Return the frames at these positions, uint8 RGB (T, H, W, 3).

        Raises:
            DataError: They are damaged on disk.
        """
        row = self._rows[i]
        data = self._files[row.file][row.offset : row.offset + row.num_bytes]
        sizes = np.frombuffer(data[-SIZE_DTYPE.itemsize * row.num_frames :].tobytes(), SIZE_DTYPE)
        ends = np.cumsum(sizes, dtype=np.int64)
        result = np.empty((len(frames), row.height, row.width, 3), np.uint8)
        first: dict[int, int] = {}  # a looped clip has a frame more than once
        for place, frame in enumerate(frames):
            if frame in first:
                result[place] = result[first[frame]]
                continue
            first[frame] = place
            result[place] = self._decoded(row, data[ends[frame] - sizes[frame] : ends[frame]])
        return result

    def _decoded(self, row: PackRow, jpeg: Pixels) -> Pixels:
        try:
            picture = decode_jpeg(torch.from_numpy(np.array(jpeg)), ImageReadMode.RGB)
            if picture.shape[1:] != (row.height, row.width):
                raise RuntimeError(f"a picture of {tuple(picture.shape[1:])}")
        except RuntimeError as error:
            raise DataError(
                f"the packed frames of {row.video_id} are damaged: {error}",
                "Run `cca-tools prepare --verify`: it packs what is damaged anew",
            ) from error
        pixels: Pixels = picture.permute(1, 2, 0).numpy()
        return pixels

    def digest(self, i: int) -> str:
        """Return a hash of its frames."""
        return self._rows[i].sha256

    def why_absent(self, video_id: str) -> str:
        """Return why a video is not among ``video_ids``: a status, or ``not prepared``."""
        row = self._all.get(video_id)
        return NOT_PREPARED if row is None else row.status
