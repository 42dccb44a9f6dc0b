"""The PANNs architectures: Cnn14 from panns-inference, the others after the same paper.

Source: Kong et al. (2020), "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
Recognition", https://github.com/qiuqiangkong/audioset_tagging_cnn (MIT), commit d2f4b8c. What
panns-inference does not have is written anew; module names follow the published weights. None of
these modules is ever trained here, so initialisation and augmentation are left out.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchlibrosa.stft import LogmelFilterBank, Spectrogram

from cca_tools.taggers.labels import audioset_csv
from cca_tools.taggers.spec import TaggerSpec


def import_published_models() -> Any:
    """Import and return ``panns_inference.models``, without network and without writing to home.

    ``panns_inference.config`` reads a label table from the home folder and downloads it with wget
    when it is missing. It is therefore run first, alone, in a folder that has our table.
    """
    name = "panns_inference.config"
    package = importlib.util.find_spec("panns_inference")
    if name not in sys.modules and package and package.submodule_search_locations:
        source = Path(package.submodule_search_locations[0]) / "config.py"
        spec = importlib.util.spec_from_file_location(name, source)
        assert spec is not None
        assert spec.loader is not None
        config = importlib.util.module_from_spec(spec)
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "panns_data" / "class_labels_indices.csv"
            table.parent.mkdir()
            table.write_text(audioset_csv(), encoding="utf-8")
            with patch.object(Path, "home", return_value=Path(folder)):
                spec.loader.exec_module(config)
        sys.modules[name] = config
        vars(import_module("panns_inference"))["config"] = config
    return import_module("panns_inference.models")


class FrontEnd(nn.Module):
    """The frozen tensors with which every published file begins, and the input normalisation."""

    def __init__(self, spec: TaggerSpec) -> None:
        super().__init__()
        self.spectrogram_extractor = Spectrogram(
            n_fft=spec.fft, hop_length=spec.hop, win_length=spec.window, freeze_parameters=True
        )
        self.logmel_extractor = LogmelFilterBank(
            sr=spec.sample_rate,
            n_fft=spec.fft,
            n_mels=spec.mel_bands,
            fmin=spec.fmin,
            fmax=spec.fmax,
            ref=1.0,
            amin=1e-10,
            top_db=None,
            freeze_parameters=True,
        )
        self.bn0 = nn.BatchNorm2d(spec.mel_bands)


def add_head(network: nn.Module, widths: tuple[int, int], num_classes: int) -> None:
    """Give a network the two dense layers from the pooled features to the classes.

    Args:
        network: Gets ``fc1`` and ``fc_audioset``.
        widths: Number of pooled features, and length of the embedding.
        num_classes: Number of outputs.
    """
    network.fc1 = nn.Linear(*widths)
    network.fc_audioset = nn.Linear(widths[1], num_classes)


class ConvBlock5x5(nn.Module):
    """One 5x5 convolution with normalisation and ReLU, then average pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, pool_size: tuple[int, int]) -> Tensor:
        """Map (B, C, frames, mels) to (B, C', frames / pool, mels / pool)."""
        return functional.avg_pool2d(functional.relu_(self.bn1(self.conv1(x))), pool_size)


class Cnn6(FrontEnd):
    """Four convolutions of 5x5."""

    def __init__(self, spec: TaggerSpec, num_classes: int) -> None:
        super().__init__(spec)
        self.conv_block1 = ConvBlock5x5(1, 64)
        self.conv_block2 = ConvBlock5x5(64, 128)
        self.conv_block3 = ConvBlock5x5(128, 256)
        self.conv_block4 = ConvBlock5x5(256, 512)
        add_head(self, (512, 512), num_classes)


class Cnn10(FrontEnd):
    """Four blocks of two convolutions of 3x3, as in Cnn14."""

    def __init__(self, spec: TaggerSpec, num_classes: int) -> None:
        super().__init__(spec)
        block = import_published_models().ConvBlock
        self.conv_block1 = block(1, 64)
        self.conv_block2 = block(64, 128)
        self.conv_block3 = block(128, 256)
        self.conv_block4 = block(256, 512)
        add_head(self, (512, 512), num_classes)


def pooled_conv(inputs: int, outputs: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """Return a 3x3 convolution, average pooling in place of a stride, and normalisation."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups, bias=False),
        nn.AvgPool2d(stride),
        nn.BatchNorm2d(outputs),
    ]


def pointwise(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a 1x1 convolution and normalisation."""
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]


