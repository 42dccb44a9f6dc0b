"""Which videos make a batch and which frames a clip: pure functions of seeds and positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


def shuffled_epoch(num_videos: int, batch_size: int, rng: np.random.Generator) -> list[Positions]:
    """Return all videos once, in random order, in batches that differ by at most one in size.

    So there is no small last batch: 33 videos in batches of 16 are three batches of 11.

    >>> [len(batch) for batch in shuffled_epoch(33, 16, np.random.default_rng(0))]
    [11, 11, 11]
    """
    order = rng.permutation(num_videos)
    return np.array_split(order, max(1, -(-num_videos // batch_size)))


def balanced_epoch(
    targets: Positions, batch_size: int, videos_per_class: int, rng: np.random.Generator
) -> list[Positions]:
    """Return batches of several videos of each of some classes; every class comes equally often.

    There are as many batches as of shuffled ones. Classes take turns in random order, and so do
    the videos of a class. No video stands in a batch twice. Where there are too few classes, or
    videos of them, to fill a batch, the classes give again: it is smaller only than all videos.

    Args:
        targets: int64 (N,), class of each video.
        batch_size: Videos a batch.
        videos_per_class: Of each class in a batch, where it has so many.
        rng: Draws the turns.

    >>> targets = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    >>> batch = balanced_epoch(targets, 4, 2, np.random.default_rng(0))[0]
    >>> sorted(np.bincount(targets[batch], minlength=3).tolist())
    [0, 2, 2]
    """
    members = [np.flatnonzero(targets == name) for name in np.unique(targets)]
    classes = _Turns(np.arange(len(members)), rng)
    videos = [_Turns(some, rng) for some in members]
    batches = []
    for _ in range(max(1, -(-len(targets) // batch_size))):
        batch: list[int] = []
        left = [len(some) for some in members]  # videos of each class that are not in the batch
        used: list[int] = []
        while len(batch) < min(batch_size, len(targets)):
            used = [] if len(used) == len(members) else used
            used += classes.take(1, without=used)
            one = used[-1]
            wanted = min(videos_per_class, left[one], batch_size - len(batch))
            batch += videos[one].take(wanted, without=batch)
            left[one] -= wanted
        batches.append(np.array(batch, np.int64))
    return batches


class _Turns:
    """Endless random orders of some numbers, one after the other."""

    def __init__(self, numbers: Positions, rng: np.random.Generator) -> None:
        self._numbers, self._rng = numbers, rng
        self._queue: list[int] = []

    def take(self, count: int, without: Sequence[int] = ()) -> list[int]:
        """Return the next ``count`` distinct numbers that are not in ``without``."""
        taken: list[int] = []
        while len(taken) < count:
            fitting = (n for n in self._queue if n not in without and n not in taken)
            one = next(fitting, None)
            if one is None:
                self._queue += self._rng.permutation(self._numbers).tolist()
                continue
            self._queue.remove(one)
            taken.append(one)
        return taken


def share_of_rank(batch: Positions, rank: int, world: int) -> Positions:
    """Return a rank's part of a batch; the parts of all ranks, in order, are the batch.

    Their sizes differ by at most one.

    >>> [share_of_rank(np.arange(5), rank, 2).tolist() for rank in (0, 1)]
    [[0, 1, 2], [3, 4]]
    """
    return np.array_split(batch, world)[rank]


def random_window(
    num_frames: int, length: int, stride: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the frames of a random clip, evenly spaced; too short a video is looped.

    Source: the temporal crop and the padding by looping of the published CCL code.

    >>> random_window(3, 5, 1, np.random.default_rng(0)).tolist()
    [0, 1, 2, 0, 1]
    """
    span = 1 + (length - 1) * stride
    start = int(rng.integers(max(1, num_frames - span + 1)))
    return (start + stride * np.arange(length)) % num_frames


def even_windows(num_frames: int, length: int, stride: int, count: int) -> NDArray[np.int64]:
    """Return the frames of ``count`` clips spread evenly over a video, int64 (count, length).

    One clip is the middle; of more, the first begins with the video and the last ends with it.

    >>> even_windows(10, 4, 1, 2).tolist()
    [[0, 1, 2, 3], [6, 7, 8, 9]]
    >>> even_windows(10, 4, 1, 1).tolist()
    [[3, 4, 5, 6]]
    """
    room = max(0, num_frames - 1 - (length - 1) * stride)
    starts = np.linspace(0, room, count) if count > 1 else np.array([room / 2])
    return (starts.astype(np.int64)[:, None] + stride * np.arange(length)) % num_frames
