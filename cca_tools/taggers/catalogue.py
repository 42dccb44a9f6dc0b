"""The taggers we know: one entry each, all facts about it in one place."""

from __future__ import annotations

from cca_tools.taggers.registry import register
from cca_tools.taggers.spec import TaggerSpec, WeightsFile

register(
    TaggerSpec(
        name="yamnet",
        family="yamnet",
        sample_rate=16_000,
        num_classes=521,
        embedding_dim=1024,
        label_space="yamnet",
        min_samples=15_600,
        window=400,
        hop=160,
        fft=512,
        mel_bands=64,
        fmin=125.0,
        fmax=7500.0,
        weights=WeightsFile(
            name="yamnet.safetensors",
            url="",
            bytes=15_062_860,
            known_hash="sha256:5960b55288bd9a176d22ae3487ae9f1b0570219b0e8b198afbdb7e311ddde0d4",
            licence="Apache-2.0",
            citation="Plakal and Ellis (2020), YAMNet, "
            "https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
            bundled=True,
        ),
        gflop_10s=2.8,
        parameters=3_729_481,
    )
)
