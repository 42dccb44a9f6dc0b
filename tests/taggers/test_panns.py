import hashlib

import numpy as np
import pytest
import torch
from torch.nn import functional

from cca_tools.taggers.panns_models import import_published_models
from cca_tools.taggers.registry import tagger_spec

# names and shapes of all tensors of the original classes at commit d2f4b8c, and, where the paper
# states it, the number of parameters (without the frozen front end)
PUBLISHED = {
    "panns-cnn14": ("bd3a5de33cb434b9", 80_753_615),
    "panns-cnn14-emb512": ("4d4e1a93bcad3262", None),
    "panns-cnn10": ("4f7f76ad0f346f33", 5_219_279),
    "panns-cnn6": ("57840d6186930233", 4_837_455),
    "panns-mobilenetv1": ("63f9c8e7687e1bf1", 4_796_303),
    "panns-mobilenetv2": ("25ce580cc66b047b", 4_075_343),
}
# stride of each depthwise-separable block; expansion, channels, repeats, stride of each stage
V1_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
V2_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 2), (6, 160, 3, 1), (6, 320, 1, 1),
)  # fmt: skip


FROZEN = ("spectrogram_extractor", "logmel_extractor")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_fit(name, random_checkpoint):
    digest, parameters = PUBLISHED[name]
    state = torch.load(random_checkpoint(name), weights_only=True, mmap=True)["model"]
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest().startswith(digest)
    trained = sum(
        value.numel()
        for key, value in state.items()
        if not key.startswith(FROZEN) and not key.endswith(STATISTICS)
    )
    assert trained == tagger_spec(name).parameters
    assert parameters in (None, trained)


@pytest.fixture(scope="module")
def published_cnn14():
    return import_published_models().Cnn14(32_000, 1024, 320, 64, 50, 14_000, 527).eval()


@pytest.mark.parametrize("name", ["panns-cnn14", "panns-cnn14-emb512"])
def test_as_panns_inference_from_a_published_file(
    name, published_cnn14, random_checkpoint, random_tagger, sound
):
    clips = [sound(64_017, seed=1), sound(10_240, seed=2)]
    if name == "panns-cnn14-emb512":  # the same class but for the width of its dense layers
        published_cnn14.fc1 = torch.nn.Linear(2048, 512)
        published_cnn14.fc_audioset = torch.nn.Linear(512, 527)
    state = torch.load(random_checkpoint(name), weights_only=True)["model"]
    published_cnn14.load_state_dict(state)
    tagger = random_tagger(name)
    scores = tagger.score([tagger.features(clip) for clip in clips])
    assert np.ptp(scores.probs, axis=0).max() > 0.01  # the clips are told apart
    for clip, probs, embedding in zip(clips, scores.probs, scores.embeddings, strict=True):
        with torch.no_grad():
            expected = published_cnn14(torch.from_numpy(clip)[None])
        np.testing.assert_allclose(probs, expected["clipwise_output"][0], atol=1e-4)
        scale = expected["embedding"].abs().max()
        np.testing.assert_allclose(embedding, expected["embedding"][0], atol=1e-4 * scale)


@pytest.mark.parametrize(
    "name", ["panns-cnn10", "panns-cnn6", "panns-mobilenetv1", "panns-mobilenetv2"]
)
def test_the_others_against_naive_ones_in_float64(name, random_checkpoint, random_tagger, sound):
    clips = [sound(64_017, seed=1), sound(10_240, seed=2)]
    tagger = random_tagger(name)
    state = torch.load(random_checkpoint(name), weights_only=True)["model"]
    state = {key: tensor.double() for key, tensor in state.items()}
    scores = tagger.score([tagger.features(clip) for clip in clips])
    assert np.ptp(scores.probs, axis=0).max() > 0.01  # the clips are told apart
    for clip, probs, embedding in zip(clips, scores.probs, scores.embeddings, strict=True):
        expected_probs, expected_embedding = naive_panns(name, state, clip)
        np.testing.assert_allclose(probs, expected_probs, atol=1e-4)
        scale = expected_embedding.abs().max()
        np.testing.assert_allclose(embedding, expected_embedding, atol=1e-4 * scale)


