"""The PANNs taggers: Cnn14, Cnn14-emb512, Cnn10, Cnn6, MobileNetV1 and MobileNetV2, at 32 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cca_tools.taggers.base import Scores, Tagger, Waveform, prepare
from cca_tools.taggers.batching import FRAMES_AT_ONCE, score_by_length
from cca_tools.taggers.checkpoints import Checkpoint, load_into
from cca_tools.taggers.conv_stack import ConvStack
from cca_tools.taggers.device import Placement
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.panns_models import ARCHITECTURES, LAST_BLOCK_UNPOOLED, PannsNetwork
from cca_tools.taggers.spec import TaggerSpec

SMALLEST_POWER = 1e-10


class PannsTagger(Tagger):
    """A PANNs network over a whole clip; the embedding is the one that it publishes.

    The spectrogram is computed by FFT rather than, as published, by convolutions with sines; the
    mel bands are the tensor of the weights file.
    """

    head_bias = "fc_audioset.bias"

    def __init__(
        self, spec: TaggerSpec, labels: LabelSpace, checkpoint: Checkpoint, placement: Placement
    ) -> None:
        self.spec, self.labels = spec, labels
        self.weights_sha256 = checkpoint.sha256
        self.device, self.precision = placement.device, placement.precision
        published: Any = ARCHITECTURES[spec.name](spec, len(labels))
        load_into(published, checkpoint)
        self._mel_bank: Tensor = published.logmel_extractor.melW.data  # (fft / 2 + 1, mels)
        self._window = torch.hann_window(spec.window, periodic=True)
        self._frames_at_once = FRAMES_AT_ONCE[placement.kind]
        self.network = PannsNetwork(published).eval()
        self._stack: ConvStack | None = None
        if placement.kind == "cpu" and all(hasattr(part, "conv2") for part in self.network.trunk):
            self._stack = ConvStack(self.network.trunk, placement.dtype, LAST_BLOCK_UNPOOLED)
            self.network.trunk = nn.ModuleList()
        placement.place(self.network, trunk=self.network.trunk)

    @torch.inference_mode()
    def features(self, waveform: Waveform) -> Tensor:
        """Return the log-mel spectrogram (frames, 64) in decibels."""
        samples = torch.from_numpy(prepare(waveform, self.spec))
        padded = functional.pad(samples[None], [self.spec.fft // 2] * 2, mode="reflect")[0]
        frames = padded.unfold(0, self.spec.window, self.spec.hop) * self._window
        spectrum = torch.fft.rfft(frames)
        power = spectrum.real.square() + spectrum.imag.square()  # (frames, fft / 2 + 1)
        return 10.0 * torch.log10((power @ self._mel_bank).clamp_min(SMALLEST_POWER))

    @torch.inference_mode()
    def score(self, features: Sequence[Tensor]) -> Scores:
        """Score whole clips; see the base class."""
        if not features:
            return Scores.empty(len(self.labels), self.spec.embedding_dim)
        if self._stack is None:
            return score_by_length(features, self._forward, self._frames_at_once)
        maps = self._stack([self._normalise(clip) for clip in features])
        logits, embeddings = self.network.head(torch.stack([pool(clip) for clip in maps]))
        return Scores(torch.sigmoid(logits).numpy(), embeddings.numpy(), logits.numpy())

    def _normalise(self, log_mel: Tensor) -> Tensor:
        normalised: Tensor = self.network.bn0(log_mel[None, :, :, None].transpose(1, 2))
        return normalised[0, :, :, 0].T

    def _forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        logits, embeddings = self.network(batch.to(self.device))
        return logits.cpu(), embeddings.cpu()


def pool(feature_map: Tensor) -> Tensor:
    """Return mean over mels, then maximum plus mean over frames: (frames, mels, C) -> (C,).

    >>> pool(torch.tensor([[[1.0], [3.0]], [[4.0], [6.0]]]))
    tensor([8.5000])
    """
    over_time = feature_map.float().mean(dim=1)
    return over_time.amax(dim=0) + over_time.mean(dim=0)


TAGGER = PannsTagger
