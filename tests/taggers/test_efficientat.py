import hashlib

import numpy as np
import pytest
import torch
from torch.nn import functional

from cca_tools.taggers.efficientat import BLOCKS, WIDTHS, MobileNetV3, scaled
from cca_tools.taggers.registry import tagger_spec

from .conftest import randomise

# names and shapes of all tensors of the original classes at commit a425fdc, and the number of
# parameters in its README (in millions)
PUBLISHED = {
    "efficientat-mn04": ("8d86fb644905d37c", 0.983),
    "efficientat-mn10": ("edf1e29028a47adb", 4.88),
    "efficientat-mn20": ("3e1aefdebf0265f3", 17.91),
    "efficientat-mn40": ("7e7e09ab6f76ea0b", 68.43),
}


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "golden" / "efficientat_mn04.npz")


@pytest.mark.parametrize("name", ["chirp_and_noise", "noise"])
def test_as_the_original_from_waveform_to_logits(mn04, golden, name):
    log_mel = mn04.features(golden[f"{name}/waveform"])
    scores = mn04.score([log_mel])
    np.testing.assert_allclose(log_mel.T, golden[f"{name}/log_mel"], atol=1e-3)
    np.testing.assert_allclose(scores.logits[0], golden[f"{name}/logits"], atol=1e-3)
    np.testing.assert_allclose(scores.embeddings[0], golden[f"{name}/embedding"], atol=1e-3)


def test_as_the_original_on_real_sounds(shared, decode, mn04, golden):
    files = sorted((shared / "data" / "sounds").glob("*.wav"))
    scores = mn04.score([mn04.features(decode(file, 32_000)) for file in files])
    assert len(files) == 9
    for file, logits, embedding in zip(files, scores.logits, scores.embeddings, strict=True):
        np.testing.assert_allclose(logits, golden[f"{file.name}/logits"], atol=1e-3)
        np.testing.assert_allclose(embedding, golden[f"{file.name}/embedding"], atol=1e-3)


def test_probs_are_the_sigmoid_of_the_logits(mn04, golden):
    scores = mn04.score([mn04.features(golden["noise/waveform"])])
    exact = 1 / (1 + np.exp(-scores.logits.astype(np.float64)))
    np.testing.assert_allclose(scores.probs, exact, atol=1e-6)


@pytest.mark.parametrize("name", WIDTHS)
def test_published_weights_fit(name):
    digest, millions = PUBLISHED[name]
    network = MobileNetV3(527, WIDTHS[name])
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in network.state_dict().items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest().startswith(digest)
    spec = tagger_spec(name)
    assert sum(p.numel() for p in network.parameters()) == spec.parameters
    assert spec.parameters / 1e6 == pytest.approx(millions, abs=0.005)
    assert network.classifier[2].in_features == spec.embedding_dim


@pytest.mark.parametrize("width", [0.4, 1.0, 2.0])
def test_the_network_against_a_naive_one_in_float64(width):
    network = MobileNetV3(11, width).eval()
    randomise(network, seed=3)
    log_mel = torch.randn(2, 70, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, embeddings = network(log_mel)
    state = {name: tensor.double() for name, tensor in network.state_dict().items()}
    expected_logits, expected_embeddings = naive_mobilenet(state, log_mel.double())
    assert expected_logits.std() > 0.1
    torch.testing.assert_close(logits.double(), expected_logits, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(embeddings.double(), expected_embeddings, atol=1e-3, rtol=1e-3)


def naive_mobilenet(state, log_mel):
    """MobileNetV3 written from its paper, driven by the names in the state dict."""

    def norm(x, name):
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        gain = state[f"{name}.weight"] / torch.sqrt(var + 0.001)
        return (x - mean[:, None, None]) * gain[:, None, None] + state[f"{name}.bias"][
            :, None, None
        ]

    def conv(x, name, stride=1, groups=1):
        kernel = state[f"{name}.0.weight"]
        x = functional.conv2d(x, kernel, None, stride, kernel.shape[2] // 2, 1, groups)
        return norm(x, f"{name}.1")

    def hard_swish(x):
        return x * torch.clamp(x + 3, 0, 6) / 6

    x = hard_swish(conv(log_mel.transpose(1, 2)[:, None], "features.0", stride=2))
    for number, block in enumerate(BLOCKS, start=1):
        act = hard_swish if block.hard_swish else torch.relu
        before, base = x, f"features.{number}.block"
        step = 0
        if f"{base}.2.0.weight" in state or f"{base}.3.0.weight" in state:
            x, step = act(conv(x, f"{base}.0")), 1
        x = act(conv(x, f"{base}.{step}", block.stride, groups=x.shape[1]))
        if block.squeeze:
            step += 1
            squeeze = f"{base}.{step}.conc_se_layers.0"
            hidden = torch.relu(linear(state, f"{squeeze}.fc1", x.mean((2, 3))))
            x = x * torch.sigmoid(linear(state, f"{squeeze}.fc2", hidden))[:, :, None, None]
        x = conv(x, f"{base}.{step + 1}")
        if block.stride == 1 and x.shape == before.shape:
            x = x + before
    embeddings = hard_swish(conv(x, "features.16")).mean((2, 3))
    hidden = hard_swish(linear(state, "classifier.2", embeddings))
    return linear(state, "classifier.5", hidden), embeddings


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [
        (16, 0.4, 8),  # 6.4 is nearest to 8
        (24, 0.4, 16),  # 9.6 is nearest to 8, but that is less than 0.9 of it
        (40, 0.4, 16),
        (72, 0.4, 32),  # 28.8: the half goes up
        (160, 0.4, 64),
        (160, 1.0, 160),
        (112, 4.0, 448),
    ],
)
def test_channels_are_multiples_of_eight(channels, width, expected):
    assert scaled(channels, width) == expected


def test_frames_are_a_hundredth_of_a_second(mn04):
    for num_samples in (10_240, 32_000, 96_000):
        features = mn04.features(np.zeros(num_samples, dtype=np.float32))
        assert features.shape == ((num_samples - 1) // 320 + 1, 128)
