"""What every tagger keeps to, whatever its family."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from cca_tools.errors import DataError, WeightsError
from cca_tools.taggers.panns_models import PannsNetwork
from cca_tools.taggers.registry import load_tagger, tagger_names, tagger_spec

from .conftest import build_network

SMALL = ("yamnet", "efficientat-mn04", "panns-mobilenetv1", "panns-mobilenetv2")


@pytest.fixture(params=tagger_names())
def tagger(request, random_tagger):
    return random_tagger(request.param)


@pytest.fixture(params=SMALL)
def small_tagger(request, random_tagger):
    return random_tagger(request.param)


def test_scores_have_the_stated_shapes(tagger, sound):
    spec = tagger.spec
    clips = [sound(spec.sample_rate, seed=1), sound(17_000, seed=2)]
    scores = tagger.score([tagger.features(clip) for clip in clips])
    assert len(scores) == 2
    assert scores.probs.shape == (2, spec.num_classes)
    assert scores.embeddings.shape == (2, spec.embedding_dim)
    assert scores.probs.dtype == scores.embeddings.dtype == np.float32
    assert ((scores.probs >= 0) & (scores.probs <= 1)).all()
    assert np.isfinite(scores.embeddings).all()
    assert np.ptp(scores.probs, axis=0).max() > 1e-3
    if scores.logits is not None:
        assert scores.logits.shape == scores.probs.shape
        assert scores.logits.dtype == np.float32


@pytest.mark.parametrize("name", tagger_names())
def test_the_cost_is_as_stated(name, monkeypatch):
    # the counter does not know oneDNN's own operations
    monkeypatch.setattr("cca_tools.taggers.fused.has_onednn", lambda x: False)
    spec = tagger_spec(name)
    if name in VGG_CHANNELS:
        flop = flop_of_vgg(*VGG_CHANNELS[name], spec)
    else:
        network = build_network(name)
        network = PannsNetwork(network) if spec.family == "panns" else network
        frames = (19, 96) if name == "yamnet" else (1, 1001 if spec.family == "panns" else 1000)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network.eval()(torch.zeros(*frames, spec.mel_bands))
        flop = counter.get_total_flops()
    assert flop / 1e9 == pytest.approx(spec.gflop_10s, rel=0.01)


# channels of the blocks, and number of convolutions in each
VGG_CHANNELS = {
    "panns-cnn14": ((64, 128, 256, 512, 1024, 2048), 2, 9),
    "panns-cnn14-emb512": ((64, 128, 256, 512, 1024, 2048), 2, 9),
    "panns-cnn10": ((64, 128, 256, 512), 2, 9),
    "panns-cnn6": ((64, 128, 256, 512), 1, 25),
}


def flop_of_vgg(channels, convs_in_a_block, kernel_places, spec):
    places, inputs, total = (1001, 64), 1, 0
    for outputs in channels:
        for _ in range(convs_in_a_block):
            total += 2 * places[0] * places[1] * kernel_places * inputs * outputs
            inputs = outputs
        places = (places[0] // 2, places[1] // 2)
    return total + 2 * spec.embedding_dim * (inputs + spec.num_classes)


def test_no_clips_no_scores(small_tagger):
    scores = small_tagger.score([])
    assert scores.probs.shape == (0, small_tagger.spec.num_classes)
    assert scores.embeddings.shape == (0, small_tagger.spec.embedding_dim)


@pytest.mark.parametrize("num_samples", [0, 1, 320, 10_239, 15_599, 31_999])
def test_short_clips_are_padded_with_zeros(small_tagger, sound, num_samples):
    clip = sound(num_samples)
    missing = max(0, small_tagger.spec.min_samples - num_samples)
    padded = small_tagger.features(np.concatenate([clip, np.zeros(missing, np.float32)]))
    features = small_tagger.features(clip)
    torch.testing.assert_close(features, padded, atol=0, rtol=0)
    scores = small_tagger.score([features])
    assert np.isfinite(scores.probs).all()


LENGTHS = (0, 9_000, 16_000, 16_001, 16_000, 40_000, 31_999)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(len(LENGTHS))), count=st.integers(1, len(LENGTHS)))
def test_no_clip_depends_on_the_others(small_tagger, sound, order, count):
    clips = [small_tagger.features(sound(n, seed)) for seed, n in enumerate(LENGTHS)]
    chosen = order[:count]
    together = small_tagger.score([clips[position] for position in chosen])
    for row, position in enumerate(chosen):
        alone = small_tagger.score([clips[position]])
        np.testing.assert_allclose(together.probs[row], alone.probs[0], atol=3e-6)
        scale = max(1.0, np.abs(alone.embeddings).max())
        np.testing.assert_allclose(together.embeddings[row], alone.embeddings[0], atol=3e-6 * scale)


def test_more_clips_than_go_at_once(small_tagger, sound):
    clips = [small_tagger.features(sound(16_000, seed % 3)) for seed in range(90)]
    scores = small_tagger.score(clips)
    assert len(scores) == 90
    np.testing.assert_allclose(scores.probs, np.tile(scores.probs[:3], (30, 1)), atol=3e-6)


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros((2, 16_000), np.float32),
        np.zeros(16_000, np.float64),
        np.zeros(16_000, np.int16),
    ],
)
def test_other_shapes_and_types_are_refused(small_tagger, waveform):
    with pytest.raises(DataError, match=r"float32 of shape \(T,\)"):
        small_tagger.features(waveform)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(small_tagger, sound, value):
    waveform = sound(16_000)
    waveform[777] = value
    with pytest.raises(DataError, match="not finite"):
        small_tagger.features(waveform)


def test_silence_and_full_scale_are_scored(small_tagger):
    loud = np.sign(np.sin(np.arange(32_000))).astype(np.float32)
    for waveform in (np.zeros(32_000, np.float32), loud):
        scores = small_tagger.score([small_tagger.features(waveform)])
        assert np.isfinite(scores.probs).all()


def test_strided_waveforms_are_as_good(small_tagger, sound):
    clip = sound(40_000)
    features = small_tagger.features(clip[::2])
    torch.testing.assert_close(features, small_tagger.features(clip[::2].copy()))


def test_bf16_gives_nearly_the_same(small_tagger, random_checkpoint, sound):
    name = small_tagger.spec.name
    weights = None if name == "yamnet" else random_checkpoint(name)
    fast = load_tagger(name, weights=weights, device="cpu", precision="bf16")
    clips = [sound(20_000 + 9_000 * seed, seed) for seed in range(4)]
    scores = fast.score([fast.features(clip) for clip in clips])
    exact = small_tagger.score([small_tagger.features(clip) for clip in clips])
    assert (fast.precision, small_tagger.precision) == ("bf16", "fp32")
    assert scores.probs.dtype == scores.embeddings.dtype == np.float32
    differences = np.abs(scores.probs - exact.probs)
    assert 0 < differences.max() < 0.2  # random weights are less forgiving than trained ones
    assert differences.mean() < 0.01


@pytest.mark.parametrize("name", SMALL)
def test_ones_own_classes(name, random_checkpoint, tmp_path, sound):
    table = tmp_path / "own.csv"
    table.write_text("mid,name\n/own/a,Ours\n/own/b,Theirs\n/own/c,Nobody's\n", encoding="utf-8")
    content = torch.load(random_checkpoint(name), weights_only=True)
    head = load_head(name)
    for key in (f"{head}.weight", f"{head}.bias"):
        content["model"][key] = content["model"][key][:3]
    own = tmp_path / "own.pth"
    torch.save(content, own)
    with pytest.raises(WeightsError, match=r"has 3 classes.*--labels"):
        load_tagger(name, weights=own, device="cpu")
    tagger = load_tagger(name, weights=own, labels=table, device="cpu")
    scores = tagger.score([tagger.features(sound(32_000))])
    assert scores.probs.shape == (1, 3)
    assert tagger.labels.names == ("Ours", "Theirs", "Nobody's")
    assert tagger.score([]).probs.shape == (0, 3)


def load_head(name):
    family = tagger_spec(name).family
    return {"yamnet": "classifier", "efficientat": "classifier.5", "panns": "fc_audioset"}[family]
