from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from statsmodels.miscmodels.ordinal_model import OrderedModel

from cca_tools.suggestions.ordinal import fit_ordinal


def draw(seed: int, num: int = 80):
    """Rows whose levels come from a proportional-odds model of known effects."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, -1.0]
    score = (rows - [0.0, 3.0, -1.0]) / [1.0, 5.0, 0.2] @ [1.5, -0.7, 0.0]
    score = score + rng.logistic(size=num)
    return rows, np.digitize(score, [-0.8, 0.9])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_penalty_it_is_the_model_of_statsmodels(seed: int) -> None:
    rows, levels = draw(seed)
    mine = fit_ordinal(rows, levels, 0.0)
    standardised = (rows - rows.mean(0)) / rows.std(0)
    theirs = OrderedModel(levels, standardised, distr="logit").fit(
        method="bfgs", disp=False, gtol=1e-8
    )
    np.testing.assert_allclose(mine.weights, theirs.params[:3], atol=2e-4)
    thresholds = theirs.model.transform_threshold_params(theirs.params[-2:])[1:-1]
    np.testing.assert_allclose(mine.thresholds, thresholds, atol=2e-4)
    np.testing.assert_allclose(mine.probs(rows), theirs.predict(), atol=2e-4)


def objective(parameters, rows, levels, penalty):
    """Minus the penalised log-likelihood, row by row, in effects and thresholds themselves."""
    weights, thresholds = parameters[:3], parameters[3:]
    total = penalty / 2 * float(weights @ weights)
    for row, level in zip(rows, levels, strict=True):
        ends = [-np.inf, *thresholds, np.inf]
        chance = [1 / (1 + np.exp(-(end - row @ weights))) for end in ends]
        total -= np.log(chance[level + 1] - chance[level])
    return total


@pytest.mark.parametrize("penalty", [0.3, 10.0])
def test_the_fit_is_where_the_penalised_likelihood_has_no_slope(penalty: float) -> None:
    rows, levels = draw(3)
    model = fit_ordinal(rows, levels, penalty)
    standardised = (rows - rows.mean(0)) / rows.std(0)
    best = np.concatenate([model.weights, model.thresholds])
    slope = approx_fprime(best, lambda p: objective(p, standardised, levels, penalty), 1e-6)
    np.testing.assert_allclose(slope, 0, atol=5e-3)


def test_a_larger_penalty_means_smaller_effects() -> None:
    rows, levels = draw(4)
    sizes = [np.linalg.norm(fit_ordinal(rows, levels, p).weights) for p in (0.0, 1.0, 10.0, 1e4)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.05


def test_a_row_of_weight_two_is_two_rows() -> None:
    rows, levels = draw(5, 40)
    counts = np.where(np.arange(40) % 3 == 0, 2.0, 1.0)
    weighted = fit_ordinal(rows, levels, 1.0, counts)
    repeated = fit_ordinal(
        np.repeat(rows, counts.astype(int), axis=0), np.repeat(levels, counts.astype(int)), 1.0
    )
    np.testing.assert_allclose(weighted.probs(rows), repeated.probs(rows), atol=1e-4)


def test_separable_rows_and_a_feature_that_never_varies_are_no_trouble() -> None:
    rows = np.stack([np.arange(9.0), np.ones(9)], axis=1)
    model = fit_ordinal(rows, np.repeat([0, 1, 2], 3), 1.0)
    probs = model.probs(rows)
    assert np.isfinite(probs).all()
    assert probs.argmax(axis=1).tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert model.weights[1] == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_the_features_do_not_matter(seed: int, factor: float, offset: float) -> None:
    rows, levels = draw(seed % 50, 45)
    levels[:3] = [0, 1, 2]
    first = fit_ordinal(rows, levels, 1.0).probs(rows)
    other = rows * factor + offset
    second = fit_ordinal(other, levels, 1.0).probs(other)
    np.testing.assert_allclose(first.sum(axis=1), 1)
    assert (first >= 0).all()
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_contributions_add_up_to_the_log_odds() -> None:
    rows, levels = draw(6)
    model = fit_ordinal(rows, levels, 1.0)
    odds_low = model.thresholds[0] - model.contributions(rows).sum(axis=1)
    np.testing.assert_allclose(model.probs(rows)[:, 0], 1 / (1 + np.exp(-odds_low)))
