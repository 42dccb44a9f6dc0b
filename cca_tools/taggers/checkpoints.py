"""Reading weights from disk: nothing in a file is executed, and what is wrong with it is said."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cca_tools.errors import WeightsError
from cca_tools.workspace import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRAPPERS = ("model", "state_dict")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a weights file, by name.

    Args:
        path: Where it lies.
        sha256: Of the file's bytes.
        state: Name -> tensor, on the CPU.
    """

    path: Path
    sha256: str
    state: Mapping[str, Tensor]

    def num_classes(self, head_bias: str) -> int:
        """Return the length of the tensor ``head_bias``: one number a class.

        Raises:
            WeightsError: There is no such tensor, so these are weights of another network.
        """
        if head_bias not in self.state:
            raise WeightsError(
                f"{self.path} holds no {head_bias!r}: these are weights of another network",
                "Give the tagger's own weights, see `cca-tools weights list`",
            )
        return len(self.state[head_bias])


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a safetensors file, or a PyTorch file with a state dict, bare or under ``model``.

    Raises:
        WeightsError: The file is absent, damaged, holds code or no tensors, or a tensor that is
            not finite.
    """
    try:
        content = _read(path)
        sha256 = sha256_of(path)
    except (
        OSError,
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        AttributeError,
        ImportError,
        IndexError,
    ) as error:
        raise WeightsError(
            f"{path} cannot be read as weights: {_first_line(error)}",
            "Download it again with `cca-tools weights pull`, or give another file by --weights",
        ) from error
    state = _state_dict(content)
    if not state:
        raise WeightsError(f"{path} holds no state dict", "Give a file saved from a state dict")
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(
                f"{path}: {name!r} has numbers that are not finite", "Give other weights"
            )
    return Checkpoint(path, sha256, state)


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]


def _state_dict(content: Any) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        return {}
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}


def load_into(network: nn.Module, checkpoint: Checkpoint) -> None:
    """Load the weights into ``network`` and set it to evaluation.

    Raises:
        WeightsError: A tensor is missing, unknown, or of another shape; the message names one.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in checkpoint.state.items()}
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    missing = sorted(expected.keys() - found.keys() - optional)
    unknown = sorted(found.keys() - expected.keys())
    differing = sorted(n for n in expected.keys() & found.keys() if expected[n] != found[n])
    problems = [
        f"{len(names)} tensors {what} (first {names[0]!r})"
        for names, what in (
            (missing, "missing"),
            (unknown, "unknown"),
            (differing, "of another shape"),
        )
        if names
    ]
    if problems:
        raise WeightsError(
            f"{checkpoint.path} does not fit the network: {', '.join(problems)}",
            "Give the tagger's own weights, see `cca-tools weights list`",
        )
    network.load_state_dict(dict(checkpoint.state), strict=False)
    network.eval().requires_grad_(False)
