"""Where a network runs, and in which precision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from cca_tools.errors import UsageError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Placement:
    """A device and a precision.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ...
        precision: ``fp32``, or ``bf16`` for the weights and activations of the trunk; front end,
            normalisation of the input and head are float32 in either.
    """

    device: str
    precision: str

    @property
    def kind(self) -> str:
        """``cpu`` or ``cuda``."""
        return torch.device(self.device).type

    @property
    def dtype(self) -> torch.dtype:
        """The type of the trunk's weights and activations."""
        return PRECISIONS[self.precision]

    def place(self, network: nn.Module, trunk: Iterable[nn.Module]) -> None:
        """Move a network to the device, and its trunk to the precision and to channels last.

        Args:
            network: The whole network, in float32.
            trunk: The parts of it that hold the convolutions.
        """
        network.to(self.device)
        for part in trunk:
            part.to(dtype=self.dtype)
            for parameter in part.parameters():
                if parameter.ndim == 4:
                    parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def choose_placement(device: str, precision: str) -> Placement:
    """Resolve ``auto`` to the fastest device there is, and check both settings.

    Raises:
        UsageError: An unknown device or precision, or CUDA where there is none.

    >>> choose_placement("cpu", "bf16").dtype
    torch.bfloat16
    """
    if precision not in PRECISIONS:
        raise UsageError(f"no precision {precision!r}", f"Known are {', '.join(PRECISIONS)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"no device {device!r}", "Known are auto, cpu, cuda")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("this machine has no CUDA device", "Give --device cpu")
    return Placement(device, precision)
