"""Real recordings: does a tagger hear what people say is there?"""

import av
import numpy as np
import pytest
import soxr

from cca_tools.taggers.labels import audioset_labels, yamnet_labels
from cca_tools.taggers.registry import load_tagger

from .esc10 import AUDIOSET_NAMES


def top_names(tagger, waveforms, count=10):
    """Score clips and return, for each, the names of its best classes, best first."""
    scores = tagger.score([tagger.features(waveform) for waveform in waveforms])
    order = np.argsort(-scores.probs, axis=1, kind="stable")[:, :count]
    return [[tagger.labels.names[position] for position in row] for row in order]


def test_the_mapping_names_real_classes(shared):
    folders = {path.name for path in (shared / "data" / "esc10").iterdir() if path.is_dir()}
    assert set(AUDIOSET_NAMES) == folders
    for names in AUDIOSET_NAMES.values():
        assert set(names) <= set(audioset_labels().names)
        assert set(names) <= set(yamnet_labels().names)


@pytest.fixture(scope="module")
def esc10(shared, decode):
    """(class, sound at 32 kHz) of all 240 recordings, decoded once."""
    files = sorted((shared / "data" / "esc10").glob("*/*.ogg"))
    assert len(files) == 240
    return [(file.parent.name, decode(file, 32_000)) for file in files]


@pytest.mark.parametrize(("name", "share"), [("mn04", 0.92), ("yamnet", 0.87)])
def test_esc10(esc10, name, share, request):
    tagger = request.getfixturevalue(name)
    rate = tagger.spec.sample_rate
    waveforms = [soxr.resample(sound, 32_000, rate, quality="HQ") for _, sound in esc10]
    hits = [
        bool(set(AUDIOSET_NAMES[klass]) & set(names))
        for (klass, _), names in zip(esc10, top_names(tagger, waveforms), strict=True)
    ]
    assert np.mean(hits) >= share


@pytest.mark.parametrize("name", ["mn04", "yamnet"])
def test_bf16_keeps_the_best_classes(esc10, name, request, shared):
    exact = request.getfixturevalue(name)
    weights = shared / "models" / "mn04_as_mAP_432.pt" if name == "mn04" else None
    fast = load_tagger(exact.spec.name, weights=weights, device="cpu", precision="bf16")
    rate = exact.spec.sample_rate
    waveforms = [soxr.resample(sound, 32_000, rate, quality="HQ") for _, sound in esc10[::6]]
    pairs = zip(top_names(exact, waveforms), top_names(fast, waveforms), strict=True)
    assert np.mean([len(set(one) & set(other)) / 10 for one, other in pairs]) >= 0.95


LABELLED = {
    "3qesirWAGt4_20000_30000.mp4": {"Dog"},
    "3qesirWAGt4_20000_30000_16khz.mp4": {"Dog"},
    "dog_barking.mp4": {"Dog"},
    "MnEZwnRuQR8_000030.mp4": {"Explosion", "Gunshot, gunfire"},
    "nLKEdmVu3FY_000040.mp4": {"Orchestra"},
}


@pytest.mark.parametrize("file", LABELLED)
def test_labelled_clips(shared, decode, mn04, file):
    waveform = decode(shared / "data" / "clips" / "labelled" / file, 32_000)
    (names,) = top_names(mn04, [waveform])
    assert LABELLED[file] & set(names), names


def test_clips_without_sound_have_no_audio_stream(shared):
    for file in ("birthday.mp4", "silence_girl.mp4"):
        with av.open(str(shared / "data" / "clips" / "labelled" / file)) as container:
            assert not container.streams.audio
