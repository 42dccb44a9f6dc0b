from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cca_tools.errors import UsageError
from cca_tools.labels.adjudication import final_levels
from cca_tools.labels.dawid_skene import MISSING, dawid_skene
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

from .test_agreement import labels


def naive_dawid_skene(answers, num_levels, num_answers, smoothing, steps):
    """The two steps of the paper as loops over every class, person and answer."""
    classes, people = answers.shape
    truth = np.full((classes, num_levels), 1 / num_levels)
    for n in range(classes):
        votes = [sum(answer == level for answer in answers[n]) for level in range(num_levels)]
        if sum(votes):
            truth[n] = [vote / sum(votes) for vote in votes]
    for _ in range(steps):
        prior = (truth.sum(axis=0) + smoothing) / (classes + smoothing * num_levels)
        errs = np.full((people, num_levels, num_answers), smoothing)
        for n in range(classes):
            for person in range(people):
                if answers[n, person] != MISSING:
                    errs[person, :, answers[n, person]] += truth[n]
        errs /= errs.sum(axis=2, keepdims=True)
        for n in range(classes):
            truth[n] = prior
            for person in range(people):
                if answers[n, person] != MISSING:
                    truth[n] *= errs[person, :, answers[n, person]]
            truth[n] /= truth[n].sum()
    return truth


@given(
    arrays(
        np.int64,
        st.tuples(st.integers(1, 12), st.integers(1, 5)),
        elements=st.integers(MISSING, 3),
    ),
    st.integers(1, 8),
)
@settings(max_examples=80, deadline=None)
def test_the_model_is_that_of_naive_loops(answers, steps):
    ours = dawid_skene(answers, 3, 4, smoothing=0.1, max_steps=steps)
    if not ours.converged:
        expected = naive_dawid_skene(answers, 3, 4, 0.1, steps)
        np.testing.assert_allclose(ours.probabilities, expected, atol=1e-9)
    np.testing.assert_allclose(ours.probabilities.sum(axis=1), 1)


def simulated(seed: int):
    """Three good annotators and two who mostly say the level below; the truth is known."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, 300)
    answers = np.empty((300, 5), dtype=np.int64)
    for person in range(5):
        right = rng.random(300) < 0.8
        wrong = (truth + 1) % 3 if person > 2 else rng.integers(0, 3, 300)
        answers[:, person] = np.where(right & (person < 3), truth, wrong)
    return truth, answers


def test_the_model_sees_through_annotators_who_err_in_their_own_way():
    """The two who are always off by one tell the truth once it is known how they err."""
    truth, answers = simulated(1)
    found = dawid_skene(answers, 3, 3)
    by_vote = np.array([np.bincount(row, minlength=3).argmax() for row in answers])
    assert found.converged
    assert (found.probabilities.argmax(axis=1) == truth).mean() > 0.99
    assert (by_vote == truth).mean() < 0.95
    assert found.confusions[3, 0].argmax() == 1
    np.testing.assert_allclose(found.priors, np.bincount(truth) / 300, atol=0.02)


def test_the_likelihood_never_falls():
    _, answers = simulated(2)
    runs = [dawid_skene(answers, 3, 3, smoothing=0, max_steps=n) for n in range(1, 15)]
    assert np.diff([run.log_likelihood for run in runs]).min() >= -1e-8


def test_the_majority_decides_and_a_tie_does_not():
    found = final_levels(labels(Ada="hhhu", Bob="hwnu", Cyd="whn.")).set_index("class_name")
    assert found["level"].tolist() == ["highly", "highly", "not", "unsure"]
    assert found["votes"].tolist() == [
        "2 highly, 1 weakly", "2 highly, 1 weakly", "1 highly, 2 not", "2 unsure",
    ]  # fmt: skip
    assert found["disputed"].tolist() == [True, True, True, False]
    assert found.loc["class 0", ["p_highly", "p_weakly", "p_not"]].tolist() == [2 / 3, 1 / 3, 0]
    assert np.isnan(found.loc["class 3", "p_highly"])
    tie = final_levels(labels(Ada="h", Bob="n")).iloc[0]
    assert (tie["level"], tie["source"]) == ("unsure", "tie")


def test_the_model_decides_with_probabilities():
    found = final_levels(labels(Ada="hhnnww", Bob="hhnnww", Cyd="hhnnwh"), "dawid-skene")
    assert found["level"].tolist() == ["highly", "highly", "not", "not", "weakly", "weakly"]
    probabilities = found[["p_highly", "p_weakly", "p_not"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert set(found["source"]) == {"dawid-skene"}
    assert found["disputed"].tolist() == [False] * 5 + [True]


def test_the_model_does_not_decide_what_it_cannot_tell():
    """Nobody gave class 2 an ordered level; the two who tie on class 3 are alike elsewhere."""
    found = final_levels(labels(Ada="hnuh", Bob="hn.n"), "dawid-skene").set_index("class_name")
    assert found["level"].tolist() == ["highly", "not", "unsure", "unsure"]
    assert found.loc["class 3", ["p_highly", "p_not"]].tolist() == pytest.approx(
        [0.5, 0.5], abs=0.01
    )


def test_a_decision_stands_above_the_votes(tmp_path):
    with LabelStore.open(Workspace(tmp_path)) as store:
        dog, cat = Item("class", "Dog"), Item("class", "Cat")
        store.add([NewLabel(name, dog, level) for name, level in (("A", "highly"), ("B", "not"))])
        store.add([NewLabel("A", cat, "weakly")])
        store.adjudicate(
            [NewLabel("Eve", dog, "weakly"), NewLabel("Eve", Item("class", "Owl"), "not")]
        )
        by_vote = final_levels(store).set_index("class_name")
        decided = final_levels(store, "adjudicated").set_index("class_name")
    assert by_vote["level"].to_dict() == {"Cat": "weakly", "Dog": "unsure"}
    assert decided["level"].to_dict() == {"Cat": "weakly", "Dog": "weakly", "Owl": "not"}
    assert decided["source"].tolist() == ["majority", "adjudicated by Eve", "adjudicated by Eve"]
    assert decided["votes"].tolist() == ["1 weakly", "1 highly, 1 not", ""]
    assert decided["disputed"].tolist() == [False, True, False]


@pytest.mark.parametrize("rule", ["majority", "dawid-skene", "adjudicated"])
def test_without_answers_there_are_no_levels(rule, tmp_path):
    assert final_levels(pd.DataFrame(columns=["annotator", "class_name", "level"]), rule).empty
    with LabelStore.open(Workspace(tmp_path)) as store:
        found = final_levels(store, rule)
    assert list(found.columns) == [
        "class_name", "level", "p_highly", "p_weakly", "p_not", "votes", "disputed", "source",
    ]  # fmt: skip
    assert found.empty


def test_an_unknown_rule_lists_the_known():
    with pytest.raises(UsageError, match="majority, dawid-skene, adjudicated"):
        final_levels(labels(Ada="h"), "loudest")
