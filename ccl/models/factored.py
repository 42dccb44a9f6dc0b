"""R(2+1)D: residual networks whose convolutions are factored into space, then time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import relu

Size = tuple[int, int, int]


@dataclass(frozen=True)
class FactoredNet:
    """The measures of a network.

    Args:
        stem: Channels after the first convolution.
        kernel: Of the first convolution, in (time, height, width); its stride is 2 in space.
        stages: Channels of each stage, one residual block each. A stage that changes the number
            of channels halves time, height and width.
    """

    stem: int
    kernel: Size
    stages: tuple[int, ...]


def middle_channels(inputs: int, outputs: int, kernel: Size) -> int:
    """Return the channels between the two parts that keep the parameters of the full kernel.

    Source: Tran et al., CVPR 2018, section 3.5.

    >>> middle_channels(3, 64, (3, 7, 7))
    83
    >>> middle_channels(64, 64, (3, 3, 3))
    144
    """
    time, height, width = kernel
    area = height * width
    return time * area * inputs * outputs // (area * inputs + time * outputs)


def factored_conv(inputs: int, outputs: int, kernel: Size, stride: Size) -> nn.Sequential:
    """Return a convolution over space, batch norm, ReLU, and one over time; 'same' padding."""
    middle = middle_channels(inputs, outputs, kernel)
    time, height, width = kernel
    return nn.Sequential(
        OrderedDict(
            space=nn.Conv3d(
                inputs,
                middle,
                (1, height, width),
                stride=(1, *stride[1:]),
                padding=(0, height // 2, width // 2),
                bias=False,
            ),
            norm=nn.BatchNorm3d(middle),
            relu=nn.ReLU(inplace=True),
            time=nn.Conv3d(
                middle,
                outputs,
                (time, 1, 1),
                stride=(stride[0], 1, 1),
                padding=(time // 2, 0, 0),
                bias=False,
            ),
        )
    )


class FactoredBlock(nn.Module):
    """Two factored convolutions of 3 x 3 x 3 round a shortcut.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out. Where they differ, the first convolution has stride 2, and
            so has the shortcut, a factored convolution of 1 x 1 x 1 with batch norm.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        changed = inputs != outputs
        stride = (2, 2, 2) if changed else (1, 1, 1)
        self.first = factored_conv(inputs, outputs, (3, 3, 3), stride)
        self.first_norm = nn.BatchNorm3d(outputs)
        self.second = factored_conv(outputs, outputs, (3, 3, 3), (1, 1, 1))
        self.second_norm = nn.BatchNorm3d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if changed:
            shortcut = factored_conv(inputs, outputs, (1, 1, 1), stride)
            self.shortcut = nn.Sequential(shortcut, nn.BatchNorm3d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, T, H, W) to (B, outputs, T', H', W')."""
        inner = relu(self.first_norm(self.first(x)), inplace=True)
        inner = self.second_norm(self.second(inner))
        return relu(inner + self.shortcut(x), inplace=True)


class FactoredBackbone(nn.Module):
    """Stem, one block a stage, and the mean over time and space.

    Args:
        net: The measures; the embedding is as wide as the last stage.
    """

    def __init__(self, net: FactoredNet) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            factored_conv(3, net.stem, net.kernel, (1, 2, 2)),
            nn.BatchNorm3d(net.stem),
            nn.ReLU(inplace=True),
        )
        before: Sequence[int] = (net.stem, *net.stages)
        self.stages = nn.ModuleList(
            FactoredBlock(inputs, outputs)
            for inputs, outputs in zip(before, net.stages, strict=False)
        )

    def forward(self, clips: Tensor) -> Tensor:
        """Map (B, 3, T, H, W) to (B, channels of the last stage)."""
        x: Tensor = self.stem(clips)
        for stage in self.stages:
            x = stage(x)
        return x.mean(dim=(2, 3, 4))
