from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score

from cca_tools.suggestions.evaluate import agreement

LEVELS = ["highly", "weakly", "not"]
pairs = st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), min_size=1)


@given(pairs)
def test_it_is_what_scikit_learn_says(answers: list[tuple[str, str]]) -> None:
    known = {f"c{n}": one for n, (one, _) in enumerate(answers)}
    suggested = {f"c{n}": other for n, (_, other) in enumerate(answers)}
    found = agreement(suggested, known)
    first, second = zip(*answers, strict=True)
    assert found.accuracy == pytest.approx(accuracy_score(first, second))
    if len(set(first) | set(second)) == 1:
        assert math.isnan(found.kappa)
    else:
        theirs = cohen_kappa_score(first, second, labels=LEVELS, weights="quadratic")
        assert found.kappa == pytest.approx(theirs)
    for one in LEVELS:
        for other in LEVELS:
            assert found.confusion.loc[one, other] == answers.count((one, other))


def test_a_hand_made_table() -> None:
    """Two of three right, one off by one; by chance the squares would add up to 9 / 3."""
    found = agreement({"a": "highly", "b": "weakly", "c": "weakly"},
                      {"a": "highly", "b": "weakly", "c": "not"})  # fmt: skip
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.kappa == pytest.approx(1 - 1 / (9 / 3))


def test_what_has_no_level_is_left_out() -> None:
    found = agreement({"a": "highly", "b": "not"}, {"a": "highly", "b": "unsure", "z": "not"})
    assert found.classes == 1
    assert agreement({"a": "highly"}, {}).classes == 0
    assert math.isnan(agreement({"a": "highly"}, {}).accuracy)


def test_the_interval_is_that_of_resampled_classes() -> None:
    known = {f"c{n}": LEVELS[n % 3] for n in range(60)}
    suggested = {
        name: level if n % 4 else "weakly" for n, (name, level) in enumerate(known.items())
    }
    found = agreement(suggested, known)
    right = np.array([suggested[name] == known[name] for name in known])
    rng = np.random.default_rng(1)
    means = rng.choice(right, (20_000, 60)).mean(axis=1)
    np.testing.assert_allclose(
        found.accuracy_interval, np.quantile(means, [0.025, 0.975]), atol=0.02
    )
    assert found.kappa_interval[0] < found.kappa < found.kappa_interval[1]
