"""Where a network runs, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from cca_tools.errors import UsageError

Precision = Literal["fp32", "bf16"]
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Placement:
    """A device and a precision.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ...
        precision: ``fp32``, or ``bf16`` for weights and activations; the results are float32.
    """

    device: str
    precision: str

    @property
    def kind(self) -> str:
        """``cpu`` or ``cuda``."""
        return torch.device(self.device).type

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and activations."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def place(self, network: Network) -> Network:
        """Move a network for evaluation; convolutions run faster with channels last."""
        return network.to(self.device, self.dtype, memory_format=torch.channels_last)

    def run(self, network: nn.Module, batch: Tensor) -> tuple[Tensor, ...]:
        """Apply the network to a float32 batch of the CPU; return its outputs likewise."""
        outputs = network(batch.to(self.device, self.dtype))
        return tuple(output.float().cpu() for output in outputs)


def choose_placement(device: str, precision: str) -> Placement:
    """Resolve ``auto`` to the fastest device there is, and check both settings.

    Raises:
        UsageError: An unknown device or precision, or CUDA where there is none.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"no precision {precision!r}", "Give fp32 or bf16")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"no device {device!r}", "Give auto, cpu or cuda")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("this machine has no CUDA device", "Give --device cpu")
    return Placement(device, precision)
