"""Crops, flips and scaling against torchvision, clip by clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2.functional import resized_crop

from ccl.data.augment import (
    View,
    _resample_each,
    _resample_grid,
    centre_box,
    normalise,
    random_box,
    resample,
)
from ccl.data.settings import DataSettings

BOTH = pytest.mark.parametrize("way", [_resample_each, _resample_grid])


def smooth(seed=0, shape=(4, 3, 40, 52)):
    """Clips uint8 (B, T, H, W, 3) of random, but not too sharp pictures."""
    batch, time, height, width = shape
    coarse = torch.randint(0, 256, (batch * time, 3, 8, 8), generator=torch.manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse.float(), (height, width), mode="bicubic")
    return fine.clamp(0, 255).byte().view(batch, time, 3, height, width).movedim(2, -1)


def view_of(boxes, flips):
    return View(np.array(boxes, np.int64), np.array(flips, bool))


@BOTH
def test_agrees_with_torchvision(way):
    clips = smooth()
    boxes = [(0, 0, 40, 52), (5, 7, 20, 31), (39, 51, 1, 1), (0, 12, 33, 40)]
    flips = [False, True, False, True]
    result = way(clips, view_of(boxes, flips), 24)
    assert result.shape == (4, 3, 3, 24, 24)
    for i, (top, left, height, width) in enumerate(boxes):
        picture = clips[i].movedim(-1, 1).float()
        expected = resized_crop(picture, top, left, height, width, [24, 24], antialias=False)
        expected = expected.flip(-1) if flips[i] else expected
        worst = (result[i].transpose(0, 1) - expected).abs().max()
        assert worst <= (1.0 if way is _resample_each else 1e-3)  # the one rounds to levels


@BOTH
def test_a_crop_of_the_wanted_size_is_exact(way):
    clips = smooth()
    result = way(clips, view_of([(3, 9, 24, 24)] * 4, [False, True] * 2), 24)
    expected = clips[:, :, 3:27, 9:33].permute(0, 4, 1, 2, 3).float()
    expected[1::2] = expected[1::2].flip(-1)
    assert (result - expected).abs().max() < 1e-3


@BOTH
def test_what_fills_up_smaller_clips_is_never_seen(way):
    """A clip gives the same whatever stands beside it in the batch."""
    clips = smooth(shape=(1, 2, 30, 30))
    padded = torch.full((1, 2, 50, 64, 3), 255, dtype=torch.uint8)
    padded[:, :, :30, :30] = clips
    view = view_of([(0, 0, 30, 30)], [True])
    assert (way(padded, view, 41) - way(clips, view, 41)).abs().max() < 1e-3


def test_cpu_takes_the_fast_way():
    clips, view = smooth(), view_of([(1, 2, 20, 20)] * 4, [False] * 4)
    assert torch.equal(resample(clips, view, 16), _resample_each(clips, view, 16))


@settings(deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    seed=st.integers(0, 100),
    scale=st.sampled_from([(0.25, 1.0), (0.01, 0.1), (1.0, 1.0)]),
)
def test_boxes_lie_within_the_picture(height, width, seed, scale):
    settings_ = DataSettings(crop_scale=scale)
    top, left, h, w = random_box((height, width), settings_, np.random.default_rng(seed))
    assert h >= 1
    assert w >= 1
    assert 0 <= top <= height - h
    assert 0 <= left <= width - w


def test_boxes_have_the_shares_and_ratios_asked_for():
    chosen = DataSettings()
    boxes = [random_box((128, 171), chosen, np.random.default_rng(i)) for i in range(2000)]
    _, _, h, w = np.array(boxes).T
    share, ratio = h * w / (128 * 171), w / h
    assert share.min() > 0.24
    assert ratio.min() > 0.73
    assert ratio.max() < 1.36
    # uniform from 0.25 to 1, but for what does not fit: shares near 1 are rarer
    assert 0.48 < np.median(share) < 0.63
    assert len({box[:2] for box in boxes}) > 1000


def test_a_picture_that_no_crop_fits_gives_its_middle():
    wide = DataSettings(crop_scale=(1.0, 1.0), crop_ratio=(0.9, 1.1))
    assert random_box((10, 100), wide, np.random.default_rng(0)) == (0, 45, 10, 10)
    assert centre_box((100, 10)) == (45, 0, 10, 10)


def test_normalised_as_written():
    levels = torch.randint(0, 256, (2, 3, 2, 4, 4), generator=torch.manual_seed(0)).float()
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    result = normalise(levels.clone(), mean, std)
    for colour in range(3):
        expected = (levels[:, colour] / 255 - mean[colour]) / std[colour]
        assert torch.allclose(result[:, colour], expected, atol=1e-5)
