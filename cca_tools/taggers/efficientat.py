"""EfficientAT's MobileNetV3 taggers: mn04, mn10, mn20 and mn40, at 32 kHz.

Source: Schmid, Koutini and Widmer (2023), "Efficient Large-Scale Audio Tagging via
Transformer-to-CNN Knowledge Distillation", https://github.com/fschmid56/EfficientAT (MIT), commit
a425fdc. Written anew; module names follow the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cca_tools.taggers.base import Scores, Tagger, Waveform, prepare
from cca_tools.taggers.batching import FRAMES_AT_ONCE, score_by_length
from cca_tools.taggers.checkpoints import Checkpoint, load_into
from cca_tools.taggers.device import Placement
from cca_tools.taggers.fused import FusedConv, activation_of
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.mel import mel_bank
from cca_tools.taggers.spec import TaggerSpec

WIDTHS = {
    "efficientat-mn04": 0.4,
    "efficientat-mn10": 1.0,
    "efficientat-mn20": 2.0,
    "efficientat-mn40": 4.0,
}
PRE_EMPHASIS = 0.97
LOG_OFFSET = 1e-5
NORM_EPSILON = 1e-3
HEAD_WIDTH = 1280
HEAD_DROPOUT = 0.2  # has no effect in evaluation; it keeps the published numbering of the layers


@dataclass(frozen=True)
class Block:
    """One inverted residual of MobileNetV3-Large at width 1; channels are scaled by the width."""

    kernel: int
    expanded: int
    outputs: int
    squeeze: bool
    hard_swish: bool
    stride: int


# Howard et al. (2019), "Searching for MobileNetV3", table 1
BLOCKS = (
    Block(3, 16, 16, False, False, 1),
    Block(3, 64, 24, False, False, 2),
    Block(3, 72, 24, False, False, 1),
    Block(5, 72, 40, True, False, 2),
    Block(5, 120, 40, True, False, 1),
    Block(5, 120, 40, True, False, 1),
    Block(3, 240, 80, False, True, 2),
    Block(3, 200, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 480, 112, True, True, 1),
    Block(3, 672, 112, True, True, 1),
    Block(5, 672, 160, True, True, 2),
    Block(5, 960, 160, True, True, 1),
    Block(5, 960, 160, True, True, 1),
)
STEM_CHANNELS = 16


def scaled(channels: int, width: float) -> int:
    """Return a number of channels times ``width``, as a multiple of eight.

    Rounded to the nearest multiple, but never to less than 0.9 of the exact number.

    >>> scaled(16, 0.4), scaled(24, 0.4), scaled(160, 0.4)
    (8, 16, 64)
    """
    return rounded(channels * width)


def rounded(number: float) -> int:
    """Return the multiple of eight near ``number``: at least eight, and at least 0.9 of it."""
    nearest = max(8, int(number + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * number else nearest


def conv_norm(
    channels: tuple[int, int], kernel: int, stride: int, groups: int, activation: nn.Module | None
) -> nn.Sequential:
    """Return convolution, batch normalisation and activation, numbered 0, 1, 2."""
    padding = (kernel - 1) // 2
    layers: list[nn.Module] = [
        nn.Conv2d(*channels, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(channels[1], eps=NORM_EPSILON),
    ]
    return nn.Sequential(*layers, *([activation] if activation else []))


class SqueezeExcitation(nn.Module):
    """Scale each channel by a number from 0 to 1 that depends on the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = rounded(channels // 4)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scale (B, C, mels, frames)."""
        scale = self.fc2(functional.relu(self.fc1(x.mean(dim=(2, 3)))))
        return x * torch.sigmoid(scale)[:, :, None, None]


class ChannelAttention(nn.Module):
    """The published place for one squeeze-and-excitation a dimension; these nets use channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([SqueezeExcitation(channels)])

    def forward(self, x: Tensor) -> Tensor:
        """Scale (B, C, mels, frames)."""
        out: Tensor = self.conc_se_layers[0](x)
        return out


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, weigh the channels, project; add the input if it fits."""

    def __init__(self, inputs: int, block: Block, width: float) -> None:
        super().__init__()
        expanded, outputs = scaled(block.expanded, width), scaled(block.outputs, width)
        activation = nn.Hardswish if block.hard_swish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(conv_norm((inputs, expanded), 1, 1, 1, activation(inplace=True)))
        layers.append(
            conv_norm(
                (expanded, expanded),
                block.kernel,
                block.stride,
                expanded,
                activation(inplace=True),
            )
        )
        if block.squeeze:
            layers.append(ChannelAttention(expanded))
        layers.append(conv_norm((expanded, outputs), 1, 1, 1, None))
        self.block = nn.Sequential(*layers)
        self.adds_input = block.stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, mels, frames) to (B, C', mels / stride, frames / stride)."""
        out: Tensor = self.block(x)
        return out + x if self.adds_input else out


class MobileNetV3(nn.Module):
    """The network from log-mel spectrograms to logits and embeddings.

    Args:
        num_classes: Number of outputs.
        width: Factor on the channels of MobileNetV3-Large.
    """

    def __init__(self, num_classes: int, width: float) -> None:
        super().__init__()
        channels = scaled(STEM_CHANNELS, width)
        layers: list[nn.Module] = [conv_norm((1, channels), 3, 2, 1, nn.Hardswish(inplace=True))]
        for block in BLOCKS:
            layers.append(InvertedResidual(channels, block, width))
            channels = scaled(block.outputs, width)
        last = 6 * channels
        layers.append(conv_norm((channels, last), 1, 1, 1, nn.Hardswish(inplace=True)))
        self.features = nn.Sequential(*layers)
        head = scaled(HEAD_WIDTH, width)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(last, head),
            nn.Hardswish(),
            nn.Dropout(HEAD_DROPOUT),
            nn.Linear(head, num_classes),
        )

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, C) and embeddings (B, E) of (B, frames, mels), float32."""
        x = log_mel.transpose(1, 2).unsqueeze(1)  # (B, 1, mels, frames)
        x = self.features(x.to(next(self.features.parameters()).dtype))
        embeddings = x.float().mean(dim=(2, 3))
        logits: Tensor = self.classifier[2:](embeddings)
        return logits, embeddings


def fuse(module: nn.Module) -> None:
    """Replace each convolution, normalisation and activation below ``module`` by one layer."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and isinstance(child[0], nn.Conv2d):
            conv, norm, *activation = child
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            fused = FusedConv(conv, norm, activation_of(activation[0] if activation else None))
            setattr(module, name, fused)
        else:
            fuse(child)


