"""The student of the published CCL code: R(2+1)D with one block a stage."""

from __future__ import annotations

from ccl.models.factored import FactoredBackbone, FactoredNet
from ccl.models.registry import StudentSpec, register
from ccl.models.student import VideoStudent

NET = FactoredNet(stem=64, kernel=(3, 7, 7), stages=(64, 128, 256, 512))


def r2plus1d_ccl(num_classes: int) -> VideoStudent:
    """Build it. Source: yanbeic/CCL at b590483, models/r21d.py (``model_depth`` 18).

    Unlike torchvision's ``r2plus1d_18`` it has one block a stage in place of two, a stem of 83
    middle channels with a kernel of 3 in time, and a factored shortcut.
    """
    return VideoStudent(FactoredBackbone(NET), NET.stages[-1], num_classes)


register(StudentSpec("r2plus1d-ccl", r2plus1d_ccl, width=512, num_frames=16, size=112, gflop=42.7))
