from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cca_tools.reference.ucf51 import ucf51_levels
from cca_tools.suggestions.evaluate import agreement
from cca_tools.suggestions.features import FAMILIES, FEATURES, columns_of
from cca_tools.suggestions.model import Suggester, fit, fit_columns
from cca_tools.suggestions.text import load_encoder
from cca_tools.suggestions.training import ORDER, Training, joined, published_training


@pytest.fixture(scope="session")
def published() -> Training:
    return published_training(load_encoder())


def made_up(num: int, seed: int, *, own: bool, turned: bool = False) -> Training:
    """Classes whose level goes with the features; turned: the other way round."""
    rng = np.random.default_rng(seed)
    levels = np.arange(num) % 3
    centre = (2 - levels if turned else levels)[:, None] - 1.0
    values = centre * 1.5 + rng.normal(size=(num, 4))
    names = np.array([f"{'own' if own else 'pub'}{place:03}" for place in range(num)])
    frame = pd.DataFrame(values, index=names, columns=list(FEATURES))
    return Training(names, frame, levels, np.full(num, own))


def left_out(training: Training, features: pd.DataFrame):
    probs = Suggester(training).probs(features)
    suggested = dict(zip(training.names, np.array(ORDER)[probs.argmax(axis=1)], strict=True))
    return agreement(suggested, ucf51_levels())


def test_leave_one_class_out_on_the_published_labels(published: Training) -> None:
    found = left_out(published, published.features)
    assert found.classes == 51
    assert found.accuracy >= 0.70
    assert found.kappa >= 0.78
    assert found.confusion.loc["highly", "not"] == found.confusion.loc["not", "highly"] == 0


def test_without_meaning_it_does_worse(published: Training) -> None:
    without = published.features.copy()
    without[list(FAMILIES["meaning"])] = np.nan
    assert left_out(published, without).kappa < 0.7


def test_a_class_own_label_and_features_are_not_in_its_model() -> None:
    training = made_up(18, 0, own=False)
    first = Suggester(training).probs(training.features)
    for place in (0, 7):
        levels = training.levels.copy()
        levels[place] = (levels[place] + 1) % 3
        values = training.features.copy()
        changed = Suggester(replace(training, levels=levels, features=values))
        row = training.features.iloc[[place]]
        np.testing.assert_array_equal(changed.probs(row)[0], first[place])
        other = (place + 1) % 18
        assert not np.array_equal(changed.probs(training.features)[other], first[other])


def test_many_labelled_classes_are_left_out_in_folds() -> None:
    training = made_up(90, 1, own=False)
    suggester = Suggester(training)
    first = suggester.probs(training.features)
    assert len(suggester._models) == 10
    levels = training.levels.copy()
    levels[41] = (levels[41] + 1) % 3
    changed = Suggester(replace(training, levels=levels)).probs(training.features.iloc[[41]])
    np.testing.assert_array_equal(changed[0], first[41])


def test_each_subset_of_families_has_its_model() -> None:
    training = made_up(30, 2, own=False)
    rows = made_up(3, 3, own=True).features
    rows.iloc[0, :2] = np.nan
    rows.iloc[1] = np.nan
    suggester = Suggester(training)
    probs = suggester.probs(rows)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    models = [suggester.model_for(str(name), row) for name, row in rows.iterrows()]
    assert models[0].families == ("distinctiveness", "audio")
    assert models[1].families == ()
    assert models[2].families == tuple(FAMILIES)
    np.testing.assert_allclose(probs[1], 1 / 3)
    row = rows.iloc[2]
    parts = models[2].contributions(row)
    assert models[2].model is not None
    total = models[2].model.contributions(row.to_numpy()).sum()
    assert sum(parts.values()) == pytest.approx(total)


def test_penalty_and_weight_are_those_of_the_least_held_out_loss() -> None:
    rows = made_up(30, 4, own=False)
    model, choice = fit_columns(rows, FEATURES)
    assert choice.published_weight == 1.0
    assert 0 < choice.loss < 30 * np.log(3)
    assert np.isfinite(model.weights).all()
    again = fit(rows, tuple(FAMILIES))
    assert again.choice == choice


def test_own_labels_that_say_otherwise_are_believed() -> None:
    """The user's levels go against the published ones: the latter lose their weight."""
    training = joined(made_up(30, 5, own=False), made_up(45, 6, own=True, turned=True))
    _, choice = fit_columns(training, FEATURES)
    assert choice.published_weight == 0.0
    alone = fit_columns(made_up(45, 6, own=True, turned=True), columns_of(tuple(FAMILIES)))[0]
    both = fit_columns(training, FEATURES)[0]
    np.testing.assert_allclose(both.weights, alone.weights, atol=0.2)


def test_published_labels_stay_while_own_ones_are_few() -> None:
    training = joined(made_up(30, 7, own=False), made_up(10, 8, own=True, turned=True))
    assert fit_columns(training, FEATURES)[1].published_weight > 0
