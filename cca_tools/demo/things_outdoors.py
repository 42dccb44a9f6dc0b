"""Things of the open air, each painted in a given state; see `things_indoors`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from cca_tools.demo.canvas import BLACK, WHITE, Canvas, Colour, colour, mixed
from cca_tools.demo.place import Place
from cca_tools.demo.things_indoors import GLASS

LAMP: Colour = (1.0, 0.95, 0.7)
TYRE: Colour = (0.1, 0.1, 0.1)


def car(canvas: Canvas, place: Place, body: Colour) -> None:
    """Paint a car from -1 to 1 that stands on 0.6 and looks to the right."""
    size = place.size
    canvas.ellipse(place.at(0, 0.55), (1.05 * size, 0.1 * size), BLACK, 0.4)
    cabin = [(-0.55, -0.1), (-0.33, -0.55), (0.28, -0.55), (0.55, -0.1)]
    canvas.polygon([place.at(*corner) for corner in cabin], mixed(body, BLACK, 0.2))
    pane = [(-0.42, -0.1), (-0.28, -0.47), (0.22, -0.47), (0.42, -0.1)]
    canvas.polygon([place.at(*corner) for corner in pane], GLASS)
    canvas.box(place.at(0, 0.12), (2.0 * size, 0.5 * size), body, corner=0.16 * size)
    canvas.disc(place.at(0.92, 0.06), 0.1 * size, LAMP)
    for wheel in (-0.56, 0.56):
        canvas.disc(place.at(wheel, 0.36), 0.24 * size, TYRE)
        canvas.disc(place.at(wheel, 0.36), 0.1 * size, (0.7, 0.7, 0.7))


def wagon(canvas: Canvas, place: Place, body: Colour, engine: bool) -> None:
    """Paint a wagon, or an engine that looks to the right, from -1 to 1, standing on 0."""
    size = place.size
    canvas.box(place.at(0, -0.65), (2.0 * size, 0.95 * size), body, corner=0.1 * size)
    if engine:
        canvas.box(place.at(0.5, -1.35), (0.24 * size, 0.6 * size), TYRE)
        canvas.box(place.at(-0.55, -1.2), (0.75 * size, 0.65 * size), body)
        canvas.box(place.at(-0.55, -1.25), (0.42 * size, 0.32 * size), GLASS)
        canvas.disc(place.at(1.0, -0.65), 0.12 * size, LAMP)
    else:
        for window in (-0.6, 0.0, 0.6):
            canvas.box(place.at(window, -0.8), (0.38 * size, 0.34 * size), GLASS)
    for wheel in (-0.6, 0.6):
        canvas.disc(place.at(wheel, -0.14), 0.21 * size, TYRE)


def train(canvas: Canvas, place: Place, bodies: Sequence[Colour]) -> None:
    """Paint an engine at the origin with its wagons behind it, to the left."""
    for number, body in enumerate(bodies):
        x, y = place.at(-2.15 * number, 0)
        wagon(canvas, Place(x, y, place.size, way=place.way), body, engine=number == 0)


def boat(canvas: Canvas, place: Place, hull: Colour, sail: Colour) -> None:
    """Paint a sailing boat from -1 to 1 with a mast of 1.8; its water line is 0.2."""
    size = place.size
    canvas.line(place.at(0, 0), place.at(0, -1.8), 0.07 * size, (0.35, 0.22, 0.12))
    canvas.polygon([place.at(0.1, -0.2), place.at(0.1, -1.75), place.at(0.95, -0.2)], sail)
    canvas.polygon([place.at(-0.07, -0.2), place.at(-0.07, -1.5), place.at(-0.7, -0.2)], WHITE)
    corners = [(-0.9, -0.1), (1.1, -0.1), (0.7, 0.32), (-0.65, 0.32)]
    canvas.polygon([place.at(*corner) for corner in corners], hull)
    canvas.line(place.at(-0.9, -0.1), place.at(1.1, -0.1), 0.06 * size, mixed(hull, BLACK, 0.5))


def kite(canvas: Canvas, place: Place, main: Colour, second: Colour, time_s: float) -> None:
    """Paint a kite from -1 to 1.3 with a tail that waves."""
    size, lean = place.size, 0.2 * place.angle
    tail = [place.at(0, 1.3)]
    for knot in range(1, 7):
        wave = 0.3 * float(np.sin(5 * time_s - 1.1 * knot)) - lean * knot
        tail.append((tail[0][0] + size * wave, tail[0][1] + 0.27 * size * knot))
    canvas.path(tail, 0.07 * size, mixed(main, BLACK, 0.6))
    for x, y in tail[2::2]:
        canvas.box((x, y), (0.3 * size, 0.14 * size), second, 0.6)
    top, right, bottom, left = (
        place.at(*corner) for corner in ((0, -1), (0.75, -0.15), (0, 1.3), (-0.75, -0.15))
    )
    canvas.polygon([top, right, bottom, left], main)
    middle = place.at(0, -0.15)
    canvas.polygon([top, right, middle], second)
    canvas.polygon([bottom, left, middle], second)
    canvas.path([top, bottom], 0.045 * size, BLACK)
    canvas.path([left, right], 0.045 * size, BLACK)


HORSES = 6


def carousel(
    canvas: Canvas, place: Place, main: Colour, second: Colour, turn: float, way: int = 1
) -> None:
    """Paint a merry-go-round from -1 to 1 that stands on 0 and reaches up to -1.5.

    Args:
        canvas: Where to.
        place: Where it stands.
        main: The colour of its roof.
        second: The colour of its floor.
        turn: How far it has turned, in radians.
        way: The sense in which it turns, for the horses to look ahead.
    """
    size = place.size
    canvas.ellipse(place.at(0, -0.05), (size, 0.17 * size), mixed(second, BLACK, 0.5))
    canvas.ellipse(place.at(0, -0.09), (0.96 * size, 0.15 * size), second)
    canvas.box(place.at(0, -0.55), (0.24 * size, 0.9 * size), mixed(main, WHITE, 0.3))
    angles = [turn + horse * 2 * np.pi / HORSES for horse in range(HORSES)]
    for horse in sorted(range(HORSES), key=lambda horse: np.sin(angles[horse])):
        near, side = float(np.sin(angles[horse])), float(np.cos(angles[horse]))
        lift = 0.07 * float(np.sin(2.5 * turn + 2 * horse))
        canvas.line(
            place.at(0.8 * side, -1.05),
            place.at(0.8 * side, -0.1 + 0.09 * near),
            0.022 * size,
            (0.9, 0.8, 0.4),
        )
        x, y = place.at(0.8 * side, -0.45 + 0.12 * near + lift)
        facing = -way if near > 0 else way
        coat = mixed(colour(horse / HORSES, 0.5, 0.85), BLACK, 0.25 - 0.25 * near)
        _horse(canvas, Place(x, y, (0.8 + 0.25 * near) * size, way=facing), coat)
    for stripe in range(8):
        left, right = stripe / 4 - 1, (stripe + 1) / 4 - 1
        paint = main if stripe % 2 else mixed(main, WHITE, 0.75)
        edge = [place.at(1.15 * left, -1.0), place.at(1.15 * right, -1.0)]
        canvas.polygon([place.at(0, -1.5), *edge], paint)
        canvas.disc(place.at(1.15 * (left + right) / 2, -1.0), 0.14 * size, paint)
    canvas.disc(place.at(0, -1.5), 0.06 * size, (0.95, 0.8, 0.3))


def _horse(canvas: Canvas, place: Place, coat: Colour) -> None:
    size = place.size
    canvas.ellipse((place.x, place.y), (0.18 * size, 0.09 * size), coat)
    canvas.line(place.at(0.12, 0), place.at(0.2, -0.18), 0.08 * size, coat)
    canvas.line(place.at(0.2, -0.18), place.at(0.28, -0.12), 0.07 * size, coat)
    for leg in (-0.12, 0.12):
        canvas.line(place.at(leg, 0), place.at(leg + 0.04, 0.18), 0.04 * size, coat)


def houses(canvas: Canvas, ground: float, height: float, rng: Generator) -> None:
    """Paint a row of houses that stand on ``ground``, with lit windows."""
    x = -0.1
    while x < 1.4:
        width, tall = rng.uniform(0.5, 0.9) * height, rng.uniform(0.5, 1.0) * height
        canvas.box(
            (x + width / 2, ground - tall / 2),
            (width, tall),
            colour(rng.uniform(), 0.2, rng.uniform(0.35, 0.65)),
        )
        step = 0.17 * height
        for row in np.arange(ground - tall + step, ground - step / 2, step):
            for spot in np.arange(x + 0.7 * step, x + width - step / 2, step):
                lit = (1.0, 0.9, 0.6) if rng.uniform() < 0.4 else (0.2, 0.25, 0.35)
                canvas.box((spot, row), (0.45 * step, 0.55 * step), lit)
        x += width + 0.01
