import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ccl.losses.nce import contrast_rows, log_softmax_pair, multi_class_nce


def batch(seed, rows=6, width=5, classes=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    f1, f2 = torch.randn(2, rows, width, generator=generator, dtype=dtype)
    return f1, f2, torch.randint(classes, (rows,), generator=generator)


@pytest.mark.parametrize("case", ["small", "mid", "cold"])
def test_the_authors_values(released, close, case):
    entry = released.below(f"nce/{case}")
    f1, f2 = entry["f1"].requires_grad_(), entry["f2"].requires_grad_()
    result = multi_class_nce(f1, f2, entry["targets"], temperature=float(entry["temperature"]))
    result.loss.backward()
    assert result.loss.item() == pytest.approx(float(entry["loss"]), rel=1e-5)
    close(f1.grad, entry["grad_f1"])
    close(f2.grad, entry["grad_f2"])


@pytest.mark.parametrize(("seed", "temperature"), [(0, 0.5), (1, 0.1), (2, 0.07), (3, 5.0)])
def test_a_naive_loop_in_double(naive_nce, close, seed, temperature):
    f1, f2, targets = batch(seed, rows=7)
    ours = [f1.clone().requires_grad_(), f2.clone().requires_grad_()]
    theirs = [f1.clone().requires_grad_(), f2.clone().requires_grad_()]
    result = multi_class_nce(*ours, targets, temperature=temperature)
    expected = naive_nce(*theirs, targets, temperature)
    result.loss.backward()
    expected.backward()
    assert result.loss.item() == pytest.approx(expected.item(), rel=1e-9)
    close(ours[0].grad, theirs[0].grad, 1e-9)
    close(ours[1].grad, theirs[1].grad, 1e-9)


def test_it_is_not_symmetric_but_each_direction_is_right(naive_nce):
    f1, f2, targets = batch(9)
    forth = multi_class_nce(f1, f2, targets, temperature=0.3).loss
    back = multi_class_nce(f2, f1, targets, temperature=0.3).loss
    assert forth.item() != pytest.approx(back.item(), rel=1e-3)
    assert back.item() == pytest.approx(naive_nce(f2, f1, targets, 0.3).item(), rel=1e-9)


def test_excluding_oneself_leaves_the_diagonal_out():
    f, _, _ = batch(4, rows=4)
    targets = torch.tensor([0, 0, 0, 1])
    result = multi_class_nce(f, f, targets, temperature=0.5, exclude_self=True)
    unit = f / f.norm(dim=1, keepdim=True)
    expected = 0.0
    for i in range(4):
        others = [j for j in range(4) if j != i]
        weights = {j: math.exp(float(unit[i] @ unit[j]) / 0.5) for j in others}
        p = {j: weight / sum(weights.values()) for j, weight in weights.items()}
        same = [-math.log(p[j]) for j in others if targets[j] == targets[i]]
        other = [-math.log(1 - p[j]) for j in others if targets[j] != targets[i]]
        expected += sum(sum(costs) / len(costs) for costs in (same, other) if costs) / 4
    assert result.loss.item() == pytest.approx(expected, rel=1e-9)
    assert result.counts["rows_without_positives"] == 1


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**20), exponents=st.lists(st.integers(-9, 9), min_size=6, max_size=6))
def test_the_scale_of_vectors_does_not_matter(seed, exponents):
    f1, f2, targets = batch(seed)
    scale = 10.0 ** torch.tensor(exponents, dtype=torch.float64)[:, None]
    plain = multi_class_nce(f1, f2, targets, temperature=0.2).loss
    scaled = multi_class_nce(f1 * scale, f2 * scale.flip(0), targets, temperature=0.2).loss
    assert scaled.item() == pytest.approx(plain.item(), rel=1e-12)


@pytest.mark.parametrize("gap", [50.0, 200.0, 1e4, 1e30])
def test_saturated_rows_keep_their_gradient(gap):
    # the true cost of a negative that takes all the mass is its lead: log(1 - p) = -gap
    similarity = torch.tensor([[0.0, gap]], requires_grad=True)
    positive = torch.tensor([[True, False]])
    result = contrast_rows(similarity, positive, torch.ones_like(positive), torch.tensor([True]))
    result.loss.backward()
    assert result.loss.item() == pytest.approx(2 * gap, rel=1e-6)
    assert similarity.grad.tolist() == [[-2, 2]]


