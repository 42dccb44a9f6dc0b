import copy
import math

import pytest
import torch

from ccl.losses.crd import Crd
from ccl.losses.memory import MemorySettings

SETTINGS = MemorySettings(num_items=12, width=5, temperature=0.2, momentum=0.4)


def make(seed=0, dtype=torch.float64):
    return Crd(4, 6, SETTINGS, seed=seed).to(dtype)


def batch(seed=0, rows=3, draws=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    student = torch.randn(rows, 4, generator=generator, dtype=dtype)
    teacher = torch.randn(rows, 6, generator=generator, dtype=dtype)
    index = torch.randperm(12, generator=generator)[:rows]
    return student, teacher, index, torch.randint(12, (rows, draws), generator=generator)


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def unit(x):
    return x / sum(e * e for e in x).sqrt()


def naive(crd, student, teacher, index, negatives):
    """One call as CRD's paper has it, entry by entry; returns the loss and both memories."""
    n, tau, k = SETTINGS.num_items, SETTINGS.temperature, negatives.shape[1]
    s = [unit(crd.student_head.linear.weight @ x + crd.student_head.linear.bias) for x in student]
    t = [unit(crd.teacher_head.linear.weight @ x + crd.teacher_head.linear.bias) for x in teacher]
    memories = [crd.student_memory.vectors.clone(), crd.teacher_memory.vectors.clone()]
    items = [[int(i), *row.tolist()] for i, row in zip(index, negatives, strict=True)]
    loss = 0
    for anchors, memory in ((s, memories[1]), (t, memories[0])):
        scores = [
            [((memory[item] * anchor).sum() / tau).exp() for item in row]
            for anchor, row in zip(anchors, items, strict=True)
        ]
        z = sum(x.item() for row in scores for x in row) / len(scores) / (k + 1) * n
        for row in scores:
            h = [x / z for x in row]
            loss = loss - (h[0] / (h[0] + k / n + 1e-7)).log()
            loss = loss - sum(((k / n) / (x + k / n + 1e-7)).log() for x in h[1:])
    after = [memory.clone() for memory in memories]
    for vectors, memory in ((s, after[0]), (t, after[1])):
        for place, vector in zip(index, vectors, strict=True):
            memory[place] = unit(0.4 * memory[place] + 0.6 * vector.detach())
    return loss / len(student), after


def test_the_authors_values(repdistiller, close):
    entry = repdistiller.below("crd")
    settings = MemorySettings(num_items=40, width=16, temperature=0.07, momentum=0.5)
    crd = Crd(20, 30, settings, seed=0)
    names = {
        "student_head.linear": "embed_s.linear",
        "teacher_head.linear": "embed_t.linear",
        "student_memory.vectors": "contrast.memory_v1",
        "teacher_memory.vectors": "contrast.memory_v2",
    }
    for ours, theirs in names.items():
        for end in (".weight", ".bias") if "head" in ours else ("",):
            crd.state_dict()[ours + end].copy_(entry[f"state/{theirs}{end}"])
    student = entry["student"].requires_grad_()
    index, negatives = entry["index"], entry["contrast_index"][:, 1:]
    result = crd(student, entry["teacher"], index, negatives)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(entry["loss"].item(), rel=1e-5)
    close(student.grad, entry["grad_student"])
    close(crd.student_memory.vectors, entry["memory_v1_after"])
    close(crd.teacher_memory.vectors, entry["memory_v2_after"])
    z = [crd.student_partition.log_z.exp().item(), crd.teacher_partition.log_z.exp().item()]
    assert z == pytest.approx(entry["params_after"][2:4].tolist(), rel=1e-5)
    second = crd(student, entry["teacher"], index, negatives)
    assert second.loss.item() == pytest.approx(entry["loss_second_call"].item(), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_naive_loop_in_double(close, seed):
    crd, (student, teacher, index, negatives) = make(seed), batch(seed)
    ours, theirs = student.clone().requires_grad_(), student.clone().requires_grad_()
    expected, memories = naive(crd, theirs, teacher, index, negatives)
    expected.backward()
    head = crd.teacher_head.linear.weight.grad.clone()
    crd.zero_grad()
    result = crd(ours, teacher, index, negatives)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(expected.item(), rel=1e-9)
    close(ours.grad, theirs.grad, 1e-9)
    close(crd.teacher_head.linear.weight.grad, head, 1e-9)
    close(crd.student_memory.vectors, memories[0], 1e-9)
    close(crd.teacher_memory.vectors, memories[1], 1e-9)


def test_gradcheck():
    crd, (student, teacher, index, negatives) = make().eval(), batch()

    def loss(student, teacher, *parameters):
        return crd(student, teacher, index, negatives).loss

    student.requires_grad_()
    teacher.requires_grad_()
    crd.train()
    crd(student, teacher, index, negatives)  # sets Z, which is constant from then on
    crd.eval()
    assert torch.autograd.gradcheck(loss, (student, teacher, *crd.parameters()))


def test_evaluation_changes_nothing():
    crd, inputs = make().eval(), batch()
    before = state(crd)
    first, second = crd(*inputs).loss, crd(*inputs).loss
    assert first.item() == second.item()
    for name, value in state(crd).items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, equal_nan=True)
    assert crd.student_partition.log_z.isnan()


def test_z_is_estimated_once_and_kept():
    crd = make()
    crd(*batch(0))
    z = crd.student_partition.log_z.clone()
    assert z.isfinite()
    crd(*batch(1))
    assert torch.equal(crd.student_partition.log_z, z)


def test_its_state_survives_saving():
    crd = make()
    crd(*batch(0))
    other = make(seed=9)
    other.load_state_dict(copy.deepcopy(crd.state_dict()))
    assert other(*batch(1)).loss.item() == crd(*batch(1)).loss.item()


def test_order_does_not_matter():
    student, teacher, index, negatives = batch(rows=4)
    order = torch.tensor([2, 0, 3, 1])
    plain, moved = make(), make()
    a = plain(student, teacher, index, negatives).loss
    b = moved(student[order], teacher[order], index[order], negatives[order]).loss
    assert a.item() == pytest.approx(b.item(), rel=1e-12)
    torch.testing.assert_close(moved.student_memory.vectors, plain.student_memory.vectors)


def test_absent_rows_take_no_part():
    student, teacher, index, negatives = batch(rows=4)
    present = torch.tensor([True, False, True, False])
    masked, fewer = make(), make()
    teacher_seen = teacher.masked_fill(~present[:, None], math.nan).requires_grad_()
    a = masked(student, teacher_seen, index, negatives, present=present)
    a.loss.backward()
    b = fewer(student[present], teacher[present], index[present], negatives[present])
    b.loss.backward()
    assert a.loss.item() == pytest.approx(b.loss.item(), rel=1e-12)
    for (name, ours), (_, theirs) in zip(
        masked.named_parameters(), fewer.named_parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, theirs.grad, msg=name)
    assert teacher_seen.grad.isfinite().all()
    for name, value in masked.state_dict().items():
        torch.testing.assert_close(value, fewer.state_dict()[name])
    assert (int(a.counts["rows"]), int(a.counts["absent"])) == (2, 2)


def test_a_batch_without_present_rows_leaves_all_as_it_was():
    crd, (student, teacher, index, negatives) = make(), batch()
    before = state(crd)
    student.requires_grad_()
    result = crd(student, teacher, index, negatives, present=torch.zeros(3, dtype=torch.bool))
    result.loss.backward()
    assert result.loss.item() == 0
    assert student.grad.abs().sum() == 0
    for name, value in state(crd).items():
        torch.testing.assert_close(value, before[name], equal_nan=True)


def test_of_two_rows_of_one_video_the_last_is_remembered():
    student, teacher, _, negatives = batch()
    crd, alone = make(), make()
    crd(student, teacher, torch.tensor([5, 7, 5]), negatives)
    alone(student[1:], teacher[1:], torch.tensor([7, 5]), negatives[1:])
    torch.testing.assert_close(crd.student_memory.vectors, alone.student_memory.vectors)


def test_one_seed_one_start():
    before = torch.get_rng_state()
    first, again, other = state(make(1)), state(make(1)), state(make(2))
    assert torch.equal(before, torch.get_rng_state())
    for name, value in first.items():
        torch.testing.assert_close(value, again[name], equal_nan=True)
    assert not torch.equal(first["student_memory.vectors"], other["student_memory.vectors"])


@pytest.mark.parametrize("factor", [0.0, 1e4, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_degenerate_batches_are_finite(factor, dtype, autocast):
    student, teacher, index, negatives = batch(dtype=torch.float32)
    crd = Crd(4, 6, MemorySettings(12, width=5, temperature=0.001), seed=0)
    student = (student * factor).to(dtype).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        result = crd(student, (teacher * factor).to(dtype), index, negatives)
    result.loss.backward()
    assert result.loss.dtype == torch.float32
    assert result.loss.isfinite()
    assert student.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in crd.parameters())
    assert crd.student_memory.vectors.isfinite().all()
    assert result.counts["zero_vectors"] == (3 if factor == 0 else 0)
