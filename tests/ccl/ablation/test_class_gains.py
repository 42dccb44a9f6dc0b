from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy import stats

from ccl.ablation.class_gains import gains_by_class, rank_correlation
from ccl.ablation.comparison import Settings
from ccl.ablation.outcomes import read_outcomes

from .simulated import predictions

CLASSES = np.repeat(["a", "b"], [10, 20])
GROUPS = np.array([f"g{n // 5}" for n in range(30)])


def outcomes(runs):
    return read_outcomes({run: predictions(right, CLASSES, GROUPS) for run, right in runs.items()})


def test_gains_are_those_of_each_class_over_shared_seeds():
    r = np.random.default_rng(0)
    runs = {(m, s): r.random(30) < 0.5 for m in ("baseline", "ccl") for s in (0, 1)}
    runs["ccl", 2] = np.ones(30, bool)  # the baseline lacks this seed
    table = gains_by_class(outcomes(runs), Settings()).set_index("class_name")
    for name, rows in (("a", slice(0, 10)), ("b", slice(10, 30))):
        gains = [runs["ccl", s][rows].mean() - runs["baseline", s][rows].mean() for s in (0, 1)]
        row = table.loc[name]
        assert row["gain"] == pytest.approx(np.mean(gains))
        assert row["gain_sd"] == pytest.approx(np.std(gains, ddof=1))
        assert row["gain"] == pytest.approx(row["accuracy"] - row["baseline"])
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
        assert row["seeds"] == 2
    assert table["groups"].tolist() == [2, 4]
    assert table["videos"].tolist() == [10, 20]


def test_the_gains_of_classes_weigh_up_to_the_gain_of_all():
    r = np.random.default_rng(1)
    runs = {(m, 0): r.random(30) < 0.5 for m in ("baseline", "ccl")}
    table = gains_by_class(outcomes(runs), Settings())
    whole = runs["ccl", 0].mean() - runs["baseline", 0].mean()
    assert np.average(table["gain"], weights=table["videos"]) == pytest.approx(whole)


def test_without_a_baseline_there_are_no_gains():
    assert gains_by_class(outcomes({("ccl", 0): np.ones(30, bool)}), Settings()).empty


def test_a_class_of_one_recording_has_no_interval():
    names, groups = np.array(["a", "a"]), np.array(["g", "g"])
    right = {"baseline": np.array([True, False]), "ccl": np.array([True, True])}
    one = read_outcomes({(m, 0): predictions(right[m], names, groups) for m in right})
    row = gains_by_class(one, Settings()).iloc[0]
    assert row["gain"] == 0.5
    assert math.isnan(row["gain_low"])


@examples(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), min_size=4, max_size=6))
def test_the_correlation_is_spearmans_and_its_p_tries_every_pairing(pairs):
    x, y = (np.array(side, float) for side in zip(*pairs, strict=True))
    found = rank_correlation(x, y, seed=0)
    assert found["classes"] == len(x)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert math.isnan(found["rho"])
        assert math.isnan(found["p_value"])
        return
    known = stats.spearmanr(x, y).statistic
    assert found["rho"] == pytest.approx(known)
    every = [stats.spearmanr(p, y).statistic for p in itertools.permutations(x)]
    above = np.mean([one >= known - 1e-9 for one in every])
    below = np.mean([one <= known + 1e-9 for one in every])
    assert found["p_value"] == pytest.approx(min(1, 2 * min(above, below)))


def test_the_p_of_many_classes_is_near_that_of_the_t_distribution():
    r = np.random.default_rng(2)
    x = r.random(40)
    y = x + r.normal(0, 0.8, 40)
    known = stats.spearmanr(x, y)
    found = rank_correlation(x, y, seed=1)
    assert found["p_value"] == pytest.approx(known.pvalue, abs=0.01)
    assert found["rho_low"] < found["rho"] < found["rho_high"]


def test_the_interval_covers_the_truth_at_its_level():
    """Normal pairs of correlation 0.5, whose rank correlation is 6 / pi * arcsin(0.25)."""
    r, truth, covered = np.random.default_rng(3), 6 / np.pi * np.arcsin(0.25), 0
    from ccl.ablation.class_gains import _fisher_interval

    for _ in range(2000):
        x, z = r.normal(size=(2, 30))
        rho = stats.spearmanr(x, 0.5 * x + np.sqrt(0.75) * z).statistic
        low, high = _fisher_interval(float(rho), 30)
        covered += low <= truth <= high
    assert 0.93 < covered / 2000 < 0.97


@pytest.mark.parametrize("classes", [0, 1, 3])
def test_few_classes_tell_nothing(classes):
    found = rank_correlation(np.arange(classes) * 1.0, np.arange(classes) * 1.0, seed=0)
    assert found["classes"] == classes
    assert math.isnan(found["rho"])


def test_classes_without_evidence_do_not_count():
    found = rank_correlation(np.array([1, 2, 3, 4, np.nan]), np.array([1.0, 2, 3, 4, -9]), seed=0)
    assert (found["classes"], found["rho"]) == (4, pytest.approx(1))
    assert found["p_value"] == pytest.approx(2 / 24)
    assert (found["rho_low"], found["rho_high"]) == (1, 1)