def naive_panns(name, state, clip):
    """A PANNs network written from its paper, from waveform to probabilities and embedding."""
    wave = torch.from_numpy(clip).double()[None, None]
    padded = functional.pad(wave, (512, 512), mode="reflect")
    stft = "spectrogram_extractor.stft"
    real = functional.conv1d(padded, state[f"{stft}.conv_real.weight"], stride=320)
    imaginary = functional.conv1d(padded, state[f"{stft}.conv_imag.weight"], stride=320)
    mel = (real**2 + imaginary**2).transpose(1, 2) @ state["logmel_extractor.melW"]
    x = 10 * torch.log10(torch.clamp(mel, min=1e-10))  # (1, frames, mels)
    x = norm(state, "bn0", x.transpose(1, 2)[..., None])[..., 0].transpose(1, 2)[:, None]
    x = {"panns-cnn10": naive_cnn, "panns-cnn6": naive_cnn, "panns-mobilenetv1": naive_v1}.get(
        name, naive_v2
    )(state, x)
    over_time = x.mean(dim=3)
    x = over_time.max(dim=2).values + over_time.mean(dim=2)
    embedding = torch.relu(x @ state["fc1.weight"].T + state["fc1.bias"])
    logits = embedding @ state["fc_audioset.weight"].T + state["fc_audioset.bias"]
    return torch.sigmoid(logits)[0], embedding[0]


def norm(state, name, x):
    gain = state[f"{name}.weight"] / torch.sqrt(state[f"{name}.running_var"] + 1e-5)
    shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * gain
    return x * gain[:, None, None] + shift[:, None, None]


def convolve(state, name, x, groups=1):
    kernel = state[f"{name}.weight"]
    return functional.conv2d(x, kernel, padding=kernel.shape[-1] // 2, groups=groups)


def naive_cnn(state, x):
    for block in range(1, 5):
        for number in (1, 2):
            name = f"conv_block{block}"
            if f"{name}.conv{number}.weight" in state:
                x = convolve(state, f"{name}.conv{number}", x)
                x = torch.relu(norm(state, f"{name}.bn{number}", x))
        x = functional.avg_pool2d(x, 2)
    return x


def naive_v1(state, x):
    x = functional.avg_pool2d(convolve(state, "features.0.0", x), 2)
    x = torch.relu(norm(state, "features.0.2", x))
    for number, stride in enumerate(V1_STRIDES, start=1):
        name = f"features.{number}"
        x = functional.avg_pool2d(convolve(state, f"{name}.0", x, groups=x.shape[1]), stride)
        x = torch.relu(norm(state, f"{name}.2", x))
        x = torch.relu(norm(state, f"{name}.5", convolve(state, f"{name}.4", x)))
    return x


def naive_v2(state, x):
    def relu6(y):
        return torch.clamp(y, 0, 6)

    x = functional.avg_pool2d(convolve(state, "features.0.0", x), 2)
    x = relu6(norm(state, "features.0.2", x))
    number = 0
    for expansion, channels, repeats, first_stride in V2_STAGES:
        for repeat in range(repeats):
            number += 1
            name, step, before = f"features.{number}.conv", 0, x
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                x = relu6(norm(state, f"{name}.1", convolve(state, f"{name}.0", x)))
                step = 3
            x = convolve(state, f"{name}.{step}", x, groups=x.shape[1])
            x = relu6(norm(state, f"{name}.{step + 2}", functional.avg_pool2d(x, stride)))
            x = norm(state, f"{name}.{step + 5}", convolve(state, f"{name}.{step + 4}", x))
            if stride == 1 and before.shape[1] == channels:
                x = x + before
    return relu6(norm(state, "features.18.1", convolve(state, "features.18.0", x)))


def test_importing_leaves_the_home_folder_alone(run_python, tmp_path):
    run_python(
        "import os, subprocess\n"
        "def refuse(*args): raise AssertionError(f'shelled out: {args}')\n"
        "os.system = refuse\n"
        "from pathlib import Path\n"
        "from cca_tools.taggers.panns_models import import_published_models\n"
        "assert import_published_models().Cnn14\n"
        "import panns_inference\n"
        "from cca_tools.taggers.labels import audioset_labels\n"
        "assert tuple(panns_inference.labels) == audioset_labels().names\n"
        "assert tuple(panns_inference.config.ids) == audioset_labels().mids\n"
        "assert panns_inference.config.classes_num == 527\n"
        "assert not (Path.home() / 'panns_data').exists()\n"
        "assert list(Path.home().iterdir()) == [], list(Path.home().iterdir())\n",
        MPLCONFIGDIR=str(tmp_path / "matplotlib"),
    )


def test_nothing_imports_panns_inference_before_it_is_needed(run_python):
    run_python(
        "import sys\n"
        "import cca_tools.taggers.registry, cca_tools.taggers.yamnet, cca_tools.cli.main\n"
        "from cca_tools.taggers import load_tagger\n"
        "load_tagger('yamnet', device='cpu')\n"
        "assert not [name for name in sys.modules if name.startswith('panns_inference')]\n"
    )
