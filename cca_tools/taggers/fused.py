"""Convolution, folded normalisation and activation in one step, fast on one CPU thread.

torch chooses slow kernels for single clips on one thread (its own matrix form in place of
oneDNN's convolution, MKL in place of oneDNN's matrix product). Here oneDNN is asked directly;
where it is missing, and on CUDA, the same arithmetic goes the common way.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

Activation = Literal["none", "relu", "hardswish"]


def activate_(x: Tensor, activation: Activation) -> Tensor:
    """Return activation(x), computed in place."""
    if activation == "relu":
        return functional.relu(x, inplace=True)
    return functional.hardswish(x, inplace=True) if activation == "hardswish" else x


def has_onednn(x: Tensor) -> bool:
    """Return whether oneDNN can be asked directly for a tensor like ``x``."""
    return (
        x.device.type == "cpu"
        and torch._C._has_mkldnn
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def linear(rows: Tensor, matrix: Tensor, bias: Tensor, activation: Activation) -> Tensor:
    """Return activation(rows @ matrix.T + bias).

    Args:
        rows: (N, C).
        matrix: (C', C), of the same dtype.
        bias: (C',).
        activation: ``none``, ``relu`` or ``hardswish``.

    >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([-5.0]), "relu")
    tensor([[0.]])
    """
    if has_onednn(rows):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, matrix, bias, activation, [], "")
        return product
    return activate_(functional.linear(rows, matrix, bias), activation)


class FusedConv(nn.Module):
    """A convolution with its batch normalisation folded in, and an activation.

    Args:
        conv: Without bias.
        norm: In evaluation, with running statistics.
        activation: What follows.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, activation: Activation) -> None:
        super().__init__()
        self.conv = fuse_conv_bn_eval(conv.eval(), norm.eval())
        self.activation: Activation = activation
        self.is_pointwise = conv.kernel_size == (1, 1) and conv.groups == 1

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, height, width) to (B, C', height / stride, width / stride)."""
        conv = self.conv
        assert conv.bias is not None
        if not has_onednn(x):
            return activate_(conv(x), self.activation)
        if self.is_pointwise:
            batch, channels, height, width = x.shape
            rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
            matrix = conv.weight.view(conv.out_channels, channels)
            y = linear(rows, matrix, conv.bias, self.activation)
            return y.view(batch, height, width, -1).permute(0, 3, 1, 2)
        x = x.contiguous(memory_format=torch.channels_last)
        padding = [int(side) for side in conv.padding]
        y = torch.mkldnn_convolution(
            x, conv.weight, conv.bias, padding, conv.stride, conv.dilation, conv.groups
        )
        return activate_(y, self.activation)


def activation_of(module: nn.Module | None) -> Activation:
    """Return the name of an activation module; None is no activation."""
    if module is None:
        return "none"
    return "relu" if isinstance(module, nn.ReLU) else "hardswish"
