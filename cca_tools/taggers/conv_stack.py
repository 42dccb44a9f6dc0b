"""The convolutions of Cnn14 and Cnn10 on a CPU: the published arithmetic, arranged for speed.

- Normalisation is folded into the convolutions.
- Blocks whose pictures are large run clip by clip, channels last: the cache holds one clip.
- Blocks whose weights are large (up to 151 MB a layer) are bound by reading them, so all clips
  of a batch go through them together: the 3x3 neighbourhoods of all clips become the rows of one
  matrix. No clip is padded to another's length, so a clip's result is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from cca_tools.taggers.fused import linear

MATRIX_FROM_CHANNELS = 512  # input channels from which the weights outweigh the pictures


@dataclass(frozen=True)
class FoldedConv:
    """A 3x3 convolution with its normalisation folded in, followed by ReLU.

    Attributes:
        weight: (C', C, 3, 3) channels last.
        matrix: The same as (C', 9 C), for neighbourhoods as rows; a view of the same memory.
        bias: (C',).
    """

    weight: Tensor
    matrix: Tensor
    bias: Tensor

    @classmethod
    def fold(cls, conv: nn.Conv2d, norm: nn.BatchNorm2d, dtype: torch.dtype) -> FoldedConv:
        """Fold ``norm`` into ``conv``, in float32, then change to ``dtype``."""
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            raise ValueError("the normalisation has no running statistics")
        folded, bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        weight = folded.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        matrix = weight.permute(0, 2, 3, 1).reshape(len(weight), -1)  # (C', 3 x 3 x C)
        return cls(weight, matrix, bias.detach().to(dtype))

    def as_picture(self, x: Tensor) -> Tensor:
        """Map one clip (frames, mels, C) to (frames, mels, C')."""
        y = functional.conv2d(x.permute(2, 0, 1)[None], self.weight, self.bias, padding=1)
        return functional.relu_(y)[0].permute(1, 2, 0)

    def as_matrix(self, clips: Sequence[Tensor]) -> list[Tensor]:
        """Map clips (frames, mels, C) to (frames, mels, C'), all in one matrix product."""
        rows = torch.cat([neighbourhoods(clip) for clip in clips])
        products = linear(rows, self.matrix, self.bias, "relu")
        parts = torch.split(products, [clip.shape[0] * clip.shape[1] for clip in clips])
        return [
            part.view(clip.shape[0], clip.shape[1], -1)
            for part, clip in zip(parts, clips, strict=True)
        ]


def neighbourhoods(x: Tensor) -> Tensor:
    """Return the 3x3 neighbourhood of each place, zeros outside: (frames x mels, 3 x 3 x C).

    >>> neighbourhoods(torch.ones(2, 2, 1)).sum(dim=1).tolist()
    [4.0, 4.0, 4.0, 4.0]
    """
    frames, mels, channels = x.shape
    padded = functional.pad(x, (0, 0, 1, 1, 1, 1))
    along_frames, along_mels, along_channels = padded.stride()
    strides = (along_frames, along_mels, along_frames, along_mels, along_channels)
    windows = padded.as_strided((frames, mels, 3, 3, channels), strides)
    return windows.reshape(frames * mels, 9 * channels)


def halve(x: Tensor) -> Tensor:
    """Return the means of 2x2 places, (frames, mels, C) -> (frames // 2, mels // 2, C)."""
    return functional.avg_pool2d(x.permute(2, 0, 1)[None], 2)[0].permute(1, 2, 0)


class ConvStack:
    """The blocks of a PANNs Cnn10 or Cnn14, from normalised log-mel to feature maps.

    Args:
        blocks: The published blocks, each with ``conv1``, ``bn1``, ``conv2``, ``bn2``.
        dtype: Of weights and activations.
        unpooled_block: Number (from 1) of the block after which nothing is pooled.
    """

    def __init__(self, blocks: Iterable[Any], dtype: torch.dtype, unpooled_block: int) -> None:
        self._blocks = [
            (
                FoldedConv.fold(block.conv1, block.bn1, dtype),
                FoldedConv.fold(block.conv2, block.bn2, dtype),
            )
            for block in blocks
        ]
        self._dtype = dtype
        self._unpooled = unpooled_block

    def __call__(self, clips: Sequence[Tensor]) -> list[Tensor]:
        """Map clips (frames, mels) to feature maps (frames', mels', C), each on its own."""
        maps = [clip.to(self._dtype).unsqueeze(2) for clip in clips]
        for number, convs in enumerate(self._blocks, start=1):
            if convs[0].weight.shape[1] >= MATRIX_FROM_CHANNELS:
                maps = convs[1].as_matrix(convs[0].as_matrix(maps))
            else:
                maps = [self._block_of_one(convs, x) for x in maps]
            if number != self._unpooled:
                maps = [halve(x) for x in maps]
        return maps

    @staticmethod
    def _block_of_one(convs: tuple[FoldedConv, FoldedConv], x: Tensor) -> Tensor:
        first, second = convs
        # one channel has no cache lines to fill: direct convolution is slow, a matrix is not
        y = first.as_matrix([x])[0] if x.shape[2] == 1 else first.as_picture(x)
        return second.as_picture(y)
