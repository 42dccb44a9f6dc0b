"""Torchvision's three video networks as students."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn
from torchvision.models import video

from ccl.models.registry import StudentSpec, register
from ccl.models.student import VideoStudent

WIDTH = 512


def torchvision_student(network: Callable[[], nn.Module], num_classes: int) -> VideoStudent:
    """Take the classifier off a network and put one for ``num_classes`` on."""
    backbone = network()
    backbone.fc = nn.Identity()
    return VideoStudent(backbone, WIDTH, num_classes)


def _spec(name: str, network: Callable[[], nn.Module], url: str, gflop: float) -> StudentSpec:
    return StudentSpec(
        name,
        partial(torchvision_student, network),
        width=WIDTH,
        num_frames=16,
        size=112,
        gflop=gflop,
        weights_url=url,
    )


for _name, _network, _weights, _gflop in (
    ("r2plus1d_18", video.r2plus1d_18, video.R2Plus1D_18_Weights, 81.0),
    ("mc3_18", video.mc3_18, video.MC3_18_Weights, 86.7),
    ("r3d_18", video.r3d_18, video.R3D_18_Weights, 81.4),
):
    register(_spec(_name, _network, _weights.KINETICS400_V1.url, _gflop))
