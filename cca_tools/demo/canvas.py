"""A small picture to paint on: smooth-edged shapes by their distance functions.

Places and lengths are in picture heights: x from 0 to `ASPECT`, y from 0 (top) to 1 (bottom).
"""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 120  # pixels
ASPECT = WIDTH / HEIGHT

Picture = NDArray[np.float32]  # (HEIGHT, WIDTH, 3), 0 to 1
Colour = tuple[float, float, float]
Point = tuple[float, float]
Grid = NDArray[np.floating]
Distance = Callable[[Grid, Grid], Grid]

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)

_X = (np.arange(WIDTH, dtype=np.float32) + np.float32(0.5)) / np.float32(HEIGHT)
_Y = (np.arange(HEIGHT, dtype=np.float32) + np.float32(0.5)) / np.float32(HEIGHT)


def colour(hue: float, saturation: float = 0.6, value: float = 0.8) -> Colour:
    """Return a colour; the hue goes round from 0 to 1.

    >>> colour(1.0, 1.0, 1.0)
    (1.0, 0.0, 0.0)
    """
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two: the first at 0, the second at 1."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def turned(point: Point, angle: float, centre: Point = (0.0, 0.0)) -> Point:
    """Return ``point`` turned about ``centre`` by ``angle`` in radians, clockwise as one sees it.

    >>> x, y = turned((1.0, 0.0), np.pi / 2)
    >>> round(x, 6), round(y, 6)
    (0.0, 1.0)
    """
    x, y = point[0] - centre[0], point[1] - centre[1]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y


class Canvas:
    """A picture under paint.

    Args:
        ground: What to start from; it is copied.
    """

    def __init__(self, ground: Picture) -> None:
        self.picture = ground.copy()

    def disc(self, centre: Point, radius: float, paint: Colour, alpha: float = 1.0) -> None:
        """Paint a disc."""
        self._fill(
            (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
            lambda x, y: np.hypot(x - centre[0], y - centre[1]) - radius,
            (paint, alpha),
        )

    def ball(self, centre: Point, radius: float, paint: Colour) -> None:
        """Paint a ball lit from above left."""
        self.disc(centre, radius, mixed(paint, BLACK, 0.35))
        inner = (centre[0] - 0.1 * radius, centre[1] - 0.12 * radius)
        self.disc(inner, 0.84 * radius, paint)
        glint = (centre[0] - 0.35 * radius, centre[1] - 0.4 * radius)
        self.disc(glint, 0.28 * radius, mixed(paint, WHITE, 0.6), 0.8)

    def ellipse(self, centre: Point, radii: Point, paint: Colour, alpha: float = 1.0) -> None:
        """Paint an ellipse with upright axes."""
        across, down = max(radii[0], 1e-3), max(radii[1], 1e-3)
        thin = min(across, down)
        self._fill(
            (centre[0] - across, centre[1] - down, centre[0] + across, centre[1] + down),
            lambda x, y: (np.hypot((x - centre[0]) / across, (y - centre[1]) / down) - 1) * thin,
            (paint, alpha),
        )

    def ring(self, centre: Point, radius: float, width: float, paint: Colour) -> None:
        """Paint a ring; the radius is that of the middle of its line."""
        reach = radius + width / 2
        self._fill(
            (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach),
            lambda x, y: np.abs(np.hypot(x - centre[0], y - centre[1]) - radius) - width / 2,
            (paint, 1.0),
        )

    def line(
        self, start: Point, end: Point, width: float, paint: Colour, alpha: float = 1.0
    ) -> None:
        """Paint a line with round ends."""
        half = width / 2
        span_x, span_y = end[0] - start[0], end[1] - start[1]
        square = max(span_x**2 + span_y**2, 1e-9)

        def distance(x: Grid, y: Grid) -> Grid:
            along = ((x - start[0]) * span_x + (y - start[1]) * span_y) / square
            along = np.clip(along, 0, 1)
            return np.hypot(x - start[0] - along * span_x, y - start[1] - along * span_y) - half

        left, right = sorted((start[0], end[0]))
        top, bottom = sorted((start[1], end[1]))
        self._fill((left - half, top - half, right + half, bottom + half), distance, (paint, alpha))

    def path(self, points: Sequence[Point], width: float, paint: Colour) -> None:
        """Paint a line through several points."""
        for start, end in itertools.pairwise(points):
            self.line(start, end, width, paint)

    def box(
        self, centre: Point, size: Point, paint: Colour, angle: float = 0.0, corner: float = 0.0
    ) -> None:
        """Paint a rectangle.

        Args:
            centre: Its middle.
            size: Width and height.
            paint: Its colour.
            angle: By which it is turned, in radians.
            corner: Radius of its corners.
        """
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        half_x, half_y = size[0] / 2 - corner, size[1] / 2 - corner
        reach = float(np.hypot(*size)) / 2

        def distance(x: Grid, y: Grid) -> Grid:
            u = np.abs(cos * (x - centre[0]) + sin * (y - centre[1])) - half_x
            v = np.abs(cos * (y - centre[1]) - sin * (x - centre[0])) - half_y
            outside = np.hypot(np.maximum(u, 0), np.maximum(v, 0))
            return outside + np.minimum(np.maximum(u, v), 0) - corner

        left, top = centre[0] - reach, centre[1] - reach
        self._fill((left, top, centre[0] + reach, centre[1] + reach), distance, (paint, 1.0))

    def polygon(self, corners: Sequence[Point], paint: Colour, alpha: float = 1.0) -> None:
        """Paint a convex polygon; the corners run either way round."""
        points = np.asarray(corners, dtype=np.float32)
        sides = np.roll(points, -1, axis=0) - points
        area = float(np.sum(points[:, 0] * np.roll(points[:, 1], -1))) - float(
            np.sum(points[:, 1] * np.roll(points[:, 0], -1))
        )
        normals = np.stack((sides[:, 1], -sides[:, 0]), axis=1) * (1.0 if area > 0 else -1.0)
        normals /= np.maximum(np.hypot(normals[:, 0], normals[:, 1])[:, None], 1e-6)

        def distance(x: Grid, y: Grid) -> Grid:
            out = np.full(np.broadcast_shapes(x.shape, y.shape), -np.inf, dtype=np.float32)
            for (x0, y0), (across, down) in zip(points, normals, strict=True):
                np.maximum(out, across * (x - x0) + down * (y - y0), out=out)
            return out

        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        self._fill((left, top, right, bottom), distance, (paint, alpha))

    def _fill(
        self,
        bounds: tuple[float, float, float, float],
        distance: Distance,
        paint: tuple[Colour, float],
    ) -> None:
        """Blend a colour in where the distance is negative, softly over the last pixel."""
        left, top, right, bottom = bounds
        first, last = max(0, int(left * HEIGHT) - 1), min(WIDTH, int(right * HEIGHT) + 2)
        upper, lower = max(0, int(top * HEIGHT) - 1), min(HEIGHT, int(bottom * HEIGHT) + 2)
        if first >= last or upper >= lower:
            return
        far = distance(_X[None, first:last], _Y[upper:lower, None])
        cover = np.clip(np.float32(0.5) - far * np.float32(HEIGHT), 0, 1) * np.float32(paint[1])
        part = self.picture[upper:lower, first:last]
        part += cover[:, :, None] * (np.asarray(paint[0], dtype=np.float32) - part)
