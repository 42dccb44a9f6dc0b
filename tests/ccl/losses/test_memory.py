import math

import pytest
import torch

from ccl.losses.memory import Memory, MemorySettings
from ccl.losses.memory_contrast import Partition, nce_objective, softmax_objective

YES = torch.tensor([True, True])


def test_the_start_fills_its_range():
    memory = Memory(MemorySettings(num_items=400, width=12))
    bound = 1 / math.sqrt(12 / 3)
    assert memory.vectors.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert memory.vectors.abs().max().item() <= bound
    assert memory.vectors.mean().item() == pytest.approx(0, abs=0.02)


def test_an_update_mixes_and_keeps_unit_length():
    memory = Memory(MemorySettings(num_items=3, width=2, momentum=0.25))
    memory.vectors.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 0]]))
    memory.update(torch.tensor([1]), torch.tensor([[1.0, 0.0]]), YES[:1])
    length = math.hypot(0.75, 0.25)
    assert memory.vectors[1].tolist() == pytest.approx([0.75 / length, 0.25 / length])
    assert memory.vectors[[0, 2]].tolist() == [[1, 0], [1, 0]]


def test_similarities_are_those_of_the_rows_asked_for():
    memory = Memory(MemorySettings(num_items=3, width=2))
    memory.vectors.copy_(torch.tensor([[1.0, 0], [0, 1], [3, 4]]))
    anchors, items = torch.tensor([[1.0, 2.0], [5.0, 0.0]]), torch.tensor([[2, 0], [1, 2]])
    assert memory.similarities(anchors, items).tolist() == [[11, 1], [0, 15]]


def test_softmax_objective_is_a_cross_entropy():
    log_density = torch.tensor([[math.log(3), 0.0], [0.0, math.log(4)]])
    expected = -(math.log(3 / 4) + math.log(1 / 5)) / 2
    assert softmax_objective(log_density, YES).item() == pytest.approx(expected)


def test_nce_objective_by_hand():
    # K = 2 draws from N = 4 items: noise 1/2; h = (1/2, 1/2, 3/2)
    log_density = torch.tensor([[0.5, 0.5, 1.5]]).double().log()
    expected = math.log(2) + math.log(2) + math.log(4)
    assert nce_objective(log_density, 4, YES[:1]).item() == pytest.approx(expected, rel=1e-6)


def test_without_draws_only_the_positive_counts():
    assert nce_objective(torch.zeros(1, 1), 4, YES[:1]).item() == pytest.approx(0, abs=1e-6)


def test_the_objectives_pass_gradcheck():
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: nce_objective(x, 7, YES), (logits,))
    assert torch.autograd.gradcheck(lambda x: softmax_objective(x, YES), (logits,))


def test_the_partition_is_the_mean_over_the_present_times_the_items():
    partition = Partition().double()
    logits = torch.tensor([[1.0, 2.0], [900.0, 900.0]], dtype=torch.float64)
    out = partition(logits, 10, torch.tensor([True, False]))
    log_z = math.log((math.exp(1) + math.exp(2)) / 2 * 10)
    assert partition.log_z.item() == pytest.approx(log_z, rel=1e-12)
    assert out[0].tolist() == pytest.approx([1 - log_z, 2 - log_z], rel=1e-12)
