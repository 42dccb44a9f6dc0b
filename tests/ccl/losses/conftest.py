"""Fixtures for the losses of RepDistiller: the authors' values, and a loop in double."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def check_authors(repdistiller, close):
    """Compare a loss and its gradient with the authors' code."""

    def check(name, function):
        entry = repdistiller.below(name)
        student = entry["student"].requires_grad_()
        result = function(student, entry["teacher"])
        result.loss.backward()
        assert result.loss.item() == pytest.approx(float(entry["loss"]), rel=1e-5)
        close(student.grad, entry["grad_student"])
        assert result.counts["rows"] == len(student)

    return check


@pytest.fixture
def check_naive(close):
    """Compare a loss and both its gradients with a differentiable loop, in double."""

    def check(function, naive, seed, widths=(4, 4)):
        generator = torch.Generator().manual_seed(seed)
        inputs = [torch.randn(5, d, generator=generator, dtype=torch.float64) for d in widths]
        ours = [x.clone().requires_grad_() for x in inputs]
        theirs = [x.clone().requires_grad_() for x in inputs]
        value, expected = function(*ours).loss, naive(*theirs)
        value.backward()
        expected.backward()
        assert value.item() == pytest.approx(expected.item(), rel=1e-9)
        for a, b in zip(ours, theirs, strict=True):
            close(a.grad, b.grad, 1e-9)

    return check
