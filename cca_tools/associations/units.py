"""The units of resampling: groups of videos cut from one recording, within one video class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """U units and how many of their videos have each of M audio classes.

    A unit is a group's counted videos of one video class; a video without a group is its own.

    Args:
        sizes: (U,) counted videos of each unit, at least 1.
        unit: (E,) which unit, in 0..U-1.
        code: (E,) which audio class, in 0..M-1; no (unit, code) stands twice.
        videos: (E,) how many videos of the unit have the audio class, in 1..size.
    """

    sizes: Integers
    unit: Integers
    code: Integers
    videos: Integers

    def __len__(self) -> int:
        return len(self.sizes)
