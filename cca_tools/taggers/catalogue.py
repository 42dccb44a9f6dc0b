"""The taggers we know: one entry each, all facts about it in one place.

Hashes are those that the publishers gave (Zenodo's MD5) or that several users of the same file
report alike; where we know of none it is None, and so with sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cca_tools.taggers.registry import register
from cca_tools.taggers.spec import TaggerSpec, WeightsFile

_EFFICIENTAT_RELEASE = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/"
_EFFICIENTAT_CITATION = (
    "Schmid, Koutini and Widmer (2023), Efficient Large-Scale Audio Tagging via "
    "Transformer-to-CNN Knowledge Distillation, https://github.com/fschmid56/EfficientAT"
)
_PANNS_RECORD = "https://zenodo.org/records/3987831/files/"
_PANNS_CITATION = (
    "Kong et al. (2020), PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern "
    "Recognition, https://doi.org/10.5281/zenodo.3987831"
)


@dataclass(frozen=True)
class _Published:
    """What differs between the taggers of one family."""

    name: str
    embedding_dim: int
    gflop_10s: float
    parameters: int
    file: str
    bytes: int | None
    known_hash: str | None


_EFFICIENTAT = (
    _Published(
        "efficientat-mn04", 384, 0.221, 983_599, "mn04_as_mAP_432.pt", 4_066_513,
        "sha256:899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    ),
    _Published(
        "efficientat-mn10", 960, 1.08, 4_876_831, "mn10_as_mAP_471.pt", 19_708_753,
        "sha256:0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e",
    ),
    _Published("efficientat-mn20", 1920, 4.12, 17_909_287, "mn20_as_mAP_478.pt", None, None),
    _Published("efficientat-mn40", 3840, 16.1, 68_427_303, "mn40_as_mAP_484.pt", None, None),
)  # fmt: skip

_PANNS = (
    _Published(
        "panns-cnn14", 2048, 40.1, 80_753_615, "Cnn14_mAP=0.431.pth", 327_428_481,
        "sha256:0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
    ),
    _Published(
        "panns-cnn14-emb512", 512, 40.1, 76_796_879, "Cnn14_emb512_mAP=0.420.pth", None, None,
    ),
    _Published(
        "panns-cnn10", 512, 26.0, 5_219_279, "Cnn10_mAP=0.380.pth", 25_237_595,
        "md5:bfb1f1f9968938fa8ef4012b8471f5f6",
    ),
    _Published(
        "panns-cnn6", 512, 19.9, 4_837_455, "Cnn6_mAP=0.343.pth", None,
        "md5:e25e26b84585b14c7754c91e48efc9be",
    ),
    _Published(
        "panns-mobilenetv1", 1024, 1.48, 4_796_303, "MobileNetV1_mAP=0.389.pth", 23_639_473,
        "md5:a419303e1c88aa1b9d2ac3811563d371",
    ),
    _Published(
        "panns-mobilenetv2", 1024, 0.684, 4_075_343, "MobileNetV2_mAP=0.383.pth", None, None,
    ),
)  # fmt: skip


def _efficientat(item: _Published) -> TaggerSpec:
    return TaggerSpec(
        name=item.name,
        family="efficientat",
        sample_rate=32_000,
        num_classes=527,
        embedding_dim=item.embedding_dim,
        label_space="audioset",
        min_samples=10_240,
        window=800,
        hop=320,
        fft=1024,
        mel_bands=128,
        fmin=0.0,
        fmax=15_000.0,
        weights=WeightsFile(
            name=item.file,
            url=_EFFICIENTAT_RELEASE + item.file,
            bytes=item.bytes,
            known_hash=item.known_hash,
            licence="MIT",
            citation=_EFFICIENTAT_CITATION,
        ),
        gflop_10s=item.gflop_10s,
        parameters=item.parameters,
    )


def _panns(item: _Published) -> TaggerSpec:
    return TaggerSpec(
        name=item.name,
        family="panns",
        sample_rate=32_000,
        num_classes=527,
        embedding_dim=item.embedding_dim,
        label_space="audioset",
        min_samples=10_240,
        window=1024,
        hop=320,
        fft=1024,
        mel_bands=64,
        fmin=50.0,
        fmax=14_000.0,
        weights=WeightsFile(
            name=item.file,
            url=_PANNS_RECORD + item.file.replace("=", "%3D") + "?download=1",
            bytes=item.bytes,
            known_hash=item.known_hash,
            licence="CC-BY-4.0",
            citation=_PANNS_CITATION,
        ),
        gflop_10s=item.gflop_10s,
        parameters=item.parameters,
    )


_YAMNET = TaggerSpec(
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
    gflop_10s=2.63,
    parameters=3_729_481,
)

for _spec in (_YAMNET, *map(_efficientat, _EFFICIENTAT), *map(_panns, _PANNS)):
    register(_spec)
