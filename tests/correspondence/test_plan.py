from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from cca_tools.correspondence.digits import load_scans
from cca_tools.correspondence.plan import (
    CLASS_DIGITS,
    CLUTTER_DIGITS,
    SHARING,
    SOUNDTRACKS,
    Plan,
    make_plan,
)
from cca_tools.errors import DataError, UsageError

from .bank import made_up

TRAIN, TEST = 40, 20


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(3, {"train": TRAIN, "test": TEST}, made_up())


def test_every_class_has_its_videos(plan: Plan) -> None:
    counts = Counter((clip.class_name, clip.scene.split) for clip in plan.clips)
    assert len(counts) == 2 * len(CLASS_DIGITS) * len(SOUNDTRACKS)
    assert {count for (_, split), count in counts.items() if split == "train"} == {TRAIN}
    assert {count for (_, split), count in counts.items() if split == "test"} == {TEST}
    assert len({clip.path for clip in plan.clips}) == len(plan.clips)


def test_the_soundtracks_share_their_scenes(plan: Plan) -> None:
    """The strata differ in the sound alone."""
    for clips in plan.by_scene():
        assert [clip.soundtrack for clip in clips] == list(SOUNDTRACKS)
        assert len({clip.scene for clip in clips}) == 1


def test_writers_scans_and_sources_are_kept_apart(plan: Plan) -> None:
    scans = load_scans()
    for what in (
        lambda clip: {clip.scene.form},
        lambda clip: {clip.scene.scan},
        lambda clip: {int(scans.forms[scan]) for scan in clip.scene.clutter},
        lambda clip: {clip.recording.source},
        lambda clip: {clip.group},
    ):
        sides = [
            set().union(*(what(clip) for clip in plan.clips if clip.scene.split == split))
            for split in ("train", "test")
        ]
        assert sides[0]
        assert not sides[0] & sides[1]


def test_scenes_show_what_they_say(plan: Plan) -> None:
    scans = load_scans()
    for clips in plan.by_scene():
        scene = clips[0].scene
        assert scans.digits[scene.scan] == scene.digit
        assert scans.forms[scene.scan] == scene.form
        assert set(scans.digits[list(scene.clutter)]) <= set(CLUTTER_DIGITS)


def test_the_sounds_make_the_levels_true(plan: Plan) -> None:
    heard: dict[str, set[str]] = {}
    for clip in plan.clips:
        heard.setdefault(clip.class_name, set()).add(clip.recording.kind)
    own = [heard[f"digit{digit}_own"] for digit in CLASS_DIGITS]
    shared = [heard[f"digit{digit}_shared"] for digit in CLASS_DIGITS]
    assert all(len(kinds) == 1 for kinds in (*own, *shared))
    assert len(set().union(*own)) == len(CLASS_DIGITS)
    assert sorted(Counter(kind for (kind,) in shared).values()) == sorted(SHARING)
    assert not set().union(*own) & set().union(*shared)
    for digit in CLASS_DIGITS:
        assert len(heard[f"digit{digit}_any"]) >= 8
    for name, kinds in heard.items():
        assert kinds <= set(plan.kinds[name])


def test_any_sound_is_independent_of_the_digit() -> None:
    plan = make_plan(1, {"train": 300, "test": 1}, made_up())
    counts = np.zeros((len(CLASS_DIGITS), 10))
    for clip in plan.clips:
        if clip.soundtrack == "any" and clip.scene.split == "train":
            kind = int(clip.recording.kind.removeprefix("k"))
            counts[CLASS_DIGITS.index(clip.scene.digit), kind] += 1
    assert counts.sum() == 300 * len(CLASS_DIGITS)
    assert chi2_contingency(counts).pvalue > 0.001


def test_recordings_of_a_class_are_used_equally_often(plan: Plan) -> None:
    names = Counter(
        clip.recording.name
        for clip in plan.clips
        if clip.class_name == "digit3_own" and clip.scene.split == "train"
    )
    assert max(names.values()) - min(names.values()) <= 1


def test_the_seed_decides() -> None:
    size = {"train": 5, "test": 5}
    assert make_plan(0, size, made_up()) == make_plan(0, size, made_up())
    assert make_plan(0, size, made_up()) != make_plan(1, size, made_up())


def test_nine_kinds_are_too_few() -> None:
    with pytest.raises(DataError, match="9 kinds"):
        make_plan(0, {"train": 5, "test": 5}, made_up(kinds=9))


@pytest.mark.parametrize(("seed", "train"), [(-1, 5), (0, 0)])
def test_numbers_out_of_range(seed: int, train: int) -> None:
    with pytest.raises(UsageError, match="makes no dataset"):
        make_plan(seed, {"train": train, "test": 5}, made_up())
