"""Batches and windows, by what they must hold for any data."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccl.data.sampling import (
    balanced_epoch,
    even_windows,
    random_window,
    share_of_rank,
    shuffled_epoch,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@given(num=st.integers(1, 200), size=st.integers(1, 40), seed=st.integers(0, 9))
def test_shuffled_epochs_have_each_video_once(num, size, seed):
    batches = shuffled_epoch(num, size, rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(num))
    lengths = [len(batch) for batch in batches]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
    assert len(batches) == -(-num // size)


@settings(deadline=None)
@given(
    targets=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    size=st.integers(1, 24),
    per_class=st.integers(1, 5),
)
def test_balanced_batches_are_full_and_have_no_video_twice(targets, size, per_class):
    targets = np.array(targets)
    batches = balanced_epoch(targets, size, per_class, rng())
    assert len(batches) == -(-len(targets) // size)
    for batch in batches:
        assert len(set(batch.tolist())) == len(batch) == min(size, len(targets))


def test_balanced_batches_have_so_many_of_each_class():
    targets = np.repeat(np.arange(10), 20)
    for batch in balanced_epoch(targets, 12, 3, rng()):
        assert sorted(Counter(targets[batch].tolist()).values()) == [3, 3, 3, 3]


def test_every_class_comes_equally_often_however_rare():
    targets = np.array([0] * 60 + [1] * 6 + [2] * 6)
    batches = balanced_epoch(targets, 6, 2, rng())
    drawn = Counter(targets[np.concatenate(batches)].tolist())
    assert drawn == {0: 24, 1: 24, 2: 24}


def test_the_videos_of_a_class_take_turns():
    """None is drawn a third time before each was drawn twice."""
    targets = np.repeat(np.arange(4), 6)
    batches = balanced_epoch(targets, 8, 2, rng())
    drawn = Counter(np.concatenate(batches).tolist())
    assert set(drawn.values()) == {1}


def test_few_classes_fill_a_batch():
    targets = np.repeat(np.arange(3), 20)
    for batch in balanced_epoch(targets, 16, 2, rng()):
        assert sorted(Counter(targets[batch].tolist()).values()) == [4, 6, 6]


def test_epochs_are_functions_of_the_generator():
    targets = np.repeat(np.arange(5), 7)
    for one, two in zip(
        balanced_epoch(targets, 8, 2, rng(3)), balanced_epoch(targets, 8, 2, rng(3)), strict=True
    ):
        assert one.tolist() == two.tolist()
    other = balanced_epoch(targets, 8, 2, rng(4))
    assert other[0].tolist() != balanced_epoch(targets, 8, 2, rng(3))[0].tolist()


@given(size=st.integers(0, 50), world=st.integers(1, 8))
def test_shares_of_ranks_are_the_batch(size, world):
    shares = [share_of_rank(np.arange(size), rank, world) for rank in range(world)]
    assert np.concatenate(shares).tolist() == list(range(size))
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


@given(
    num=st.integers(1, 60),
    length=st.integers(1, 20),
    stride=st.integers(1, 4),
    seed=st.integers(0, 50),
)
def test_windows_are_evenly_spaced_and_within(num, length, stride, seed):
    window = random_window(num, length, stride, rng(seed))
    assert window.shape == (length,)
    assert ((window >= 0) & (window < num)).all()
    assert (np.diff(window) % num == stride % num).all()
    if num >= 1 + (length - 1) * stride:  # long enough: nothing is looped
        assert (np.diff(window) == stride).all()
    else:
        assert window[0] == 0


def test_every_start_is_equally_likely():
    starts = Counter(int(random_window(12, 8, 1, rng(seed))[0]) for seed in range(5000))
    assert set(starts) == {0, 1, 2, 3, 4}
    # 1000 each; five standard deviations of a binomial are 141
    assert all(abs(count - 1000) < 142 for count in starts.values())


@given(num=st.integers(1, 60), length=st.integers(1, 20), count=st.integers(1, 6))
def test_even_windows_reach_from_end_to_end(num, length, count):
    windows = even_windows(num, length, 1, count)
    assert windows.shape == (count, length)
    assert ((windows >= 0) & (windows < num)).all()
    if count > 1 and num >= length:
        assert windows[0, 0] == 0
        assert windows[-1, -1] == num - 1
        assert (np.diff(windows[:, 0]) >= 0).all()


@pytest.mark.parametrize(("num", "start"), [(16, 0), (17, 0), (18, 1), (100, 42)])
def test_one_window_is_the_middle(num, start):
    assert even_windows(num, 16, 1, 1).tolist() == [list(range(start, start + 16))]