class MobileNetV1(FrontEnd):
    """Thirteen depthwise-separable blocks, after Howard et al. (2017)."""

    # output channels and stride of each block
    blocks = (
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
        (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
    )  # fmt: skip

    def __init__(self, spec: TaggerSpec, num_classes: int) -> None:
        super().__init__(spec)
        layers = [nn.Sequential(*pooled_conv(1, 32, 2), nn.ReLU(inplace=True))]
        inputs = 32
        for outputs, stride in self.blocks:
            depthwise = pooled_conv(inputs, inputs, stride, groups=inputs)
            relu = nn.ReLU(inplace=True)
            layers.append(nn.Sequential(*depthwise, relu, *pointwise(inputs, outputs), relu))
            inputs = outputs
        self.features = nn.Sequential(*layers)
        add_head(self, (1024, 1024), num_classes)


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, project; add the input if it fits."""

    def __init__(self, channels: tuple[int, int], stride: int, expansion: int) -> None:
        super().__init__()
        inputs, outputs = channels
        hidden = inputs * expansion
        relu = nn.ReLU6(inplace=True)
        expand = [*pointwise(inputs, hidden), relu] if expansion > 1 else []
        depthwise = pooled_conv(hidden, hidden, stride, groups=hidden)
        self.conv = nn.Sequential(*expand, *depthwise, relu, *pointwise(hidden, outputs))
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, frames, mels) to (B, C', frames / stride, mels / stride)."""
        out: Tensor = self.conv(x)
        return x + out if self.adds_input else out


class MobileNetV2(FrontEnd):
    """Seventeen inverted residuals, after Sandler et al. (2018)."""

    # expansion, output channels, number of blocks, stride of the first of them
    stages = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 2), (6, 160, 3, 1), (6, 320, 1, 1),
    )  # fmt: skip

    def __init__(self, spec: TaggerSpec, num_classes: int) -> None:
        super().__init__(spec)
        layers: list[nn.Module] = [
            nn.Sequential(*pooled_conv(1, 32, 2), nn.ReLU6(inplace=True)),
        ]
        inputs = 32
        for expansion, outputs, repeats, first_stride in self.stages:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                layers.append(InvertedResidual((inputs, outputs), stride, expansion))
                inputs = outputs
        layers.append(nn.Sequential(*pointwise(inputs, 1280), nn.ReLU6(inplace=True)))
        self.features = nn.Sequential(*layers)
        add_head(self, (1280, 1024), num_classes)


def cnn14(spec: TaggerSpec, num_classes: int) -> nn.Module:
    """Return panns-inference's Cnn14 with an embedding of the length the entry says."""
    network: Any = import_published_models().Cnn14(
        sample_rate=spec.sample_rate,
        window_size=spec.window,
        hop_size=spec.hop,
        mel_bins=spec.mel_bands,
        fmin=spec.fmin,
        fmax=spec.fmax,
        classes_num=num_classes,
    )
    if spec.embedding_dim != network.fc1.out_features:
        add_head(network, (2048, spec.embedding_dim), num_classes)
    built: nn.Module = network
    return built


ARCHITECTURES = {
    "panns-cnn14": cnn14,
    "panns-cnn14-emb512": cnn14,
    "panns-cnn10": Cnn10,
    "panns-cnn6": Cnn6,
    "panns-mobilenetv1": MobileNetV1,
    "panns-mobilenetv2": MobileNetV2,
}
LAST_BLOCK_UNPOOLED = 6


def trunk_of(network: Any) -> list[nn.Module]:
    """Return the parts of a network that hold its convolutions, in order."""
    if hasattr(network, "features"):
        return [network.features]
    return [part for name, part in network.named_children() if name.startswith("conv_block")]


def apply_trunk(parts: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Map (B, 1, frames, mels) to feature maps (B, C, frames', mels')."""
    for number, part in enumerate(parts, start=1):
        if isinstance(part, nn.Sequential):
            x = part(x)
        else:
            x = part(x, pool_size=(1, 1) if number == LAST_BLOCK_UNPOOLED else (2, 2))
    return x


class PannsNetwork(nn.Module):
    """The part of a PANNs network after its front end: from log-mel to logits and embeddings.

    Args:
        network: One of ``ARCHITECTURES``, with its weights.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.bn0: nn.BatchNorm2d = network.bn0
        self.trunk = nn.ModuleList(trunk_of(network))
        self.fc1: nn.Linear = network.fc1
        self.fc_audioset: nn.Linear = network.fc_audioset

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, C) and embeddings (B, E) of (B, frames, mels), float32."""
        x = self.bn0(log_mel.unsqueeze(1).transpose(1, 3)).transpose(1, 3)
        x = apply_trunk(self.trunk, x.to(next(self.trunk.parameters()).dtype))
        over_time = x.float().mean(dim=3)  # (B, channels, frames')
        return self.head(over_time.amax(dim=2) + over_time.mean(dim=2))

    def head(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, C) and embeddings (B, E) of pooled features (B, channels)."""
        embeddings = torch.relu(self.fc1(pooled))
        logits: Tensor = self.fc_audioset(embeddings)
        return logits, embeddings
