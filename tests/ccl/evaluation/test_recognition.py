from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, top_k_accuracy_score

from ccl.evaluation.recognition import confusion, topk_hits

small = st.integers(-3, 3).map(float)  # so that ties are frequent


@st.composite
def scored(draw, elements=small):
    rows, classes = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    scores = draw(arrays(np.float64, (rows, classes), elements=elements))
    targets = draw(arrays(np.int64, rows, elements=st.integers(0, classes - 1)))
    return scores, targets, draw(st.integers(1, 7))


def hit_by_all_orders(row, target, k):
    """Share of all orders of the classes in which a stable sort puts the own one among k."""
    orders = list(permutations(range(len(row))))
    found = sum(target in sorted(order, key=lambda c: -row[c])[:k] for order in orders)
    return Fraction(found, len(orders))


@given(scored())
def test_it_is_the_share_of_all_orders_of_the_classes(case):
    scores, targets, k = case
    expected = [hit_by_all_orders(*row, k) for row in zip(scores, targets, strict=True)]
    np.testing.assert_allclose(topk_hits(scores, targets, k), np.array(expected, float), atol=1e-12)


def test_it_is_scikit_learns_accuracy_where_nothing_ties():
    rng = np.random.default_rng(0)
    scores, targets = rng.random((200, 9)), rng.integers(9, size=200)
    for k in (1, 3, 5):
        expected = top_k_accuracy_score(targets, scores, k=k, labels=range(9))
        assert topk_hits(scores, targets, k).mean() == pytest.approx(expected)


@given(scored(st.integers(-1000, 1000).map(float)), st.randoms(use_true_random=False))
def test_only_the_ranks_matter(case, random):
    scores, targets, k = case
    hits = topk_hits(scores, targets, k)
    for changed in (scores * 1e-3, scores * 7 - 5, np.arctan(scores / 1e3), np.cbrt(scores)):
        np.testing.assert_array_equal(topk_hits(changed, targets, k), hits)
    order = list(range(scores.shape[1]))
    random.shuffle(order)
    place = np.argsort(order)  # where each class went
    np.testing.assert_array_equal(topk_hits(scores[:, order], place[targets], k), hits)


@given(scored())
def test_a_larger_k_never_hurts_and_all_classes_suffice(case):
    scores, targets, k = case
    assert (topk_hits(scores, targets, k) <= topk_hits(scores, targets, k + 1)).all()
    assert (topk_hits(scores, targets, scores.shape[1]) == 1).all()


def test_no_information_is_chance_not_the_first_class():
    hits = topk_hits(np.zeros((4, 8)), [0, 3, 7, 7], 5)
    assert hits.tolist() == [5 / 8] * 4


def test_what_is_not_a_number_is_wrong_and_infinity_is_not():
    scores = [[np.nan, 1.0, 0.0], [2.0, np.nan, 0.0], [np.inf, 1.0, -np.inf], [0.0, -np.inf, 1.0]]
    assert topk_hits(scores, [0, 0, 0, 1], 2).tolist() == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(("k", "targets"), [(0, [0]), (1, [2]), (1, [-1])])
def test_wrong_arguments_are_refused(k, targets):
    with pytest.raises(ValueError, match="must be"):
        topk_hits([[1.0, 2.0]], targets, k)


def test_confusion_is_scikit_learns_where_nothing_ties():
    rng = np.random.default_rng(1)
    probs, targets = rng.random((100, 6)), rng.integers(6, size=100)
    expected = confusion_matrix(targets, probs.argmax(axis=1), labels=range(6))
    np.testing.assert_array_equal(confusion(probs, targets), expected)


def test_in_confusion_ties_are_shared_and_each_row_is_its_class():
    counts = confusion([[0.5, 0.5, 0], [1 / 3] * 3, [np.nan, 1, 0], [0, 0, 1]], [0, 0, 1, 1])
    np.testing.assert_allclose(counts, [[5 / 6, 5 / 6, 1 / 3], [0, 0, 1], [0, 0, 0]])
