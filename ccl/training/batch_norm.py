"""Batch norm over the rows of all ranks, on devices for which PyTorch has none."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ccl.numerics import widen


class GatheredBatchNorm(nn.BatchNorm3d):
    """``BatchNorm3d`` whose mean and variance in training are those of all ranks' rows.

    ``torch.nn.SyncBatchNorm`` does the same on GPUs. A rank without rows takes part.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, T, H, W); B may be 0."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(x)
        dims, shape = (0, 2, 3, 4), (1, -1, 1, 1, 1)
        wide = widen(x)
        number = wide.new_full((1,), x.numel() / x.shape[1])
        sums = over_ranks(torch.cat([wide.sum(dim=dims), number]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = wide - mean.view(shape)
        variance = over_ranks(centred.square().sum(dim=dims)) / count
        scale = (variance + self.eps).rsqrt() * self.weight
        with torch.no_grad():
            rate = self.momentum or 0.0
            self.running_mean.lerp_(mean, rate)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), rate)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        result: Tensor = centred * scale.view(shape) + self.bias.view(shape)
        return result.to(x.dtype)


class _SumOverRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def over_ranks(x: Tensor) -> Tensor:
    """Return the sum of a tensor over all ranks, and send gradients back to all of them."""
    total: Tensor = _SumOverRanks.apply(x)  # type: ignore[no-untyped-call]
    return total


def gathered_batch_norm(module: nn.Module) -> nn.Module:
    """Let every ``BatchNorm3d`` within a module see all ranks; parameters stay the same."""
    for part in module.modules():
        if type(part) is nn.BatchNorm3d:
            part.__class__ = GatheredBatchNorm
    return module
