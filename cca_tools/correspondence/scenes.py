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
_EVERYWHERE = 0.2  # the margin of clutter and bars


@dataclass(frozen=True)
class Difficulty:
    """How hard the digits are to read.

    Attributes:
        size: Least and largest side of a digit, in pixels of 64.
        margin: Share of the picture that the middle of a digit keeps from each edge.
        clutter: How many pieces of other digits there are.
        piece: Their side, in pixels of the scan, of 8.
        faintness: Their ink against the digit's: 1 is as strong, 0 cannot be seen.
        bars: How many bars pass in front of the digit.
        bar: Least and largest width of a bar, in pixels.
        noise: Standard deviation of the camera's noise, full scale 1.
        contrast: Least and largest difference between ink and paper.
    """

    size: tuple[float, float] = (36.0, 44.0)
    margin: float = 0.35
    clutter: int = 1
    piece: int = 3
    faintness: float = 0.6
    bars: int = 1
    bar: tuple[float, float] = (5.0, 8.0)
    noise: float = 0.06
    contrast: tuple[float, float] = (0.4, 0.8)


@dataclass(frozen=True)
class _Path:
    """A thing's way: where it is and how it lies at a moment from 0 (start) to 1 (end)."""

    start: NDArray[np.float64]
    velocity: NDArray[np.float64]
    angle: float
    turn: float
    size: float
    margin: float

    def at(self, moment: float) -> tuple[NDArray[np.float64], float]:
        """Return the middle (down, right) in pixels and the angle; paths bounce off the edges."""
        raw = (self.start + self.velocity * moment) % 2.0
        folded = np.where(raw > 1.0, 2.0 - raw, raw)
        inner = self.margin + (1 - 2 * self.margin) * folded
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
    paper, colour = _colours(rng, difficulty)
    ground = _ground(rng, paper)
    pieces = [
        _piece(ink[number], difficulty, rng) for number in scene.clutter[: difficulty.clutter]
    ]
    piece_paths = [_path(rng, rng.uniform(*difficulty.size), _EVERYWHERE) for _ in pieces]
    path = _path(rng, rng.uniform(*difficulty.size), difficulty.margin)
    bars = [_bar(difficulty, rng) for _ in range(difficulty.bars)]
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
    """Return dark paper and lighter ink, each with a tint of its own."""
    contrast = rng.uniform(*difficulty.contrast)
    low = rng.uniform(0.1, max(0.1, 0.9 - contrast))
    tint = rng.uniform(-0.1, 0.1, (2, 3))
    paper, ink = (np.array([[low], [low + contrast]]) + tint).astype(np.float32)
    return paper, ink


def _ground(rng: Generator, paper: Picture) -> Picture:
    """Return uneven paper."""
    coarse = rng.normal(0.0, 0.08, (4, 4)).astype(np.float32)
    uneven = ndimage.zoom(coarse, PICTURE / 4, order=1, grid_mode=True, mode="nearest")
    return np.asarray(paper + uneven[..., None], dtype=np.float32)


def _piece(ink: Ink, difficulty: Difficulty, rng: Generator) -> Ink:
    """Return a faint piece of a scan."""
    out = np.zeros_like(ink)
    top, left = rng.integers(0, SIDE - difficulty.piece + 1, 2)
    window = (slice(top, top + difficulty.piece), slice(left, left + difficulty.piece))
    out[window] = np.float32(difficulty.faintness) * ink[window]
    return out


def _path(rng: Generator, size: float, margin: float) -> _Path:
    return _Path(
        start=rng.uniform(0.0, 1.0, 2),
        velocity=rng.uniform(0.3, 1.0, 2) * rng.choice((-1.0, 1.0), 2),
        angle=rng.normal(0.0, 0.15),
        turn=rng.normal(0.0, 0.2),
        size=size,
        margin=margin,
    )


def _placed(ink: Ink, path: _Path, moment: float) -> NDArray[np.float32]:
    """Return how much of each pixel a thing covers at a moment."""
    middle, angle = path.at(moment)
    scale = SIDE / path.size
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cos, -sin], [sin, cos]])
    offset = (SIDE - 1) / 2 - matrix @ (middle - 0.5)
    cover = ndimage.affine_transform(
        ink, matrix, offset, (PICTURE, PICTURE), order=1, mode="grid-constant"
    )
    return np.asarray(cover, dtype=np.float32)


def _bar(difficulty: Difficulty, rng: Generator) -> Callable[[Picture, float], Picture]:
    """Return what lays a bar over a picture, at its place at a moment."""
    axis, width = int(rng.integers(2)), rng.uniform(*difficulty.bar)
    way = _path(rng, width, _EVERYWHERE)
    shade = rng.uniform(0.1, 0.9, 3).astype(np.float32)

    def lay(picture: Picture, moment: float) -> Picture:
        middle = way.at(moment)[0][axis]
        far = np.abs(np.arange(PICTURE) + 0.5 - middle)
        cover = np.clip(width / 2 + 0.5 - far, 0.0, 1.0).astype(np.float32)
        shaped = cover[:, None, None] if axis == 0 else cover[None, :, None]
        return np.asarray(picture + shaped * (shade - picture), dtype=np.float32)

    return lay
