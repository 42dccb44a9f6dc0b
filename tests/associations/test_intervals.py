from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cca_tools.associations.intervals import (
    certain_low,
    resampled_shares,
    share_interval,
    single_video_interval,
)
from cca_tools.associations.units import Units


def units_of(videos: np.ndarray, sizes: np.ndarray) -> Units:
    """Make units of a dense table (U, M)."""
    unit, code = np.nonzero(videos)
    return Units(np.asarray(sizes), unit, code, videos[unit, code])


SIZES = np.array([4, 7, 5, 4, 6, 1, 3, 5])
VIDEOS = np.array([[4, 0], [2, 1], [5, 0], [0, 0], [3, 6], [1, 0], [0, 2], [5, 1]])


@pytest.mark.parametrize("code", [0, 1])
def test_equals_the_bootstrap_of_scipy(code: int) -> None:
    low, high = share_interval(
        units_of(VIDEOS, SIZES), 2, resamples=40_000, rng=np.random.default_rng(0)
    )
    theirs = stats.bootstrap(
        (VIDEOS[:, code], SIZES),
        lambda videos, sizes, axis: videos.sum(axis) / sizes.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=40_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert low[code] == pytest.approx(theirs.low, abs=0.01)
    assert high[code] == pytest.approx(theirs.high, abs=0.01)


def test_equals_a_naive_loop_over_all_resamples() -> None:
    """With three units there are 27 resamples; many draws must come near their distribution."""
    sizes, videos = np.array([1, 2, 4]), np.array([[1], [0], [3]])
    everyone = [
        (videos[list(draw), 0].sum()) / sizes[list(draw)].sum() for draw in np.ndindex(3, 3, 3)
    ]
    shares = resampled_shares(units_of(videos, sizes), 1, 27_000, np.random.default_rng(0))[0]
    values, expected = np.unique(np.round(everyone, 6), return_counts=True)
    found = [(np.abs(shares - value) < 1e-5).sum() / 1000 for value in values]
    assert np.allclose(found, expected, rtol=0.15, atol=0.15)
    assert sum(found) == pytest.approx(27)


@given(st.integers(2, 60), st.data())
def test_the_shortcut_for_single_videos_has_the_quantiles_of_the_binomial(
    size: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, size))
    low, high = single_video_interval([number], [size])
    reached = np.array([stats.binom.cdf(k, size, number / size) for k in range(size + 1)])
    assert low[0] * size == pytest.approx(np.argmax(reached >= 0.025 - 1e-12))
    assert high[0] * size == pytest.approx(np.argmax(reached >= 0.975 - 1e-12))


def test_the_shortcut_agrees_with_drawing() -> None:
    size, numbers = 300, np.array([3, 100, 290])
    videos = (np.arange(size)[:, None] < numbers).astype(np.int64)
    units = units_of(videos, np.ones(size, dtype=np.int64))
    drawn = share_interval(units, 3, 20_000, np.random.default_rng(0))
    exact = single_video_interval(numbers, size)
    assert np.allclose(drawn, exact, atol=1.01 / size)


def test_covers_the_truth_where_ignoring_groups_does_not() -> None:
    """Groups of 5 videos that all sound alike: the interval must be wide enough for 40 groups."""
    rng = np.random.default_rng(3)
    truth, groups, repeats = 0.3, 40, 300
    alike = (rng.random((repeats, groups)) < truth).astype(np.int64) * 5
    inside = naive_inside = 0
    for videos in alike:
        low, high = share_interval(units_of(videos[:, None], np.full(groups, 5)), 1, 500, rng)
        inside += int(low[0] <= truth <= high[0])
        naive_low, naive_high = single_video_interval([videos.sum()], [groups * 5])
        naive_inside += int(naive_low[0] <= truth <= naive_high[0])
    assert 0.89 <= inside / repeats <= 0.98
    assert naive_inside / repeats < 0.75


def test_fewer_than_two_units_or_no_resamples_are_undefined() -> None:
    one = units_of(VIDEOS[:1], SIZES[:1])
    rng = np.random.default_rng(0)
    assert np.isnan(share_interval(one, 2, 100, rng)).all()
    assert np.isnan(share_interval(units_of(VIDEOS, SIZES), 2, 0, rng)).all()
    assert np.isnan(single_video_interval([1], [1])).all()


@given(st.integers(0, 2**32 - 1))
def test_properties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, rng.integers(2, 12))
    videos = rng.integers(0, sizes[:, None] + 1, (len(sizes), 3))
    videos[:, 2] = sizes  # an audio class that every video has
    units = units_of(videos, sizes)
    low, high = share_interval(units, 4, 50, np.random.default_rng(seed))
    assert (low <= high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert low[2] == high[2] == 1.0
    assert low[3] == high[3] == 0.0  # nobody has the fourth
    again = share_interval(units, 4, 50, np.random.default_rng(seed))
    assert np.array_equal((low, high), again)


def test_where_every_video_has_it_the_lower_end_is_clopper_and_pearsons() -> None:
    groups = [2, 3, 10, 1000]
    expected = [stats.beta.ppf(0.025, n, 1) for n in groups]  # x = n successes of n
    np.testing.assert_allclose(certain_low(groups), expected, rtol=1e-9)
