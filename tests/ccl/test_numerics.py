import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ccl.numerics import (
    full_precision,
    keep_rows,
    masked_mean,
    seeded,
    unit_rows,
    unit_scale,
    widen,
    zero_rows,
)


@settings(deadline=None, max_examples=30)
@given(exponent=st.integers(-17, 37), seed=st.integers(0, 2**20))
def test_unit_rows_do_not_depend_on_length(exponent, seed):
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed))
    expected = x.double() / x.double().square().sum(1, keepdim=True).sqrt()
    ours = unit_rows(x * 10.0**exponent)
    torch.testing.assert_close(ours.double(), expected, rtol=0, atol=1e-6)


def test_zero_vectors_stay_zero_without_gradient():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    (unit_rows(x) * torch.tensor([1.0, 2.0])).sum().backward()
    assert unit_rows(x).tolist() == [[0, 0], pytest.approx([0.6, 0.8])]
    assert x.grad[0].tolist() == [0, 0]
    assert x.grad[1].tolist() == pytest.approx([(1 - 0.6 * 2.2) / 5, (2 - 0.8 * 2.2) / 5])


def test_unit_rows_pass_gradcheck():
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(unit_rows, (x.requires_grad_(),))
    assert torch.autograd.gradgradcheck(unit_rows, (x,))


def test_zero_rows_look_at_the_last_dimension():
    x = torch.zeros(2, 3, 4)
    x[1, 2, 3] = 1e-10
    assert zero_rows(x).tolist() == [[True] * 3, [True, True, False]]


def test_unit_scale_leaves_zeros_and_nothing():
    assert unit_scale(torch.zeros(2, 2)).tolist() == [[0, 0], [0, 0]]
    assert unit_scale(torch.zeros(0, 2)).shape == (0, 2)
    assert unit_scale(torch.tensor([2.0, -8.0])).tolist() == [0.25, -1]


def test_absent_rows_pass_neither_nan_nor_gradient():
    x = torch.tensor([[1.0, 2.0], [math.nan, math.inf]], requires_grad=True)
    kept = keep_rows(x, torch.tensor([True, False]))
    kept.sum().backward()
    assert kept.tolist() == [[1, 2], [0, 0]]
    assert x.grad.tolist() == [[1, 1], [0, 0]]
    assert keep_rows(x, None) is x


def test_the_mean_of_nothing_is_zero_with_a_gradient_of_zero():
    x = torch.tensor([math.nan, 1.0], requires_grad=True)
    mean = masked_mean(x, torch.tensor([False, False]))
    mean.backward()
    assert mean.item() == 0
    assert x.grad.tolist() == [0, 0]


def test_halves_are_widened_and_autocast_is_off():
    seen = []

    @full_precision
    def product(a, b, *, c):
        seen.append((a.dtype, b.dtype, c.dtype, (a @ b.T).dtype))

    half, double = torch.ones(2, 2, dtype=torch.bfloat16), torch.ones(2, 2, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        product(half, half, c=double)
        product(torch.ones(2, 2), torch.ones(2, 2), c=torch.ones(2, dtype=torch.int64))
    assert seen[0] == (torch.float32, torch.float32, torch.float64, torch.float32)
    assert seen[1] == (torch.float32, torch.float32, torch.int64, torch.float32)
    assert widen(double) is double


def test_seeds_repeat_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(4)
    with seeded(3):
        again = torch.rand(4)
    with seeded(4):
        other = torch.rand(4)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
