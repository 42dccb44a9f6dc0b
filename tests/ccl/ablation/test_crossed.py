from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccl.ablation.crossed import crossed_difference

from .simulated import Truth, draw


def by_hand(d, n):
    """The variance of the mean by plain loops over groups and seeds."""
    groups, seeds, videos = len(n), d.shape[1], sum(n)
    mean = d.sum() / videos / seeds
    of_seed = [d[:, s].sum() / videos for s in range(seeds)]
    v_seeds = sum((one - mean) ** 2 for one in of_seed) / (seeds - 1) / seeds
    v_groups = v_cells = 0.0
    for g in range(groups):
        own = sum(d[g, s] - n[g] * mean for s in range(seeds))
        v_groups += own**2
        for s in range(seeds):
            rest = d[g, s] - n[g] * mean - own / seeds - n[g] * (of_seed[s] - mean)
            v_cells += rest**2
    v_groups *= groups / (groups - 1) / (videos * seeds) ** 2
    v_cells *= groups * seeds / (groups - 1) / (seeds - 1) / (videos * seeds) ** 2
    return mean, v_groups, v_seeds, v_cells


def test_it_is_what_loops_give():
    r = np.random.default_rng(0)
    n = r.integers(1, 6, 12)
    d = r.integers(-2, 3, (12, 4)) * 1.0 + n[:, None] * r.normal(0, 0.2, (1, 4))
    mean, groups, seeds, cells = by_hand(d, n)
    assert seeds > cells
    variance = groups + seeds - cells
    freedom = variance**2 / (groups**2 / 11 + seeds**2 / 3 + cells**2 / 33)
    p_value = 2 * stats.t.sf(abs(mean) / variance**0.5, freedom)
    half = stats.t.ppf(0.975, freedom) * variance**0.5
    found = crossed_difference(d, n.astype(float))
    assert found.difference == pytest.approx(mean)
    assert found.freedom == pytest.approx(freedom)
    assert found.p_value == pytest.approx(p_value)
    assert (found.low, found.high) == (pytest.approx(mean - half), pytest.approx(mean + half))


def test_with_groups_that_are_all_alike_it_is_the_paired_t_test_over_seeds():
    of_seed = np.array([3.0, 1.0, 2.0, 4.0, 2.0])
    d = np.tile(of_seed, (500, 1))
    found = crossed_difference(d, np.full(500, 10.0))
    known = stats.ttest_1samp(of_seed / 10, 0)
    assert found.freedom == pytest.approx(4)
    assert found.p_value == pytest.approx(known.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval()))


def test_with_seeds_that_are_all_alike_it_is_the_t_test_over_groups():
    of_group = np.random.default_rng(1).integers(-3, 5, 30).astype(float)
    found = crossed_difference(np.tile(of_group[:, None], (1, 4)), np.full(30, 5.0))
    known = stats.ttest_1samp(of_group / 5, 0)
    assert found.freedom == pytest.approx(29)
    assert found.p_value == pytest.approx(known.pvalue)


@pytest.mark.parametrize("shape", [(20, 1), (20, 2), (1, 5)])
def test_too_few_seeds_or_groups_leave_all_but_the_difference_undefined(shape):
    found = crossed_difference(np.ones(shape), np.full(shape[0], 2.0))
    assert found.difference == 0.5
    assert np.isnan(found[1:]).all()


def test_where_nothing_varies():
    same = crossed_difference(np.zeros((5, 3)), np.ones(5))
    assert (same.p_value, same.low, same.high) == (1, 0, 0)
    always = crossed_difference(np.ones((5, 3)), np.full(5, 2.0))
    assert (always.p_value, always.low, always.high) == (0, 0.5, 0.5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_sides_and_order_do_not_matter(seed):
    r = np.random.default_rng(seed)
    n = r.integers(1, 5, 8).astype(float)
    d = r.integers(-3, 4, (8, 3)).astype(float)
    found, back = crossed_difference(d, n), crossed_difference(-d, n)
    assert back.p_value == pytest.approx(found.p_value)
    assert (back.low, back.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    groups, seeds = r.permutation(8), r.permutation(3)
    assert crossed_difference(d[groups][:, seeds], n[groups]).p_value == pytest.approx(
        float(found.p_value)
    )


def test_the_interval_covers_the_truth_at_its_level():
    truth = Truth(run=0.2, run_class=0.3, taste=0.4, seeds=5)
    right, sizes = draw(truth, 1000, seed=2)
    found = crossed_difference(right[:, 1] - right[:, 0], sizes)
    covered = ((found.low <= 0) & (found.high >= 0)).mean()
    assert 0.93 < covered < 0.98