@pytest.mark.parametrize("temperature", [1e-3, 1e-2])
def test_cold_batches_are_right_in_float32(temperature):
    f1, f2, targets = batch(5, rows=16, dtype=torch.float32)
    wide = [f1.double().requires_grad_(), f2.double().requires_grad_()]
    f1, f2 = f1.requires_grad_(), f2.requires_grad_()
    ours = multi_class_nce(f1, f2, targets, temperature=temperature).loss
    expected = multi_class_nce(*wide, targets, temperature=temperature).loss
    ours.backward()
    expected.backward()
    assert ours.item() == pytest.approx(expected.item(), rel=1e-4)
    assert torch.allclose(f1.grad.double(), wide[0].grad, atol=1e-3 * wide[0].grad.abs().max())


def test_log_probabilities_against_exact_sums():
    similarity = torch.tensor([[0.0, math.log(2), math.log(5)]], dtype=torch.float64)
    log_p, log_not_p = log_softmax_pair(similarity, torch.tensor([[True, True, True]]))
    assert log_p.exp()[0].tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-14)
    assert log_not_p.exp()[0].tolist() == pytest.approx([7 / 8, 6 / 8, 3 / 8], rel=1e-14)
    log_p, _ = log_softmax_pair(similarity, torch.tensor([[True, True, False]]))
    assert log_p.exp()[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0], rel=1e-14)


def test_rows_without_positives_or_negatives_leave_that_term_out():
    similarity = torch.zeros(4, 2, dtype=torch.float64)
    positive = torch.tensor([[True, False], [True, True], [False, False], [False, False]])
    counted = torch.tensor([True, True, True, False])
    result = contrast_rows(similarity, positive, counted[:, None].expand(4, 2), counted)
    # log 2 for each of the terms: two in the first row, one in the second and in the third
    assert result.loss.item() == pytest.approx(4 * math.log(2) / 3)
    assert result.counts["rows_without_positives"] == 1
    assert result.counts["rows_without_negatives"] == 1


def test_a_lone_negative_says_nothing():
    similarity = torch.tensor([[3.0]], requires_grad=True)
    no = torch.tensor([[False]])
    result = contrast_rows(similarity, no, ~no, torch.tensor([True]))
    result.loss.backward()
    assert (result.loss.item(), similarity.grad.item()) == (0, 0)
    assert {name: int(count) for name, count in result.counts.items()} == {
        "rows_without_positives": 1,
        "rows_without_negatives": 1,
    }


@pytest.mark.parametrize("rows", [1, 5])
def test_one_class_only_pulls(rows):
    f1, f2, _ = batch(6, rows=rows)
    result = multi_class_nce(f1, f2, torch.zeros(rows, dtype=torch.long), temperature=0.5)
    unit1, unit2 = (f / f.norm(dim=1, keepdim=True) for f in (f1, f2))
    expected = -(unit1 @ unit2.T / 0.5).softmax(dim=1).log().mean()
    assert result.loss.item() == pytest.approx(expected.item(), abs=1e-12)
    assert result.counts["rows_without_negatives"] == rows


def test_zero_vectors_are_counted_and_get_no_gradient():
    f1, f2, targets = batch(7)
    f1[2], f2[4] = 0, 0
    f1.requires_grad_()
    result = multi_class_nce(f1, f2, targets, temperature=0.1)
    result.loss.backward()
    assert result.counts["zero_vectors"] == 2
    assert result.loss.isfinite()
    assert f1.grad[2].abs().max() == 0
    assert f1.grad[4].abs().max() > 0


class Largest(TorchDispatchMode):
    """Remembers the number of entries of the largest tensor that any operation makes."""

    def __init__(self):
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = [x.numel() for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        self.entries = max([self.entries, *made])
        return result


@pytest.mark.parametrize(("rows", "width"), [(64, 32), (32, 300)])
def test_no_tensor_is_larger_than_the_batch_or_its_pairs(rows, width):
    f1, f2, targets = batch(8, rows=rows, width=width)
    f1.requires_grad_()
    f2.requires_grad_()
    with Largest() as largest:
        multi_class_nce(f1, f2, targets, temperature=0.5).loss.backward()
    assert largest.entries == max(rows * rows, rows * width)
