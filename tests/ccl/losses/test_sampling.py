import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Generator

from ccl.losses.sampling import AliasTable, OtherClasses, uniform_items


def test_uniform_draws_are_uniform_and_repeat():
    drawn = uniform_items(7, (100, 70), Generator().manual_seed(1))
    assert drawn.shape == (100, 70)
    assert chisquare(torch.bincount(drawn.flatten(), minlength=7)).pvalue > 1e-3
    assert torch.equal(drawn, uniform_items(7, (100, 70), Generator().manual_seed(1)))


@settings(deadline=None, max_examples=60)
@given(weights=st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=20))
def test_the_alias_table_has_the_chances_asked_for(weights):
    if sum(weights) == 0:
        weights[0] = 1.0
    chances = AliasTable(torch.tensor(weights, dtype=torch.float64)).chances().tolist()
    assert chances == pytest.approx([w / sum(weights) for w in weights], abs=1e-12)
    assert all(chance == 0 for chance, w in zip(chances, weights, strict=True) if w == 0)


def test_alias_draws_follow_the_chances():
    weights = torch.tensor([0.0, 1.0, 2.0, 5.0, 0.0])
    drawn = AliasTable(weights).draw((8000,), Generator().manual_seed(2))
    counts = torch.bincount(drawn, minlength=5)
    assert counts[[0, 4]].tolist() == [0, 0]
    assert chisquare(counts[1:4], torch.tensor([1000.0, 2000, 5000])).pvalue > 1e-3


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -0.5], [math.inf], [[1.0]]])
def test_weights_that_make_no_chances_are_refused(weights):
    with pytest.raises(ValueError, match="at least 0"):
        AliasTable(torch.tensor(weights))


def test_draws_of_other_classes_are_uniform_over_them():
    labels = torch.tensor([2, 0, 5, 2, 0, 2, 5])  # classes need not be numbered without gaps
    targets = torch.tensor([2, 5])
    drawn = OtherClasses(labels).draw(targets, 6000, Generator().manual_seed(3))
    for row, target in zip(drawn, targets, strict=True):
        counts = torch.bincount(row, minlength=7)
        assert counts[labels == target].sum() == 0
        assert chisquare(counts[labels != target]).pvalue > 1e-3


def test_a_class_alone_has_no_others():
    with pytest.raises(ValueError, match="at least two classes, got 1"):
        OtherClasses(torch.tensor([3, 3]))
