from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm

from ccl.evaluation.intervals import (
    group_sums,
    means_with_intervals,
    percentile_interval,
    resampled_means,
)

value = st.sampled_from([0.0, 0.25, 1.0, float("nan")])
videos = st.lists(st.tuples(value, value, st.sampled_from("abcd")), min_size=1, max_size=12)


@given(videos)
def test_sums_and_means_are_those_of_a_loop(rows):
    values, groups = np.array([row[:2] for row in rows]), [row[2] for row in rows]
    sums, numbers = group_sums(values, groups)
    means = means_with_intervals(values, groups, 0, np.random.default_rng(0))
    for i in (0, 1):
        known = [row[i] for row in rows if row[i] == row[i]]
        assert means.videos[i] == len(known)
        assert means.groups[i] == len({row[2] for row in rows if row[i] == row[i]})
        assert np.isnan(means.low[i])
        assert np.isnan(means.high[i])
        if known:
            assert means.value[i] == pytest.approx(sum(known) / len(known))
        else:
            assert np.isnan(means.value[i])
        for g, name in enumerate(sorted(set(groups))):
            own = [row[i] for row in rows if row[2] == name and row[i] == row[i]]
            assert (sums[g, i], numbers[g, i]) == (sum(own), len(own))


def test_resamples_are_drawn_as_the_definition_says():
    """Three groups have 27 equally likely resamples; every mean comes as often as it must."""
    sums, numbers = np.array([[0.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]])
    exact = [
        sums[list(draw)].sum() / numbers[list(draw)].sum() for draw in product(range(3), repeat=3)
    ]
    drawn = resampled_means(sums, numbers, 20_000, np.random.default_rng(0)).ravel()
    for one in set(np.round(exact, 9)):
        expected = np.isclose(exact, one).mean()
        assert np.isclose(drawn, one).mean() == pytest.approx(expected, abs=0.012)


def test_it_is_scipys_bootstrap_where_each_video_is_a_group():
    values = np.random.default_rng(1).random(80)
    means = means_with_intervals(values[:, None], np.arange(80), 4000, np.random.default_rng(2))
    theirs = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(3)
    ).confidence_interval
    assert means.low[0] == pytest.approx(theirs.low, abs=0.005)
    assert means.high[0] == pytest.approx(theirs.high, abs=0.005)


def test_clips_of_one_recording_do_not_count_as_many():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(40), 10)
    values = rng.integers(2, size=40).astype(float)[groups][:, None]
    by_group = means_with_intervals(values, groups, 1000, rng)
    by_video = means_with_intervals(values, np.arange(400), 1000, rng)
    widths = [(x.high - x.low)[0] for x in (by_group, by_video)]
    assert widths[0] / widths[1] == pytest.approx(10**0.5, rel=0.15)


def test_it_covers_the_truth_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(300):
        chance = norm.cdf(rng.standard_normal(60))  # of each group, 1/2 on the mean
        groups = np.repeat(np.arange(60), 4)
        values = (rng.random(240) < chance[groups]).astype(float)[:, None]
        means = means_with_intervals(values, groups, 300, rng)
        hits += bool(means.low[0] <= 0.5 <= means.high[0])
    assert 0.90 <= hits / 300 <= 0.98


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 0.025**0.2, 1.0), (0.0, 0.0, None)])
def test_without_variation_the_far_end_is_clopper_and_pearsons(value, low, high):
    means = means_with_intervals(np.full((10, 1), value), np.repeat(range(5), 2), 50, _rng())
    assert means.low[0] == pytest.approx(low)
    assert means.high[0] == pytest.approx(1 - 0.025**0.2 if high is None else high)


def test_one_group_tells_nothing_of_variation():
    means = means_with_intervals(np.array([[0.0], [1.0]]), ["a", "a"], 50, _rng())
    assert means.value[0] == 0.5
    assert np.isnan([means.low[0], means.high[0]]).all()


def test_a_weight_counts_as_so_many_copies():
    rng = np.random.default_rng(8)
    values, groups, weights = rng.random((30, 2)), rng.integers(8, size=30), rng.integers(1, 4, 30)
    weighted = means_with_intervals(values, groups, 200, _rng(), weights.astype(float))
    copies = np.repeat(np.arange(30), weights)
    plain = means_with_intervals(values[copies], groups[copies], 200, _rng())
    for a, b in zip(weighted[:3], plain[:3], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert weighted.videos.tolist() == [30, 30]


def test_the_order_of_videos_does_not_matter():
    rng = np.random.default_rng(6)
    values, groups = rng.random((50, 3)), rng.integers(9, size=50)
    order = rng.permutation(50)
    first = means_with_intervals(values, groups, 100, _rng())
    second = means_with_intervals(values[order], groups[order], 100, _rng())
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_the_interval_is_numpys_quantiles():
    means = np.random.default_rng(7).random((200, 4))
    low, high = percentile_interval(means)
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975], axis=0))
    assert np.isnan(percentile_interval(np.zeros((0, 2)))).all()


def _rng():
    return np.random.default_rng(0)
