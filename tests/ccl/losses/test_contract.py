"""What holds for each loss that compares a batch with a batch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cca_tools.errors import UsageError
from ccl.losses.cross_entropy import cross_entropy
from ccl.losses.jsd import jensen_shannon
from ccl.losses.nce import multi_class_nce
from ccl.losses.registry import BATCH_LOSSES, batch_loss
from ccl.losses.symmetric_kl import symmetric_kl


def nce(a, b, targets, present=None):
    return multi_class_nce(a, b, targets, temperature=0.5, present=present)


def without_targets(function):
    return lambda a, b, targets, present=None: function(a, b, present=present)


LOSSES = {
    "nce": nce,
    "cross_entropy": lambda a, b, targets, present=None: cross_entropy(a, targets, present=present),
    "jensen_shannon": without_targets(jensen_shannon),
    "symmetric_kl": without_targets(symmetric_kl),
} | {name: without_targets(spec.function) for name, spec in BATCH_LOSSES.items()}

each_loss = pytest.mark.parametrize("name", LOSSES)


def batch(seed, rows=6, width=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, rows, width, generator=generator, dtype=dtype)
    return a, b, torch.randint(3, (rows,), generator=generator)


def value_and_gradients(name, a, b, targets, present=None, autocast=False):
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        result = LOSSES[name](a, b, targets, present)
    result.loss.backward()
    return result, a.grad, torch.zeros_like(b) if b.grad is None else b.grad


def assert_finite(*tensors):
    for tensor in tensors:
        assert tensor.isfinite().all()


@each_loss
def test_gradcheck(name):
    a, b, targets = batch(0)
    b = b + 0.1  # no tie of an absolute value
    present = torch.tensor([True, True, False, True, True, True])

    def loss(a, b):
        return LOSSES[name](a, b, targets, present).loss

    assert torch.autograd.gradcheck(loss, (a.requires_grad_(), b.requires_grad_()))


@each_loss
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**20), data=st.data())
def test_order_does_not_matter(name, seed, data):
    a, b, targets = batch(seed)
    order = torch.tensor(data.draw(st.permutations(range(6))))
    if name == "cc":  # rows are neighbours there: it only stands being turned round
        order = torch.arange(5, -1, -1)
    plain = LOSSES[name](a, b, targets).loss
    moved = LOSSES[name](a[order], b[order], targets[order]).loss
    assert moved.item() == pytest.approx(plain.item(), rel=1e-10, abs=1e-14)


def test_correlation_congruence_does_depend_on_order():
    a, b, targets = batch(1)
    order = torch.tensor([0, 2, 4, 1, 3, 5])
    plain = LOSSES["cc"](a, b, targets).loss
    moved = LOSSES["cc"](a[order], b[order], targets).loss
    assert moved.item() != pytest.approx(plain.item(), rel=1e-3)


@each_loss
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**20), mask=st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_mask_is_the_same_as_leaving_rows_out(name, seed, mask):
    a, b, targets = batch(seed)
    present = torch.tensor(mask)
    masked, grad_a, grad_b = value_and_gradients(
        name, a.masked_fill(~present[:, None], math.nan), b, targets, present
    )
    fewer, fewer_a, fewer_b = value_and_gradients(name, a[present], b[present], targets[present])
    assert masked.loss.item() == pytest.approx(fewer.loss.item(), rel=1e-10, abs=1e-14)
    torch.testing.assert_close(grad_a[present], fewer_a, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(grad_b[present], fewer_b, rtol=1e-8, atol=1e-12)
    assert grad_a[~present].abs().sum() == 0
    assert grad_b[~present].abs().sum() == 0
    assert masked.counts["rows"] == sum(mask)
    assert masked.counts["absent"] == 6 - sum(mask)
    for key, count in fewer.counts.items():
        assert key == "absent" or masked.counts[key] == count


@each_loss
@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_present_gives_zero(name, rows):
    a, b, targets = batch(2, rows=rows)
    present = torch.zeros(rows, dtype=torch.bool)
    result, grad_a, grad_b = value_and_gradients(name, a, b, targets, present)
    assert result.loss.item() == 0
    assert grad_a.abs().sum() + grad_b.abs().sum() == 0
    assert result.counts["rows"] == 0


DEGENERATE = {
    "one row": lambda a, b: (a[:1], b[:1]),
    "equal rows": lambda a, b: (a[:1].expand(6, -1), b[:1].expand(6, -1)),
    "both the same": lambda a, b: (a, a.clone()),
    "opposite rows": lambda a, b: (torch.cat([a[:3], -a[:3]]), b),
    "zero student": lambda a, b: (torch.zeros_like(a), b),
    "zero teacher": lambda a, b: (a, torch.zeros_like(b)),
    "all zero": lambda a, b: (torch.zeros_like(a), torch.zeros_like(b)),
    "some zero": lambda a, b: (a * torch.tensor([[1.0], [0], [1], [0], [1], [1]]), b),
    "saturated": lambda a, b: (a * 1e4, b * 1e4),
    "tiny": lambda a, b: (a * 1e-15, b * 1e-15),
}


@each_loss
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_degenerate_batches_are_finite(name, case, dtype):
    a, b, targets = batch(3, dtype=torch.float32)
    a, b = DEGENERATE[case](a, b)
    for classes in (targets[: len(a)], torch.zeros(len(a), dtype=torch.long)):
        result, grad_a, grad_b = value_and_gradients(name, a.to(dtype), b.to(dtype), classes)
        assert result.loss.dtype == torch.float32
        assert grad_a.dtype == dtype
        assert_finite(result.loss, grad_a, grad_b)
        assert result.counts["rows"] == len(a)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"fitnet", "cc"}))  # these take squares
def test_saturated_logits_of_any_size_are_finite(name):
    a, b, targets = batch(4, dtype=torch.float32)
    result, grad_a, grad_b = value_and_gradients(name, a * 1e30, b * -1e30, targets)
    assert_finite(result.loss, grad_a, grad_b)


@each_loss
def test_halves_and_autocast_lose_nothing_within(name):
    a, b, targets = batch(5, dtype=torch.float32)
    a, b = a.bfloat16(), b.bfloat16()
    expected, wide_a, _ = value_and_gradients(name, a.float(), b.float(), targets)
    result, grad_a, _ = value_and_gradients(name, a, b, targets)
    assert torch.equal(result.loss, expected.loss)
    assert torch.equal(grad_a, wide_a.bfloat16())
    inside, cast_a, _ = value_and_gradients(name, a.float(), b.float(), targets, autocast=True)
    assert torch.equal(inside.loss, expected.loss)
    assert torch.equal(cast_a, wide_a)


@pytest.mark.parametrize("name", ["nce", "pkt"])
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**20), data=st.data())
def test_lengths_of_vectors_do_not_matter(name, seed, data):
    a, b, targets = batch(seed)
    exponents = data.draw(st.lists(st.integers(-9, 9), min_size=6, max_size=6))
    scale = 10.0 ** torch.tensor(exponents, dtype=torch.float64)[:, None]
    plain = LOSSES[name](a, b, targets).loss
    scaled = LOSSES[name](a * scale, b * scale.flip(0), targets).loss
    assert scaled.item() == pytest.approx(plain.item(), rel=1e-10)


@pytest.mark.parametrize("name", ["nce", "pkt", "rkd", "sp"])
@pytest.mark.parametrize("scale", [1e-25, 1e-9, 1e9, 1e25])
def test_a_common_scale_does_not_matter(name, scale):
    a, b, targets = batch(6)
    plain = LOSSES[name](a, b, targets).loss
    scaled = LOSSES[name](a * scale, b / scale, targets).loss
    assert scaled.item() == pytest.approx(plain.item(), rel=1e-10)


@pytest.mark.parametrize("name", ["kd", "fitnet", "pkt", "rkd", "sp", "cc", "jensen_shannon"])
def test_a_student_that_is_the_teacher_costs_nothing(name):
    a, _, targets = batch(7)
    result, grad_a, _ = value_and_gradients(name, a, a, targets)
    assert result.loss.item() == pytest.approx(0, abs=1e-12)
    assert grad_a.abs().max() == pytest.approx(0, abs=1e-7)  # pkt: its epsilon


@pytest.mark.parametrize("name", [n for n, spec in BATCH_LOSSES.items() if not spec.same_width])
def test_widths_may_differ_where_said(name):
    a, _, targets = batch(8)
    _, b, _ = batch(8, width=9)
    result, grad_a, grad_b = value_and_gradients(name, a, b, targets)
    assert result.loss.item() > 0
    assert_finite(grad_a, grad_b)


def test_the_losses_of_the_competitors_are_there():
    assert list(BATCH_LOSSES) == ["kd", "fitnet", "pkt", "rkd", "sp", "cc"]
    assert {name for name, spec in BATCH_LOSSES.items() if spec.compares == "logits"} == {"kd"}
    with pytest.raises(UsageError, match=r"no loss 'at'.*Known are kd, fitnet"):
        batch_loss("at")
