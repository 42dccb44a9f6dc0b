from __future__ import annotations

import warnings
from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from cca_tools.errors import DataError
from cca_tools.labels.agreement import agreement, quadratic_kappa
from cca_tools.labels.alpha import MISSING, ordinal_alpha
from cca_tools.labels.items import ORDINAL

LEVEL = {"h": "highly", "w": "weakly", "n": "not", "u": "unsure"}


def labels(**answers: str) -> pd.DataFrame:
    """One letter a class: highly, weakly, not, unsure, or a dot for none."""
    return pd.DataFrame(
        [
            (name, f"class {number}", LEVEL[letter])
            for name, letters in answers.items()
            for number, letter in enumerate(letters)
            if letter != "."
        ],
        columns=["annotator", "class_name", "level"],
    )


answers = st.tuples(st.integers(2, 12), st.integers(2, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(MISSING, 2))
)


@given(answers)
@settings(max_examples=150, deadline=None)
def test_alpha_is_that_of_the_package(values):
    ours = ordinal_alpha(values, 3, resamples=0)
    data = np.where(values == MISSING, np.nan, values).T
    pairable = values[(values != MISSING).sum(axis=1) > 1]
    if len(np.unique(pairable[pairable != MISSING])) < 2:
        assert np.isnan(ours.value)
        assert ours.why_undefined == (
            "no unit has two values" if pairable.size == 0 else "all values are equal"
        )
        return
    theirs = krippendorff.alpha(data, value_domain=[0.0, 1.0, 2.0], level_of_measurement="ordinal")
    assert ours.value == pytest.approx(theirs, abs=1e-12)
    assert ours.units == len(pairable)


def test_alpha_by_hand():
    """Four classes, two annotators.

    Pairs (n, n), (w, w), (h, h), (n, h): n_n = 3, n_w = 2, n_h = 3; the distances squared are
    n-w (3/2 + 1)^2 = 25/4, w-h 25/4, n-h (3/2 + 2 + 3/2)^2 = 25. Observed 2 * 25, expected
    2 * (6 * 25/4 + 6 * 25/4 + 9 * 25) / 7.
    """
    observed, expected = 2 * 25, 2 * (6 * 25 / 4 + 6 * 25 / 4 + 9 * 25) / 7
    values = np.array([[0, 0], [1, 1], [2, 2], [0, 2]])
    assert ordinal_alpha(values, 3).value == pytest.approx(1 - observed / expected, abs=1e-12)
    assert 1 - observed / expected == pytest.approx(5 / 12)


def test_the_interval_is_that_of_a_naive_bootstrap():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 40)
    often = np.where(rng.random(40) < 0.7, truth, rng.integers(0, 3, 40))
    values = np.column_stack([often, np.where(rng.random(40) < 0.8, truth, 1), truth])
    found = ordinal_alpha(values, 3, seed=3, resamples=400)
    draws = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), 400)
    naive = [
        krippendorff.alpha(
            np.repeat(values, draw, axis=0).T.astype(float),
            value_domain=[0.0, 1.0, 2.0],
            level_of_measurement="ordinal",
        )
        for draw in draws
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(naive, [2.5, 97.5])))
    assert found.low < found.value < found.high
    assert found.undefined_resamples == 0


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Two annotators who agree by chance alone: alpha is 0, and 95 % of intervals hold it."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        values = rng.integers(0, 3, (60, 2))
        found = ordinal_alpha(values, 3, seed=seed, resamples=300)
        held += found.low <= 0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


