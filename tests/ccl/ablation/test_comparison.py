from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy import stats

from cca_tools.errors import UsageError
from ccl.ablation.comparison import Settings, add_holm, compare_methods, compare_seeds
from ccl.ablation.outcomes import read_outcomes

from .simulated import predictions

CLASSES = np.repeat(["a", "b", "c"], 8)
GROUPS = np.repeat([f"g{n}" for n in range(12)], 2)


def outcomes(runs):
    return read_outcomes(
        {run: predictions(np.array(right, bool), CLASSES, GROUPS) for run, right in runs.items()}
    )


def random_runs(seed=0, methods=("baseline", "crd", "ccl"), seeds=(0, 1, 2)):
    r = np.random.default_rng(seed)
    return {(m, s): r.random(24) < 0.4 + 0.1 * n for n, m in enumerate(methods) for s in seeds}


def test_means_and_deviations_are_those_over_seeds():
    right = {("baseline", s): [True] * n + [False] * (24 - n) for s, n in enumerate((6, 12, 18))}
    row = compare_methods(outcomes(right), Settings()).iloc[0]
    assert row["accuracy"] == Fraction(1, 2)
    assert row["accuracy_sd"] == pytest.approx(0.25)  # of 1/4, 1/2, 3/4
    assert (row["seeds"], row["classes"], row["videos"], row["groups"]) == (3, 3, 24, 12)
    assert math.isnan(row["difference"])


def test_the_interval_holds_seeds_of_a_recording_together():
    """All seeds right on the same recordings: three seeds tell no more than one."""
    right = np.random.default_rng(1).random(12).repeat(2) < 0.5
    one = compare_methods(outcomes({("ccl", 0): right}), Settings()).iloc[0]
    three = compare_methods(outcomes({("ccl", s): right for s in range(3)}), Settings()).iloc[0]
    ends = ["accuracy", "accuracy_low", "accuracy_high"]
    assert np.allclose(one[ends].astype(float), three[ends].astype(float))
    assert one["accuracy_low"] < one["accuracy"] < one["accuracy_high"]


def test_the_difference_is_over_the_seeds_that_both_have():
    runs = random_runs(2)
    del runs["baseline", 1]
    runs["baseline", 7] = np.ones(24, bool)
    table = compare_methods(outcomes(runs), Settings()).set_index("method")
    expected = np.mean([runs["ccl", s].mean() - runs["baseline", s].mean() for s in (0, 2)])
    assert table.loc["ccl", "difference"] == pytest.approx(expected)
    assert table.loc["ccl", "paired_seeds"] == 2
    assert table.loc["ccl", "accuracy"] == pytest.approx(
        np.mean([runs["ccl", s].mean() for s in (0, 1, 2)])
    )
    assert math.isnan(table.loc["ccl", "p_method"])  # two seeds


def test_no_number_depends_on_which_other_methods_are_there():
    runs = random_runs(3)
    full = compare_methods(outcomes(runs), Settings()).set_index("method")
    fewer = {run: right for run, right in runs.items() if run[0] != "crd"}
    part = compare_methods(outcomes(fewer), Settings()).set_index("method")
    pd.testing.assert_frame_equal(part, full.loc[["baseline", "ccl"]])


def test_baseline_stands_first_and_is_compared_with_nothing():
    runs = random_runs(4, methods=("ccl", "baseline"))
    table = compare_methods(outcomes(runs), Settings())
    assert table["method"].tolist() == ["baseline", "ccl"]
    assert table.loc[0, ["difference", "p_runs", "p_method"]].isna().all()
    assert table.loc[1, ["difference", "p_runs", "p_method"]].notna().all()


def test_mcnemar_is_the_binomial_test_of_the_videos_that_differ():
    runs = random_runs(5, seeds=(0, 1))
    table = compare_seeds(outcomes(runs))
    assert table["method"].tolist() == ["baseline"] * 2 + ["crd"] * 2 + ["ccl"] * 2
    for row in table.itertuples():
        if row.method == "baseline":
            assert math.isnan(row.p_mcnemar)
            continue
        mine, base = runs[row.method, row.seed], runs["baseline", row.seed]
        b = sum(x and not y for x, y in zip(mine, base, strict=True))
        c = sum(y and not x for x, y in zip(mine, base, strict=True))
        assert (row.only_method, row.only_baseline) == (b, c)
        assert row.p_mcnemar == pytest.approx(stats.binomtest(b, b + c).pvalue)
        assert row.accuracy == pytest.approx(mine.mean())


def test_two_networks_of_the_same_answers_do_not_differ():
    same = np.arange(24) % 2 == 0
    table = compare_seeds(outcomes({("baseline", 0): same, ("ccl", 0): same}))
    assert table.iloc[1]["p_mcnemar"] == 1


@examples(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_step_down_of_the_paper(values):
    rows = pd.DataFrame({"p_runs": np.array(values, dtype=float), "p_method": np.nan})
    known = sorted((p, n) for n, p in enumerate(values) if p is not None)
    expected, reached = {}, 0.0
    for place, (p, n) in enumerate(known):
        reached = max(reached, min(1.0, (len(known) - place) * p))
        expected[n] = reached
    found = add_holm(rows)
    for n, value in enumerate(found["p_runs_holm"]):
        assert value == pytest.approx(expected[n]) if n in expected else math.isnan(value)
    assert found["p_method_holm"].isna().all()


@pytest.mark.parametrize("wrong", [{"resamples": -1}, {"permutations": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match="must be at least"):
        Settings(**wrong)
