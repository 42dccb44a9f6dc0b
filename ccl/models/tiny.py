"""A student that trains on a CPU in minutes."""

from __future__ import annotations

from ccl.models.factored import FactoredBackbone, FactoredNet
from ccl.models.registry import StudentSpec, register
from ccl.models.student import VideoStudent

NET = FactoredNet(stem=16, kernel=(3, 5, 5), stages=(32, 64, 128))


def tiny(num_classes: int) -> VideoStudent:
    """Build it: ``r2plus1d-ccl`` with a stage less, a quarter as wide, for smaller clips."""
    return VideoStudent(FactoredBackbone(NET), NET.stages[-1], num_classes)


register(StudentSpec("tiny", tiny, width=128, num_frames=8, size=64, gflop=0.239))
