"""Paint a scene: a digit that wanders through clutter, passes behind bars, and is hard to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from cca_tools.correspondence.digits import SIDE
from cca_tools.correspondence.plan import Scene

PICTURE = 64  # pixels, height and width

Picture = NDArray[np.float32]  # (PICTURE, PICTURE, 3), 0 to 1
Ink = NDArray[np.float32]  # (SIDE, SIDE), 0 to 1
_MARGIN = 0.22  # of the picture, which the middle of the digit keeps from its edges


@dataclass(frozen=True)
class Difficulty:
    """How hard the digits are to read.

    Attributes:
        size: Least and largest side of a digit, in pixels.
        clutter: How many pieces of other digits there are.
        bars: How many bars pass in front of the digit.
        noise: Standard deviation of the camera's noise, full scale 1.
        contrast: Least and largest difference between ink and paper.
    """

    size: tuple[float, float] = (22.0, 32.0)
    clutter: int = 6
    bars: int = 1
    noise: float = 0.08
    contrast: tuple[float, float] = (0.3, 0.7)


@dataclass(frozen=True)
class _Path:
    """A thing's way: where it is and how it lies at a moment from 0 (start) to 1 (end)."""

    start: NDArray[np.float64]
    velocity: NDArray[np.float64]
    angle: float
    turn: float
    size: float

    def at(self, moment: float) -> tuple[NDArray[np.float64], float]:
        """Return the middle (down, right) in pixels and the angle; paths bounce off the edges."""
        raw = (self.start + self.velocity * moment) % 2.0
        folded = np.where(raw > 1.0, 2.0 - raw, raw)
        inner = _MARGIN + (1 - 2 * _MARGIN) * folded
        return inner * PICTURE, self.angle + self.turn * moment


def paint_scene(
    scene: Scene, ink: NDArray[np.float32], difficulty: Difficulty, num_frames: int
) -> list[Picture]:
    """Return the pictures of a scene; they depend on nothing but the arguments.

    Args:
        scene: What to show.
        ink: (N, 8, 8), all scans.
        difficulty: How hard to read it shall be.
        num_frames: How many pictures.
    """
    rng = np.random.default_rng(scene.seed)
    size = rng.uniform(*difficulty.size)
    paper, colour = _colours(rng, difficulty)
    ground = _ground(rng, paper)
    pieces = [_piece(ink[number], rng) for number in scene.clutter[: difficulty.clutter]]
    piece_paths = [_path(rng, rng.uniform(*difficulty.size)) for _ in pieces]
    path = _path(rng, size)
    bars = [_bar(rng) for _ in range(difficulty.bars)]
    pictures = []
    for frame in range(num_frames):
        moment = frame / max(1, num_frames - 1)
        layers = zip((*pieces, ink[scene.scan]), (*piece_paths, path), strict=True)
        cover = np.max([_placed(what, way, moment) for what, way in layers], axis=0)[..., None]
        picture = ground + cover * (colour - ground)
        for bar in bars:
            picture = bar(picture, moment)
        noise = rng.standard_normal((PICTURE, PICTURE, 1), dtype=np.float32)
        noisy = picture + np.float32(difficulty.noise) * noise
        pictures.append(np.clip(noisy, 0.0, 1.0).astype(np.float32))
    return pictures


def _colours(rng: Generator, difficulty: Difficulty) -> tuple[Picture, Picture]:
    """Return paper and ink: either may be the lighter one."""
    contrast = rng.uniform(*difficulty.contrast)
    low = rng.uniform(0.1, 0.9 - contrast)
    tint = rng.uniform(-0.1, 0.1, (2, 3))
    shades = np.array([[low], [low + contrast]]) + tint
    paper, ink = shades[rng.permutation(2)].astype(np.float32)
    return paper, ink


def _ground(rng: Generator, paper: Picture) -> Picture:
    """Return uneven paper."""
    coarse = rng.normal(0.0, 0.08, (4, 4)).astype(np.float32)
    uneven = ndimage.zoom(coarse, PICTURE / 4, order=1, grid_mode=True, mode="nearest")
    return np.asarray(paper + uneven[..., None], dtype=np.float32)


def _piece(ink: Ink, rng: Generator) -> Ink:
    """Return a piece of a scan, as high or as wide as the scan."""
    out = np.zeros_like(ink)
    top, left = rng.integers(0, SIDE - 4, 2)
    window = (slice(top, top + 5), slice(left, left + 5))
    out[window] = ink[window]
    return out


def _path(rng: Generator, size: float) -> _Path:
    return _Path(
        start=rng.uniform(0.0, 1.0, 2),
        velocity=rng.uniform(0.3, 1.0, 2) * rng.choice((-1.0, 1.0), 2),
        angle=rng.normal(0.0, 0.15),
        turn=rng.normal(0.0, 0.2),
        size=size,
    )


def _placed(ink: Ink, path: _Path, moment: float) -> NDArray[np.float32]:
    """Return how much of each pixel a thing covers at a moment."""
    middle, angle = path.at(moment)
    scale = SIDE / path.size
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cos, -sin], [sin, cos]])
    offset = (SIDE - 1) / 2 - matrix @ (middle - 0.5)
    cover = ndimage.affine_transform(ink, matrix, offset, (PICTURE, PICTURE), order=1)
    return np.asarray(cover, dtype=np.float32)


def _bar(rng: Generator) -> Callable[[Picture, float], Picture]:
    """Return what lays a bar over a picture, at its place at a moment."""
    axis, width = int(rng.integers(2)), rng.uniform(0.10, 0.18) * PICTURE
    way = _path(rng, width)
    shade = rng.uniform(0.1, 0.9, 3).astype(np.float32)

    def lay(picture: Picture, moment: float) -> Picture:
        middle = way.at(moment)[0][axis]
        far = np.abs(np.arange(PICTURE) + 0.5 - middle)
        cover = np.clip(width / 2 + 0.5 - far, 0.0, 1.0).astype(np.float32)
        shaped = cover[:, None, None] if axis == 0 else cover[None, :, None]
        return np.asarray(picture + shaped * (shade - picture), dtype=np.float32)

    return lay
