"""Sums over batches against fractions made by hand."""

import math

import torch

from ccl.losses.objective import Objective
from ccl.models.prediction import Prediction
from ccl.training.totals import Totals


def batch(logits, targets, term, absent):
    objective = Objective(
        torch.tensor(0.0), {"ce": torch.tensor(term)}, {"audio/absent": torch.tensor(absent)}
    )
    logits = torch.tensor(logits)
    return Prediction(logits, logits), torch.tensor(targets), objective


def test_means_are_over_rows():
    totals = Totals()
    totals.add(*batch([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 1], 2.0, 1))
    totals.add(*batch([[0.0, 1.0]], [0], 6.0, 2))
    terms, counts, right = totals.summary()
    assert terms == {"ce": (3 * 2 + 1 * 6) / 4}
    assert counts == {"audio/absent": 3}
    assert right == 2 / 4
    assert totals.broken() == []
    totals.add(*batch([[0.0, 1.0]], [0], math.inf, 0))
    assert totals.broken() == ["ce"]


def test_nothing_yet():
    assert Totals().summary() == ({}, {}, 0.0)
    assert Totals().broken() == []
