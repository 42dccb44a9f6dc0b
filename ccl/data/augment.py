"""Crops, flips and normalisation of a batch of clips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from ccl.data.settings import DataSettings
from ccl.models.registry import Statistics

Boxes = NDArray[np.int64]
_TRIES = 10


@dataclass(frozen=True)
class View:
    """Which part of its pictures each clip of a batch shows.

    Args:
        boxes: int64 (B, 4): top, left, height, width, in pixels.
        flips: bool (B,): whether it is mirrored.
    """

    boxes: Boxes
    flips: NDArray[np.bool_]


def random_box(
    shape: tuple[int, int], settings: DataSettings, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return a random crop: top, left, height, width.

    Its share of the picture is uniform, the logarithm of its width over its height, too. A crop
    that does not fit is drawn anew; after ten the largest square in the middle is taken.

    Source: ``RandomResizedCrop`` of torchvision, as the published CCL code uses it.
    """
    height, width = shape
    narrowest, widest = np.log(settings.crop_ratio)
    ratios = np.exp(rng.uniform(narrowest, widest, _TRIES))
    areas = height * width * rng.uniform(*settings.crop_scale, _TRIES)
    heights = np.rint(np.sqrt(areas / ratios)).astype(int)
    widths = np.rint(np.sqrt(areas * ratios)).astype(int)
    for h, w in zip(heights.tolist(), widths.tolist(), strict=True):
        if 0 < h <= height and 0 < w <= width:
            return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
    return centre_box(shape)


def centre_box(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest square in the middle of a picture.

    >>> centre_box((128, 171))
    (0, 21, 128, 128)
    """
    height, width = shape
    side = min(shape)
    return (height - side) // 2, (width - side) // 2, side, side


def resample(pixels: Tensor, view: View, size: int) -> Tensor:
    """Crop, mirror and scale clips, bilinearly, each by its own box.

    On a CPU this is done clip by clip in 8 bits, which is by far the fastest there; elsewhere by
    one grid over the batch, in float32. The results differ by the rounding to whole levels.

    Args:
        pixels: uint8 (B, T, H, W, 3); clips smaller than others are filled up below and right.
        view: Boxes and flips, one a clip.
        size: Height and width of the result.

    Returns:
        float32 (B, 3, T, size, size), from 0 to 255.
    """
    if pixels.device.type == "cpu":
        return _resample_each(pixels, view, size)
    return _resample_grid(pixels, view, size)


def _resample_each(pixels: Tensor, view: View, size: int) -> Tensor:
    shape = (pixels.shape[0], 3, pixels.shape[1], size, size)
    result = torch.empty(shape, device=pixels.device)
    for i, (top, left, height, width) in enumerate(view.boxes.tolist()):
        crop = pixels[i, :, top : top + height, left : left + width].permute(0, 3, 1, 2)
        scaled = interpolate(crop, size=(size, size), mode="bilinear", align_corners=False)
        result[i] = (scaled.flip(-1) if view.flips[i] else scaled).transpose(0, 1)
    return result


def _resample_grid(pixels: Tensor, view: View, size: int) -> Tensor:
    batch, time, height, width, _ = pixels.shape
    boxes = torch.from_numpy(view.boxes).to(pixels.device, torch.float32, non_blocking=True)
    flips = torch.from_numpy(view.flips).to(pixels.device, non_blocking=True)
    steps = (torch.arange(size, device=pixels.device) + 0.5) / size
    x_steps = torch.where(flips[:, None], 1 - steps, steps)
    y = _positions(steps.expand(batch, size), boxes[:, 0], boxes[:, 2])
    x = _positions(x_steps, boxes[:, 1], boxes[:, 3])
    grid = torch.stack(
        [
            ((2 * x + 1) / width - 1)[:, None, :].expand(batch, size, size),
            ((2 * y + 1) / height - 1)[:, :, None].expand(batch, size, size),
        ],
        dim=-1,
    )
    planes = pixels.permute(0, 1, 4, 2, 3).reshape(batch, time * 3, height, width).float()
    result = grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return result.view(batch, time, 3, size, size).transpose(1, 2)


def _positions(steps: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Return where a crop's pixels lie, none beyond the centres of its outermost ones."""
    inner = (steps * length[:, None] - 0.5).clamp_min(0)
    return start[:, None] + torch.minimum(inner, length[:, None] - 1)


def normalise(clips: Tensor, mean: Statistics, std: Statistics) -> Tensor:
    """Turn clips (B, 3, T, H, W) of levels 0 to 255, in place, into (level / 255 - mean) / std."""
    shape = (1, 3, 1, 1, 1)
    scale = clips.new_tensor([1 / (255 * s) for s in std]).view(shape)
    shift = clips.new_tensor([-m / s for m, s in zip(mean, std, strict=True)]).view(shape)
    return clips.mul_(scale).add_(shift)


def num_bytes(shape: tuple[int, int], num_frames: int) -> int:
    """Return the bytes of decoded frames.

    >>> num_bytes((128, 171), 2)
    131328
    """
    return math.prod((*shape, 3, num_frames))
