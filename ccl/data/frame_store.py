"""Frames of many videos, read by position: from memory, or from what `prepare` packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


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
