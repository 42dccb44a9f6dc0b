"""The student of the published code, and its small relative."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from ccl.models.factored import FactoredBlock, middle_channels
from ccl.models.registry import build_student, student_spec


@pytest.fixture(scope="module")
def student():
    with torch.device("meta"):
        return student_spec("r2plus1d-ccl").build(51)


def test_the_parameters_are_as_stated(student):
    assert sum(parameter.numel() for parameter in student.parameters()) == 14_391_466


def test_the_stages_have_the_stated_shapes(student):
    shapes = []
    for stage in student.backbone.stages:
        stage.register_forward_hook(lambda *args: shapes.append(tuple(args[2].shape[1:])))
    student(torch.empty(1, 3, 16, 112, 112, device="meta"))
    assert shapes == [(64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)]


def test_the_operations_are_as_stated(student):
    with FlopCounterMode(display=False) as counter:
        student(torch.empty(1, 3, 16, 112, 112, device="meta"))
    assert round(counter.get_total_flops() / 1e9, 1) == 42.7


def test_the_stem_sees_three_frames_and_seven_pixels(student):
    space, time = (layer for layer in student.backbone.stem[0] if isinstance(layer, nn.Conv3d))
    assert (space.in_channels, space.out_channels, space.kernel_size) == (3, 83, (1, 7, 7))
    assert (time.in_channels, time.out_channels, time.kernel_size) == (83, 64, (3, 1, 1))
    assert (space.stride, time.stride) == ((1, 2, 2), (1, 1, 1))
    assert space.bias is None
    assert time.bias is None


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel"),
    [(64, 128, (3, 3, 3)), (64, 128, (1, 1, 1)), (3, 16, (3, 5, 5))],
)
def test_a_factored_kernel_has_no_more_parameters_than_the_full_one(inputs, outputs, kernel):
    time, height, width = kernel

    def parameters(middle):
        return middle * (height * width * inputs + time * outputs)

    full = time * height * width * inputs * outputs
    middle = middle_channels(inputs, outputs, kernel)
    assert parameters(middle) <= full < parameters(middle + 1)


def test_a_block_is_two_convolutions_round_a_shortcut():
    block = FactoredBlock(4, 6).eval()
    x = torch.randn(2, 4, 4, 6, 6)
    inner = torch.relu(block.first_norm(block.first(x)))
    expected = torch.relu(block.second_norm(block.second(inner)) + block.shortcut(x))
    out = block(x)
    assert out.shape == (2, 6, 2, 3, 3)
    torch.testing.assert_close(out, expected)
    same = FactoredBlock(4, 4)
    assert isinstance(same.shortcut, nn.Identity)
    assert same(x).shape == x.shape


def test_tiny_is_cheap_and_learns_to_tell_motion():
    spec = student_spec("tiny")
    assert spec.gflop < 0.3
    student = build_student("tiny", 2, seed=0)
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(8) % 2
    frame = torch.rand(8, 3, 1, 32, 32, generator=generator)
    steps = [frame.roll(4 * t, dims=4) for t in range(8)]
    clips = torch.cat(steps, dim=2)  # moves to the right; every other one to the left
    clips[1::2] = clips[1::2].flip(2)
    optimiser = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = cross_entropy(student(clips).logits, targets)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 < 0.5 < losses[0]
