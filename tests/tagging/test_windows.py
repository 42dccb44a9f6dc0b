"""Windows: whole up to 30 s, else 10 s each, whatever pieces the sound comes in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.tagging.windows import Windower

RATE = 4  # samples a second, so that a window is 40 samples and a whole clip at most 120


def cut_up(samples, sizes):
    """The windows of ``samples`` given in pieces of these sizes; what remains comes last."""
    windower = Windower(RATE)
    windows, start = [], 0
    for size in sizes:
        windows += windower.add(samples[start : start + size], is_last=False)
        start += size
    return windows + windower.add(samples[start:], is_last=True)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, []), (1, [1]), (119, [119]), (120, [120]), (121, [40, 40, 41]), (123, [40, 40, 43]),
     (124, [40, 40, 40, 4]), (160, [40] * 4), (161, [40, 40, 40, 41])],
)  # fmt: skip
def test_lengths(length, expected):
    samples = np.arange(length, dtype=np.float32)
    assert [len(window) for window in cut_up(samples, [])] == expected


@given(
    length=st.integers(0, 600),
    sizes=st.lists(st.integers(0, 200), max_size=6),
)
def test_pieces_do_not_matter(length, sizes):
    samples = np.arange(length, dtype=np.float32)
    whole = cut_up(samples, [])
    pieces = cut_up(samples, sizes)
    assert [window.tolist() for window in pieces] == [window.tolist() for window in whole]
    assert np.array_equal(np.concatenate([*pieces, samples[:0]]), samples)


def test_what_is_held_back_is_little_more_than_a_window():
    """Else hours of sound would gather in memory."""
    windower = Windower(RATE)
    for _ in range(20):
        windower.add(np.zeros(333, np.float32), is_last=False)
        assert sum(map(len, windower._rest)) < 44
    assert all(part.base is None for part in windower._rest)  # no view that keeps its piece alive
