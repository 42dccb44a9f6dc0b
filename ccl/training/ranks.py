"""Several processes as one: rows gathered with their gradients, gradients averaged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ccl.methods.base import Given
from ccl.models.prediction import Prediction
from ccl.training.batch_norm import gathered_batch_norm
from ccl.training.checks import default_device

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Every rank computes the objective of the whole batch from gathered rows. The gradient then
    runs back into its own rows only, times the number of ranks, so that the mean over ranks is
    the gradient of the whole batch, for the student as for the method's modules.

    Args:
        rank: Of this process.
        world: Number of processes.
        device: Where this one computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def prepare(self, student: nn.Module) -> nn.Module:
        """Return the student with batch norms that see the batch of all ranks."""
        if self.world == 1:
            return student
        if self.device.type == "cuda":
            convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
            return convert(student)
        return gathered_batch_norm(student)

    def gather(self, video: Prediction, given: Given, num_rows: int) -> tuple[Prediction, Given]:
        """Return the rows of all ranks, in their order; ``num_rows`` is how many they are."""
        if self.world == 1:
            return video, given
        sizes = shares(num_rows, self.world)
        gather_rows: Callable[..., Tensor] = _GatherRows.apply

        def rows(x: Tensor) -> Tensor:
            return gather_rows(x, sizes, self.rank)

        return Prediction(*map(rows, video)), replace(
            given,
            targets=rows(given.targets),
            index=rows(given.index),
            teachers={name: rows(x) for name, x in given.teachers.items()},
            present={name: rows(x.byte()).bool() for name, x in given.present.items()},
        )

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the ranks, in one exchange."""
        if self.world == 1:
            return
        used = [p for p in parameters if p.grad is not None]
        flat = torch.cat([p.grad.flatten() for p in used if p.grad is not None])
        dist.all_reduce(flat)
        flat /= self.world
        for p, piece in zip(used, torch.split(flat, [p.numel() for p in used]), strict=True):
            p.grad = piece.view_as(p)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is true on any rank."""
        if self.world == 1:
            return flag
        value = torch.tensor(int(flag), device=self.device)
        dist.all_reduce(value, op=dist.ReduceOp.MAX)
        return bool(value)

    def wait(self) -> None:
        """Wait until every rank is here."""
        if self.world > 1:
            self.any(False)


def shares(num_rows: int, world: int) -> list[int]:
    """Return how many rows of a batch each rank has, as ``numpy.array_split`` cuts it.

    >>> shares(5, 2), shares(1, 3)
    ([3, 2], [1, 0, 0])
    """
    return [num_rows // world + (rank < num_rows % world) for rank in range(world)]


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sizes: list[int], rank: int) -> Tensor:
        ctx.sizes, ctx.rank = sizes, rank
        padded = x.new_zeros((max(sizes), *x.shape[1:]))
        padded[: len(x)] = x
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        own = torch.split(gradients[0], ctx.sizes)[ctx.rank]
        return own * len(ctx.sizes), None, None


@contextmanager
def joined(device: torch.device | None = None) -> Iterator[Ranks]:
    """Join the other processes that ``torchrun`` started, if it did.

    Args:
        device: Where to compute; None for a GPU, or the CPU without one. A GPU that has no number
            is that of the local rank.
    """
    world, local = (
        int(os.environ.get(x, y)) for x, y in (("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))
    )
    if device is None:
        device = default_device()
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local)
    if world == 1:
        yield Ranks(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
