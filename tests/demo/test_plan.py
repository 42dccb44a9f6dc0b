from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from cca_tools.demo.classes import CLASSES, FREE_POOL, SOUNDS, WEAK_POOL
from cca_tools.demo.plan import MIN_CLIPS, plan_clips
from cca_tools.taggers.labels import audioset_labels, yamnet_labels

HIGHLY, WEAKLY, NOT = (
    [name for name, demo in CLASSES.items() if demo.level == level]
    for level in ("highly", "weakly", "not")
)


def test_a_third_of_the_classes_is_of_each_level():
    assert len(CLASSES) >= 12
    assert len(HIGHLY) == len(WEAKLY) == len(NOT)


def test_every_intended_class_is_in_both_label_spaces():
    for sound in SOUNDS.values():
        assert sound.tags
        assert set(sound.tags) <= set(audioset_labels().names) & set(yamnet_labels().names)


def test_the_highly_correlated_classes_share_no_intended_class():
    tags = [tag for name in HIGHLY for tag in SOUNDS[CLASSES[name].sound].tags]
    assert len(tags) == len(set(tags))


def test_the_default_has_180_videos_and_four_flaws():
    clips = plan_clips(0, 12)
    assert Counter(clip.class_name for clip in clips) == dict.fromkeys(CLASSES, 12)
    assert Counter(clip.split for clip in clips) == {"train": 120, "test": 60}
    assert Counter(clip.flaw for clip in clips) == {"": 176, "silent": 2, "no_audio_stream": 2}
    flawed = {clip.class_name for clip in clips if clip.flaw}
    assert {CLASSES[name].level for name in flawed} == {"weakly", "not"}


@given(st.integers(0, 2**32), st.integers(MIN_CLIPS, 31))
@settings(max_examples=25)
def test_groups_have_two_or_three_clips_one_sound_and_one_split(seed, videos):
    clips = plan_clips(seed, videos)
    assert len({clip.path for clip in clips}) == len(clips) == videos * len(CLASSES)
    assert len({clip.clip_seed for clip in clips}) == len(clips)
    groups = {}
    for clip in clips:
        groups.setdefault(clip.group, []).append(clip)
    for members in groups.values():
        assert len(members) in (2, 3)
        for name in ("class_name", "split", "sound", "recording_seed"):
            assert len({getattr(clip, name) for clip in members}) == 1
    assert len({clips[0].recording_seed for clips in groups.values()}) == len(groups)
    for name in CLASSES:
        assert {clip.split for clip in clips if clip.class_name == name} == {"train", "test"}


def sounds_of_recordings(name, clips):
    return [
        clip.sound for clip in clips if clip.class_name == name and clip.path.endswith("c01.mp4")
    ]


@pytest.mark.parametrize("name", WEAKLY)
def test_two_thirds_of_the_recordings_have_the_typical_sound(name):
    sounds = sounds_of_recordings(name, plan_clips(3, 24))
    assert sounds.count(CLASSES[name].sound) == 8
    assert len(sounds) == 12
    assert set(sounds) <= set(WEAK_POOL)


@pytest.mark.parametrize("name", HIGHLY)
def test_highly_correlated_classes_have_their_own_sound_alone(name):
    assert set(sounds_of_recordings(name, plan_clips(3, 24))) == {CLASSES[name].sound}
    assert CLASSES[name].sound not in WEAK_POOL + FREE_POOL


def test_the_sounds_of_the_others_do_not_depend_on_the_class():
    counts = np.zeros((len(NOT), len(FREE_POOL)))
    for seed in range(60):
        clips = plan_clips(seed, 12)
        for row, name in enumerate(NOT):
            for sound in sounds_of_recordings(name, clips):
                counts[row, FREE_POOL.index(sound)] += 1
    assert counts.sum() == 60 * len(NOT) * 6
    assert chi2_contingency(counts).pvalue > 0.001
    assert counts.sum(axis=0).min() > 0.8 * counts.sum() / len(FREE_POOL)
    assert not set(FREE_POOL) & set(WEAK_POOL)
