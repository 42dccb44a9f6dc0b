"""The fast paths of a CPU give what torch's own layers give."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from cca_tools.taggers import fused
from cca_tools.taggers.conv_stack import ConvStack, halve, neighbourhoods
from cca_tools.taggers.fused import FusedConv, linear
from cca_tools.taggers.panns_models import apply_trunk, import_published_models


def trained_norm(channels):
    norm = nn.BatchNorm2d(channels).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    return norm


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(7)


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("activation", ["none", "relu", "hardswish"])
@pytest.mark.parametrize(
    ("kernel", "stride", "groups"), [(1, 1, 1), (3, 2, 1), (5, 1, 8), (3, 1, 8)]
)
def test_a_fused_layer_equals_its_three_parts(
    monkeypatch, onednn, activation, kernel, stride, groups
):
    if not onednn:
        monkeypatch.setattr(fused, "has_onednn", lambda x: False)
    outputs = 8 if groups == 8 else 12
    conv = nn.Conv2d(8, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    norm = trained_norm(outputs)
    x = torch.randn(3, 8, 11, 9)
    with torch.inference_mode():
        y = norm(conv(x))
        expected = {"none": y, "relu": functional.relu(y), "hardswish": functional.hardswish(y)}
        got = FusedConv(conv, norm, activation)(x)
    torch.testing.assert_close(got, expected[activation], rtol=1e-4, atol=1e-4)


def test_linear_equals_the_sum_of_products():
    rows, matrix, bias = torch.randn(5, 4), torch.randn(3, 4), torch.randn(3)
    expected = [
        [max(0.0, sum(float(a * b) for a, b in zip(row, column, strict=True)) + float(c))
         for column, c in zip(matrix, bias, strict=True)]
        for row in rows
    ]  # fmt: skip
    torch.testing.assert_close(linear(rows, matrix, bias, "relu"), torch.tensor(expected))


def test_neighbourhoods_hold_the_places_around_in_order():
    x = torch.arange(12.0).view(3, 4, 1)
    rows = neighbourhoods(x).view(3, 4, 9)
    assert rows[1, 1].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert rows[0, 0].tolist() == [0, 0, 0, 0, 0, 1, 0, 4, 5]
    assert rows[2, 3].tolist() == [6, 7, 0, 10, 11, 0, 0, 0, 0]


def test_halving_drops_the_odd_rest():
    x = torch.arange(15.0).view(5, 3, 1)
    assert halve(x).flatten().tolist() == [2.0, 8.0]


def test_the_stack_equals_the_published_blocks_for_clips_of_any_length():
    block = import_published_models().ConvBlock
    blocks = [block(1, 16), block(16, 512), block(512, 24)]
    for part in blocks:
        part.bn1, part.bn2 = trained_norm(len(part.bn1.bias)), trained_norm(len(part.bn2.bias))
        part.eval()
    clips = [torch.randn(frames, 16) for frames in (40, 17, 8, 40)]
    with torch.inference_mode():
        got = ConvStack(blocks, torch.float32, unpooled_block=6)(clips)
        for clip, feature_map in zip(clips, got, strict=True):
            expected = apply_trunk(blocks, clip[None, None])[0].permute(1, 2, 0)
            torch.testing.assert_close(feature_map, expected, rtol=1e-3, atol=1e-3)
