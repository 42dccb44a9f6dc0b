"""Do the tests reject at their level, and find what they say they can find?

Each case draws 500 whole ablations: two methods, 280 test videos in 70 recordings of ten classes,
easy and hard classes, recordings and videos, and seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from ccl.ablation.crossed import crossed_difference
from ccl.ablation.resampling import permutation_p

from .simulated import Truth, draw

STUDIES = 500
# a rejection in 5 % of 500: 95 % of such counts lie between 16 and 35, 99.9 % between 10 and 42
MOST = 42 / STUDIES


def p_runs(right, sizes):
    del sizes
    total = (right[:, 1] - right[:, 0]).sum(-1).T  # (G, studies)
    return permutation_p(total, 999, np.random.default_rng(1))


def p_method(right, sizes):
    return crossed_difference(right[:, 1] - right[:, 0], sizes).p_value


def rejected(p_value, truth, seed=0):
    return float((p_value(*draw(truth, STUDIES, seed)) < 0.05).mean())


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize("taste", [0.0, 0.5])
def test_swapping_groups_holds_its_level_for_networks_of_equal_skill(seeds, taste):
    assert 10 / STUDIES < rejected(p_runs, Truth(seeds=seeds, taste=taste)) < MOST


@pytest.mark.parametrize(
    ("run", "run_class", "taste"),
    [(0, 0, 0), (0, 0, 0.5), (0.1, 0.3, 0), (0.1, 0.3, 0.5), (0.3, 0.5, 0), (0.3, 0.5, 0.5)],
)
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_crossed_test_holds_its_level_though_each_network_has_its_own_luck(
    seeds, run, run_class, taste
):
    truth = Truth(run=run, run_class=run_class, taste=taste, seeds=seeds)
    assert rejected(p_method, truth) < MOST


@pytest.mark.parametrize("seeds", [3, 5])
def test_swapping_groups_alone_would_take_luck_for_skill(seeds):
    """Why the table has two kinds of p: of these networks, and of the method."""
    truth = Truth(run=0.3, run_class=0.5, seeds=seeds)
    assert rejected(p_runs, truth) > 0.25
    assert rejected(p_method, truth) < MOST


def planted(right, sizes, gain, seed=4):
    """Turn each wrong answer of the method right with the chance that lifts accuracy by gain."""
    wrong = (sizes[:, None] - right[:, 1]).astype(int)
    answers = len(right) * sizes.sum() * right.shape[-1]
    turned = np.random.default_rng(seed).binomial(wrong, gain * answers / wrong.sum())
    return np.stack([right[:, 0], right[:, 1] + turned], axis=1)


@pytest.mark.parametrize("truth", [Truth(seeds=1), Truth(seeds=3), Truth(seeds=5, taste=0.5)])
def test_swapping_groups_finds_a_gain_of_two_point_eight_errors_in_eight_of_ten(truth):
    """Of a normal statistic: 1.96 for the level and 0.84 for the power."""
    right, sizes = draw(truth, STUDIES, seed=3)
    gained = right
    for _ in range(2):  # what is planted varies too
        mean = (gained[:, 1] - gained[:, 0]).sum((-1, -2)) / (sizes.sum() * truth.seeds)
        gained = planted(right, sizes, 2.8 * mean.std())
    assert 0.72 < (p_runs(gained, sizes) < 0.05).mean() < 0.88


@pytest.mark.parametrize(
    "truth",
    [
        Truth(seeds=5, taste=0.5),
        Truth(seeds=5, run=0.1, run_class=0.3),
        Truth(seeds=5, run=0.3, run_class=0.5),
        Truth(seeds=10, run=0.3, run_class=0.5),
    ],
)
def test_the_crossed_test_finds_what_the_table_calls_detectable_in_eight_of_ten(truth):
    right, sizes = draw(truth, STUDIES, seed=3)
    least = crossed_difference(right[:, 1] - right[:, 0], sizes).detectable.mean()
    assert least < 0.16
    power = (p_method(planted(right, sizes, least), sizes) < 0.05).mean()
    assert 0.72 < power < 0.88