class EfficientAtTagger(Tagger):
    """EfficientAT over a whole clip; the embedding is the mean of its last feature maps."""

    head_bias = "classifier.5.bias"

    def __init__(
        self, spec: TaggerSpec, labels: LabelSpace, checkpoint: Checkpoint, placement: Placement
    ) -> None:
        self.spec, self.labels = spec, labels
        self.weights_sha256 = checkpoint.sha256
        self.device, self.precision = placement.device, placement.precision
        self.network = MobileNetV3(len(labels), WIDTHS[spec.name])
        load_into(self.network, checkpoint)
        fuse(self.network.features)
        placement.place(self.network, trunk=[self.network.features])
        self._frames_at_once = FRAMES_AT_ONCE[placement.kind]
        self._window = torch.hann_window(spec.window, periodic=False)
        self._mel_bank = torch.from_numpy(mel_bank(spec))

    @torch.inference_mode()
    def features(self, waveform: Waveform) -> Tensor:
        """Return the log-mel spectrogram (frames, 128), scaled as in training."""
        samples = torch.from_numpy(prepare(waveform, self.spec))
        emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
        spectrum = torch.stft(
            emphasised,
            self.spec.fft,
            hop_length=self.spec.hop,
            win_length=self.spec.window,
            window=self._window,
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # (fft / 2 + 1, frames)
        log_mel = torch.log(power.T @ self._mel_bank + LOG_OFFSET)
        return (log_mel + 4.5) / 5.0

    @torch.inference_mode()
    def score(self, features: Sequence[Tensor]) -> Scores:
        """Score whole clips; see the base class."""
        if not features:
            return Scores.empty(len(self.labels), self.spec.embedding_dim)
        return score_by_length(features, self._forward, self._frames_at_once)

    def _forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        logits, embeddings = self.network(batch.to(self.device))
        return logits.cpu(), embeddings.cpu()


TAGGER = EfficientAtTagger
