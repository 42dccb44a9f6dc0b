import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from cca_tools.taggers.checkpoints import read_checkpoint
from cca_tools.taggers.registry import tagger_spec
from cca_tools.taggers.weights import find_weights
from cca_tools.taggers.yamnet import BLOCKS, YamnetNetwork


@pytest.fixture(scope="module")
def golden(shared):
    return np.load(shared / "golden" / "yamnet_float.npz")


@pytest.mark.parametrize("name", ["chirp_and_noise", "noise"])
def test_as_googles_network(yamnet, golden, name):
    waveform = golden[f"{name}/waveform"]
    probs, embeddings = yamnet.score_patches(yamnet.features(waveform))
    np.testing.assert_allclose(yamnet.log_mel(waveform), golden[f"{name}/log_mel"], atol=1e-3)
    np.testing.assert_allclose(probs, golden[f"{name}/scores"], atol=1e-3)
    np.testing.assert_allclose(embeddings, golden[f"{name}/embedding"], atol=1e-3)


@pytest.mark.parametrize("name", ["chirp_and_noise", "noise"])
def test_a_clip_is_the_mean_of_its_patches(yamnet, golden, name):
    scores = yamnet.score([yamnet.features(golden[f"{name}/waveform"])])
    np.testing.assert_allclose(scores.probs[0], golden[f"{name}/scores"].mean(axis=0), atol=1e-3)
    means = golden[f"{name}/embedding"].mean(axis=0)
    np.testing.assert_allclose(scores.embeddings[0], means, atol=1e-3)
    assert scores.logits is None


def test_as_the_8_bit_version_on_real_sounds(shared, decode, yamnet):
    text = (shared / "golden" / "yamnet_tflite_top10.json").read_text(encoding="utf-8")
    expected = json.loads(text)
    assert len(expected) == 9
    for file, item in expected.items():
        patches = yamnet.features(decode(shared / "data" / "sounds" / file, 16_000))
        order = np.argsort(-yamnet.score([patches]).probs[0], kind="stable")
        ours = [yamnet.labels.names[position] for position in order[:10]]
        theirs = [name for name, _ in item["top10"]]
        assert len(patches) == item["windows"]
        assert len(set(ours[:3]) & set(theirs[:3])) >= 2, file
        assert len(set(ours) & set(theirs)) >= 7, file


def naive_same(x, kernel, stride, groups):
    """TensorFlow's 'same': ceil(size / stride) outputs; the odd row of padding goes after."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + kernel.shape[2] - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.conv2d(functional.pad(x, pads), kernel, stride=stride, groups=groups)


def test_the_network_against_a_naive_one_in_float64(yamnet, golden):
    state = read_checkpoint(find_weights(tagger_spec("yamnet")).path).state
    state = {name: tensor.double() for name, tensor in state.items()}

    def layer(x, name, stride, groups):
        x = naive_same(x, state[f"{name}.conv.weight"], stride, groups)
        mean, variance = state[f"{name}.norm.running_mean"], state[f"{name}.norm.running_var"]
        shift = state[f"{name}.norm.bias"]
        normal = (x - mean[:, None, None]) / torch.sqrt(variance + 1e-4)[:, None, None]
        return torch.clamp(normal + shift[:, None, None], min=0)

    patches = yamnet.features(golden["noise/waveform"])
    x = layer(patches.double()[:, None], "stem", 2, 1)
    for number, (_, stride) in enumerate(BLOCKS):
        x = layer(x, f"blocks.{number}.depthwise", stride, x.shape[1])
        x = layer(x, f"blocks.{number}.pointwise", 1, 1)
    assert x.shape[1:] == (1024, 3, 2)
    expected = x.mean(dim=(2, 3))
    logits = expected @ state["classifier.weight"].T + state["classifier.bias"]
    probs, embeddings = yamnet.score_patches(patches)
    torch.testing.assert_close(embeddings.double(), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(probs.double(), torch.sigmoid(logits), atol=1e-5, rtol=0)


def test_the_original_normalises_without_a_scale():
    state = read_checkpoint(find_weights(tagger_spec("yamnet")).path).state
    scales = {name: tensor for name, tensor in state.items() if name.endswith("norm.weight")}
    assert len(scales) == 27
    assert all((scale == 1).all() for scale in scales.values())
    trained = sum(p.numel() for p in YamnetNetwork(521).parameters())
    scale_count = sum(scale.numel() for scale in scales.values())
    assert trained - scale_count == tagger_spec("yamnet").parameters


@pytest.mark.parametrize(
    ("num_samples", "num_patches"),
    [(0, 1), (1, 1), (15_600, 1), (23_279, 1), (23_280, 2), (48_000, 5), (160_000, 19)],
)
def test_patches_of_0_96_s_every_0_48_s(yamnet, num_samples, num_patches):
    waveform = np.zeros(num_samples, dtype=np.float32)
    assert yamnet.features(waveform).shape == (num_patches, 96, 64)
