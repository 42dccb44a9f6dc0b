"""Groups held out of the training videos: whole, of every class that can give one."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ccl.data.validation import hold_out_groups

VIDEOS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 12).map(str)), min_size=1, max_size=80
)


@settings(deadline=None)
@given(videos=VIDEOS, fraction=st.floats(0, 0.9), seed=st.integers(0, 5))
def test_every_class_keeps_a_group(videos, fraction, seed):
    """Also where groups hold videos of several classes."""
    class_names, groups = zip(*videos, strict=True)
    held = hold_out_groups(class_names, groups, fraction, seed)
    assert held <= set(groups)
    left = {name for name, group in videos if group not in held}
    assert left == set(class_names)


@settings(deadline=None)
@given(videos=VIDEOS, seed=st.integers(0, 5))
def test_classes_of_three_groups_of_their_own_give_one(videos, seed):
    own = [(name, f"{name}/{group}") for name, group in videos]
    class_names, groups = zip(*own, strict=True)
    held = hold_out_groups(class_names, groups, 0.1, seed)
    for name in set(class_names):
        of_class = {group for one, group in own if one == name}
        if len(of_class) > 2:
            assert of_class & held


def test_about_the_share_of_each_class_is_held():
    """As in UCF101: 18 groups of 4 to 7 videos a class."""
    rng = np.random.default_rng(0)
    videos = [
        (f"c{name}", f"c{name}/g{group}")
        for name in range(51)
        for group in range(18)
        for _ in range(int(rng.integers(4, 8)))
    ]
    class_names, groups = zip(*videos, strict=True)
    for fraction in (0.1, 0.25, 0.5):
        held = hold_out_groups(class_names, groups, fraction, seed=1)
        total = Counter(class_names)
        out = Counter(name for name, group in videos if group in held)
        shares = [out[name] / total[name] for name in total]
        assert abs(np.mean(shares) - fraction) < 0.015
        assert max(abs(share - fraction) for share in shares) < 0.05


def test_nothing_is_held_at_zero_and_by_classes_of_one_group():
    assert hold_out_groups("aabb", "1234", 0.0, 0) == set()
    assert hold_out_groups("aabb", "1122", 0.4, 0) == set()


def test_the_seed_chooses():
    class_names, groups = "a" * 40, [str(i) for i in range(40)]
    chosen = [hold_out_groups(class_names, groups, 0.2, seed) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 8