@given(arrays(np.int64, st.tuples(st.integers(1, 15), st.just(2)), elements=st.integers(0, 2)))
@settings(max_examples=150, deadline=None)
def test_kappa_is_that_of_scikit_learn(pairs):
    ours = quadratic_kappa(pairs[:, 0], pairs[:, 1], 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = cohen_kappa_score(pairs[:, 0], pairs[:, 1], labels=[0, 1, 2], weights="quadratic")
    if len(np.unique(pairs)) == 1:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_every_figure_by_hand():
    """Ada hhwwnu, Bob hwwn.h: five classes in common, of which one has an unsure answer.

    Ordered pairs: hh, hw, ww, wn: 2 of 4 are equal. Squared distances 0, 1, 0, 1.
    Ada's shares of h, w, n are 1/2, 1/2, 0, Bob's 1/4, 1/2, 1/4.
    """
    found = agreement(labels(Ada="hhwwnu", Bob="hwwn.h"), resamples=0)
    assert found.raw == 2 / 4
    by_chance = 1 / 2 * 1 / 2 + 1 / 2 * 1 / 4 * 4 + 1 / 2 * 1 / 4 + 1 / 2 * 1 / 4
    (row,) = found.kappas.to_dict("records")
    assert (row["annotator_a"], row["annotator_b"], row["common"]) == ("Ada", "Bob", 4)
    assert row["kappa"] == pytest.approx(1 - (2 / 4) / by_chance)
    assert (row["raw"], row["note"]) == (1 / 2, "")
    assert found.confusion.loc["highly"].tolist() == [1, 1, 0, 1]
    assert found.confusion.loc["weakly"].tolist() == [1, 1, 1, 0]
    assert found.confusion.loc["unsure"].tolist() == [1, 0, 0, 0]
    classes = found.by_class.set_index("class_name")
    assert classes["disagreement"].head(4).tolist() == [1 / 4, 1 / 4, 0, 0]
    assert list(classes.index) == [f"class {n}" for n in (1, 3, 0, 2, 5, 4)]
    assert classes.loc["class 5", ["annotators", "highly", "unsure"]].tolist() == [2, 1, 1]
    assert found.notes == ("1 of 11 answers are unsure, which has no place in the order",)


@given(answers)
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_naive_loop(values):
    frame = pd.DataFrame(
        [
            (f"annotator {person}", f"class {number}", ORDINAL[value])
            for number, row in enumerate(values)
            for person, value in enumerate(row)
            if value != MISSING
        ],
        columns=["annotator", "class_name", "level"],
    )
    found = agreement(frame, resamples=0)
    pairs = [
        (number, row[a], row[b])
        for number, row in enumerate(values)
        for a, b in combinations(range(len(row)), 2)
        if MISSING not in (row[a], row[b])
    ]
    if pairs:
        assert found.raw == pytest.approx(np.mean([a == b for _, a, b in pairs]))
    else:
        assert np.isnan(found.raw)
    for i, one in enumerate(ORDINAL):
        for j, other in enumerate(ORDINAL):
            met = sum((a, b) in {(i, j), (j, i)} for _, a, b in pairs)
            assert found.confusion.loc[one, other] == met
    for row in found.by_class.to_dict("records"):
        of_class = [(a - b) ** 2 / 4 for n, a, b in pairs if row["class_name"] == f"class {n}"]
        wanted = np.mean(of_class) if of_class else np.nan
        assert row["disagreement"] == pytest.approx(wanted, nan_ok=True)
    assert np.diff(found.by_class["disagreement"].dropna()).max(initial=0) <= 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nobody has labelled"),
        ({"Ada": "hwn"}, "only 'Ada' has labelled"),
        ({"Ada": "hhh", "Bob": "hhh"}, "all answers are equal"),
        ({"Ada": "hw..", "Bob": "..hw"}, "no class in common"),
        ({"Ada": "uu", "Bob": "hw"}, "no class in common"),
    ],
)
def test_what_is_not_defined_says_so(given, said):
    found = agreement(labels(**given))
    assert np.isnan([found.alpha, found.alpha_low, found.alpha_high]).all()
    assert found.kappas["kappa"].isna().all()
    assert any(said in note for note in found.notes)


def test_a_pair_with_nothing_in_common_says_so():
    found = agreement(labels(Ada="hw..", Bob="..hw", Cyd="hhww"))
    notes = {(row.annotator_a, row.annotator_b): row.note for row in found.kappas.itertuples()}
    assert notes["Ada", "Bob"] == "no class in common"
    assert notes["Ada", "Cyd"] == ""


def test_answers_with_hints_are_counted():
    frame = labels(Ada="hw", Bob="hn").assign(hints=[(), ("others",), (), ("suggestion",)])
    assert "2 of 4 answers were given with hints shown, not blind" in agreement(frame).notes


def test_two_levels_of_one_class_are_refused():
    twice = pd.concat([labels(Ada="h"), labels(Ada="w")])
    with pytest.raises(DataError, match="'Ada' gives 'class 0' two levels"):
        agreement(twice)
