"""YAMNet: MobileNetV1 on patches of 0.96 s of a 16 kHz log-mel spectrogram.

Source: Google, https://github.com/tensorflow/models/tree/master/research/audioset/yamnet
(Apache-2.0); the arithmetic was checked against its SavedModel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cca_tools.taggers.base import Scores, Tagger, Waveform, prepare
from cca_tools.taggers.checkpoints import Checkpoint, load_into
from cca_tools.taggers.device import Placement
from cca_tools.taggers.fused import FusedConv
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.mel import mel_bank
from cca_tools.taggers.spec import TaggerSpec

PATCH_FRAMES = 96
PATCH_HOP = 48
LOG_OFFSET = 0.001
NORM_EPSILON = 1e-4
PATCHES_AT_ONCE = {"cpu": 12, "cuda": 1024}

# output channels and stride of each depthwise-separable block
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


class ConvNorm(nn.Module):
    """Convolution with TensorFlow's 'same' padding, batch normalisation, ReLU.

    On the even sizes that occur here, stride 2 pads one row and column after, none before.
    """

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(
            *channels, kernel, stride=stride, padding=padding, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels[1], eps=NORM_EPSILON)
        self.pad_after = stride == 2
        self.fused: FusedConv | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, frames, mels) to (P, C', frames / stride, mels / stride)."""
        if self.pad_after:
            x = functional.pad(x, (0, 1, 0, 1))
        if self.fused is not None:
            out: Tensor = self.fused(x)
            return out
        return functional.relu(self.norm(self.conv(x)), inplace=True)

    def fuse(self) -> None:
        """Fold the normalisation into the convolution; for evaluation only."""
        self.fused = FusedConv(self.conv, self.norm, "relu")
        del self.conv, self.norm


class Separable(nn.Module):
    """A depthwise 3x3 convolution, then a pointwise one."""

    def __init__(self, channels: tuple[int, int], stride: int) -> None:
        super().__init__()
        inputs, _ = channels
        self.depthwise = ConvNorm((inputs, inputs), kernel=3, stride=stride, groups=inputs)
        self.pointwise = ConvNorm(channels, kernel=1, stride=1, groups=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, frames, mels) to (P, C', frames / stride, mels / stride)."""
        out: Tensor = self.pointwise(self.depthwise(x))
        return out


class YamnetNetwork(nn.Module):
    """The network from log-mel patches to logits and embeddings of each patch."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stem = ConvNorm((1, 32), kernel=3, stride=2, groups=1)
        inputs = (32, *(outputs for outputs, _ in BLOCKS))
        self.blocks = nn.Sequential(
            *(Separable((inputs[i], outputs), s) for i, (outputs, s) in enumerate(BLOCKS))
        )
        self.classifier = nn.Linear(BLOCKS[-1][0], num_classes)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (P, C) and embeddings (P, 1024) of patches (P, 96, 64), float32."""
        x = self.stem(patches.unsqueeze(1))  # (P, 32, 48, 32)
        x = self.blocks(x.to(next(self.blocks.parameters()).dtype))  # (P, 1024, 3, 2)
        embeddings = x.float().mean(dim=(2, 3))
        return self.classifier(embeddings), embeddings


class YamnetTagger(Tagger):
    """YAMNet over a clip: the mean over its patches of scores and of embeddings.

    A rest shorter than a patch step (0.48 s) at the end of a clip is not heard.
    """

    head_bias = "classifier.bias"

    def __init__(
        self, spec: TaggerSpec, labels: LabelSpace, checkpoint: Checkpoint, placement: Placement
    ) -> None:
        self.spec, self.labels = spec, labels
        self.weights_sha256 = checkpoint.sha256
        self.device, self.precision = placement.device, placement.precision
        self.network = YamnetNetwork(len(labels))
        load_into(self.network, checkpoint)
        for module in self.network.modules():
            if isinstance(module, ConvNorm):
                module.fuse()
        placement.place(self.network, trunk=[self.network.blocks])
        self._patches_at_once = PATCHES_AT_ONCE[placement.kind]
        self._window = torch.hann_window(spec.window, periodic=True)
        self._mel_bank = torch.from_numpy(mel_bank(spec))

    def log_mel(self, waveform: Waveform) -> Tensor:
        """Return (frames, 64) log-mel magnitudes of a clip (T,) of at least 0.975 s."""
        frames = torch.from_numpy(waveform).unfold(0, self.spec.window, self.spec.hop)
        magnitudes = torch.fft.rfft(frames * self._window, n=self.spec.fft).abs()
        return torch.log(magnitudes @ self._mel_bank + LOG_OFFSET)

    @torch.inference_mode()
    def features(self, waveform: Waveform) -> Tensor:
        """Return the clip's patches (P, 96, 64), one every 0.48 s; see the base class."""
        log_mel = self.log_mel(prepare(waveform, self.spec))
        return log_mel.unfold(0, PATCH_FRAMES, PATCH_HOP).transpose(1, 2).contiguous()

    @torch.inference_mode()
    def score_patches(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (P, C) and embeddings (P, 1024) of patches (P, 96, 64)."""
        parts = torch.split(patches, self._patches_at_once)
        results = [self.network(part.to(self.device)) for part in parts]
        logits, embeddings = (torch.cat(tensors).cpu() for tensors in zip(*results, strict=True))
        return torch.sigmoid(logits), embeddings

    @torch.inference_mode()
    def score(self, features: Sequence[Tensor]) -> Scores:
        """Score clips by the mean over their patches; see the base class."""
        if not features:
            return Scores.empty(len(self.labels), self.spec.embedding_dim)
        lengths = [len(patches) for patches in features]
        probs, embeddings = (
            torch.stack([clip.mean(dim=0) for clip in torch.split(result, lengths)]).numpy()
            for result in self.score_patches(torch.cat(list(features)))
        )
        return Scores(probs, embeddings)


TAGGER = YamnetTagger
