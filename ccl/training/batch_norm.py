"""Batch norm over the rows of all ranks, on devices for which PyTorch has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

_CHANNELS = (1, -1, 1, 1, 1)


class GatheredBatchNorm(nn.BatchNorm3d):
    """``BatchNorm3d`` whose mean and variance in training are those of all ranks' rows.

    Sums are taken in double and rounded to the precision of the parameters where PyTorch's own
    batch norm on a CPU does it. So the output is, to the last bit, what one rank with all rows
    has, and the ReLU after it lets the same units through. ``torch.nn.SyncBatchNorm`` does this
    on GPUs, within rounding. A rank without rows takes part.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, T, H, W); B may be 0."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(x)
        normalise: Callable[..., tuple[Tensor, Tensor, Tensor]] = _Normalise.apply
        result, mean, variance = normalise(x, self.weight, self.bias, self.eps)
        rate = self.momentum or 0.0
        self.running_mean.copy_(rate * mean + (1 - rate) * self.running_mean)
        self.running_var.copy_(rate * variance + (1 - rate) * self.running_var)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return result


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows = weight.new_full((1,), x.numel() / x.shape[1], dtype=torch.float64)
        sums = _over_ranks(torch.cat([_channel_sums(x), rows]))
        count = sums[-1].to(weight.dtype)
        mean = (sums[:-1] / sums[-1]).to(weight.dtype)
        centred = x - mean.view(_CHANNELS)
        squares = _over_ranks(_channel_sums(centred.square())).to(weight.dtype)
        inverse = ((squares / count).double() + eps).rsqrt().to(weight.dtype)
        ctx.save_for_backward(x, weight, mean, inverse, count)
        unbiased = squares / (count - 1).clamp_min(1)
        ctx.mark_non_differentiable(mean, unbiased)
        one = torch.ones_like(mean)
        result = torch.batch_norm(x, inverse * weight, bias, mean, one, False, 0.0, 0.0, False)
        return result, mean, unbiased

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, inverse, count = ctx.saved_tensors
        gradient, centred = gradients[0], x - mean.view(_CHANNELS)
        own = torch.stack([_channel_sums(gradient), _channel_sums(centred * gradient)])
        shift, slope = (_over_ranks(own) / count).to(weight.dtype)
        slope = (slope * inverse.square()).view(_CHANNELS)
        pull = gradient - shift.view(_CHANNELS) - centred * slope
        to_bias, to_weight = own.to(weight.dtype)
        return pull * (inverse * weight).view(_CHANNELS), to_weight * inverse, to_bias, None


def _channel_sums(x: Tensor) -> Tensor:
    return x.sum(dim=(0, 2, 3, 4), dtype=torch.float64)


def _over_ranks(x: Tensor) -> Tensor:
    total = x.clone()
    dist.all_reduce(total)
    return total


def gathered_batch_norm(module: nn.Module) -> nn.Module:
    """Let every ``BatchNorm3d`` within a module see all ranks; parameters stay the same."""
    for part in module.modules():
        if type(part) is nn.BatchNorm3d:
            part.__class__ = GatheredBatchNorm
    return module
