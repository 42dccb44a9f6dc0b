from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccl.ablation.resampling import group_bootstrap, permutation_p


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_bootstrap_of_single_videos_has_the_binomials_quantiles():
    right = np.repeat([1.0, 0.0], [30, 20])[:, None]
    low, high = group_bootstrap(right, np.ones(50), 20_000, rng())
    expected = stats.binom.ppf([0.025, 0.975], 50, 0.6) / 50
    assert np.allclose([low[0], high[0]], expected, atol=0.0201)  # one video


def test_a_bootstrap_is_that_of_a_naive_loop_over_the_same_draws():
    r = rng(1)
    sums, sizes = r.integers(0, 5, (6, 2)).astype(float), np.full(6, 5.0)
    low, high = group_bootstrap(sums, sizes, 400, rng(2))
    again, means = rng(2), []
    for _ in range(400):
        times = again.multinomial(6, [1 / 6] * 6)
        chosen = [g for g in range(6) for _ in range(times[g])]
        means.append([sum(sums[g, k] for g in chosen) / sum(sizes[g] for g in chosen)
                      for k in range(2)])  # fmt: skip
    expected = np.quantile(means, [0.025, 0.975], axis=0)
    assert np.allclose([low, high], expected, rtol=1e-12)


def test_videos_that_come_in_groups_tell_less_than_as_many_alone():
    r = rng(3)
    alone = np.repeat(r.random(40) < 0.5, 10).astype(float)  # 40 recordings, ten videos each alike
    low1, high1 = group_bootstrap(alone[:, None], np.ones(400), 2000, rng())
    low, high = group_bootstrap(
        alone.reshape(40, 10).sum(1)[:, None], np.full(40, 10.0), 2000, rng()
    )
    assert 2.5 < (high[0] - low[0]) / (high1[0] - low1[0]) < 4  # the square root of ten


def test_the_interval_covers_the_truth_at_its_level():
    """1,000 studies of 60 recordings with an accuracy of their own each."""
    r, covered = rng(4), 0
    for _ in range(1000):
        sums = r.binomial(5, r.beta(3, 2, 60)).astype(float)[:, None]
        low, high = group_bootstrap(sums, np.full(60, 5.0), 300, r)
        covered += bool(low[0] <= 0.6 <= high[0])
    assert 0.92 < covered / 1000 < 0.97


@pytest.mark.parametrize(("groups", "resamples"), [(1, 100), (5, 0)])
def test_an_interval_without_anything_to_resample_is_undefined(groups, resamples):
    ends = group_bootstrap(np.ones((groups, 3)), np.ones(groups), resamples, rng())
    assert np.isnan(ends).all()
    assert np.shape(ends) == (2, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_few_groups_are_swapped_in_every_way(values):
    patterns = itertools.product([1, -1], repeat=len(values))
    sums = [abs(sum(s * v for s, v in zip(signs, values, strict=True))) for signs in patterns]
    expected = sum(one >= abs(sum(values)) for one in sums) / len(sums)
    found = permutation_p(np.array(values, float)[:, None], 10, rng())[0]
    assert found == pytest.approx(expected)


def test_many_groups_agree_with_scipy():
    values = rng(5).integers(-3, 5, 40).astype(float)
    known = stats.permutation_test(
        (values, np.zeros(40)), lambda a, b, axis: (a - b).sum(axis), permutation_type="samples",
        vectorized=True, n_resamples=20_000, rng=rng(6),
    )  # fmt: skip
    found = permutation_p(values[:, None], 20_000, rng(7))[0]
    assert found == pytest.approx(known.pvalue, abs=4 * np.sqrt(known.pvalue / 20_000))


def test_columns_share_the_swaps_and_do_not_mix():
    values = rng(8).choice([-2.0, -1.0, 1.0, 3.0], (30, 3))
    together = permutation_p(values, 500, rng(9))
    assert together[1] == permutation_p(values[:, [1]], 500, rng(9))[0]


def test_a_gain_that_no_swap_reaches_is_not_impossible():
    assert permutation_p(np.ones((60, 1)), 999, rng())[0] == pytest.approx(1 / 1000)


def test_nothing_that_differs_is_no_evidence():
    assert permutation_p(np.zeros((60, 1)), 999, rng())[0] == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=20, max_size=30), st.integers(0, 99))
def test_methods_may_change_sides(values, seed):
    column = np.array(values, float)[:, None]
    assert permutation_p(column, 200, rng(seed)) == permutation_p(-column, 200, rng(seed))
