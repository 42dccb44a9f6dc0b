"""Weights of a backbone from a file, by safe loaders only."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from cca_tools.errors import WeightsError
from ccl.models.student import VideoStudent

HEADS = ("fc.", "classifier.")


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a ``safetensors`` file or of a state dict saved by PyTorch.

    Raises:
        WeightsError: The file is absent, damaged, or holds anything but tensors.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {path}", "Give the path of a state dict")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # loaders raise many kinds for a damaged file
        problem = f"cannot read weights from {path}: {error}"
        raise WeightsError(problem, "Give a state dict (pt or safetensors)") from error
    if not isinstance(state, dict) or not all(isinstance(x, Tensor) for x in state.values()):
        raise WeightsError(f"{path} holds no plain state dict", "Save module.state_dict() alone")
    return state


def load_backbone(student: VideoStudent, path: Path) -> None:
    """Load a backbone from a file, with or without the prefix ``backbone.``; heads are left.

    Raises:
        WeightsError: The file cannot be read, or its names or shapes are not the backbone's.
    """
    state = {
        name.removeprefix("backbone."): value
        for name, value in read_state(path).items()
        if not name.startswith(HEADS)
    }
    try:
        student.backbone.load_state_dict(state)
    except RuntimeError as error:
        problem = f"the weights in {path} do not fit the student: {error}"
        raise WeightsError(problem, "Choose the student that they belong to") from error
