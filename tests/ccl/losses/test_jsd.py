import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ccl.losses.jsd import divergence_of_log_probs, jensen_shannon


def naive(p_logits, q_logits):
    rows = []
    for p_row, q_row in zip(p_logits, q_logits, strict=True):
        p = [x.exp() / sum(y.exp() for y in p_row) for x in p_row]
        q = [x.exp() / sum(y.exp() for y in q_row) for x in q_row]
        m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        to_m = [sum(a * (a / c).log() for a, c in zip(x, m, strict=True)) for x in (p, q)]
        rows.append(sum(to_m) / 2)
    return sum(rows) / len(rows)


@pytest.mark.parametrize("seed", range(3))
def test_a_naive_loop_in_double(check_naive, seed):
    check_naive(jensen_shannon, naive, seed)


def test_fractions_by_hand():
    # P = (1, 0), Q = (1/2, 1/2), M = (3/4, 1/4)
    p, q = torch.tensor([[0.0, -200]]).double(), torch.zeros(1, 2).double()
    expected = (math.log(4 / 3) + (math.log(2 / 3) + math.log(2)) / 2) / 2
    assert jensen_shannon(p, q).loss.item() == pytest.approx(expected, rel=1e-12)


logits = st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3)


@settings(deadline=None, max_examples=80)
@given(p=logits, q=logits, dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_symmetric_and_bounded(p, q, dtype):
    p, q = torch.tensor([p]).to(dtype), torch.tensor([q]).to(dtype)
    forth, back = jensen_shannon(p, q).loss, jensen_shannon(q, p).loss
    assert 0 <= forth.item() <= math.log(2)
    assert forth.item() == pytest.approx(back.item(), abs=1e-6)
    assert jensen_shannon(p, p).loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 3, 7, 1024])
def test_the_bound_is_reached_and_not_passed(rows, dtype):
    far = 1e3 * torch.eye(4, dtype=dtype).repeat(rows, 1)[:rows]
    loss = jensen_shannon(far, far.roll(1, 1)).loss.item()
    assert math.log(2) - 1e-6 <= loss <= math.log(2)


def test_near_predictions_keep_their_gradient():
    # the value is below rounding; the gradient is p (log p - log m) / 2, about (p - q) / 4
    p = torch.tensor([[0.0, 0.0]], requires_grad=True)
    q = torch.tensor([[1e-4, 0.0]])
    jensen_shannon(p, q).loss.backward()
    expected = (0.5 - float(torch.sigmoid(torch.tensor(1e-4).double()))) / 4
    assert p.grad[0, 0].item() == pytest.approx(expected, rel=1e-2)


def test_rounding_is_clipped_row_by_row():
    log_p = torch.tensor([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]]).log().clamp_min(-100)
    rows = divergence_of_log_probs(log_p, log_p.roll(1, 1))
    assert rows.shape == (2,)
    assert rows[1].item() <= math.log(2)
