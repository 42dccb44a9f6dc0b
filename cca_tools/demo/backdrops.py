"""What stands still behind the scene: rooms and landscapes, full of the other scenes' things.

A clock on the wall does not make a scene of a clock: what a clip is about is what moves in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from cca_tools.demo import things_indoors as indoors
from cca_tools.demo import things_outdoors as outdoors
from cca_tools.demo.canvas import (
    ASPECT,
    BLACK,
    HEIGHT,
    WHITE,
    WIDTH,
    Canvas,
    Colour,
    Picture,
    colour,
    mixed,
)
from cca_tools.demo.place import Place
from cca_tools.demo.recording import Recording

FLOOR = 0.8  # where the floor of a room begins
Prop = Callable[[Canvas, Generator], None]


def shaded(top: Colour, bottom: Colour) -> Picture:
    """Return a picture that runs from one colour at the top to another at the bottom."""
    share = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    first, second = (np.asarray(paint, dtype=np.float32) for paint in (top, bottom))
    return np.ascontiguousarray(
        np.broadcast_to(first + share * (second - first), (HEIGHT, WIDTH, 3))
    )


def room(recording: Recording, but: str = "", props: int = 3) -> Canvas:
    """Return the room of a recording: a wall, a floor, and things that stand about.

    Args:
        recording: For the colours, and for what stands where.
        but: The kind of thing that the scene is about; there is no second one.
        props: How many things there are.
    """
    rng = np.random.default_rng(recording.scenery)
    wall = colour(recording.backdrop, 0.25, 0.75)
    canvas = Canvas(shaded(mixed(wall, WHITE, 0.15), mixed(wall, BLACK, 0.2)))
    _wallpaper(canvas, mixed(wall, BLACK, 0.12), rng)
    ground = colour(recording.backdrop + 0.1, 0.4, 0.5)
    canvas.box((ASPECT / 2, (1 + FLOOR) / 2), (ASPECT + 0.1, 1 - FLOOR), ground)
    canvas.line((0, FLOOR), (ASPECT, FLOOR), 0.02, mixed(ground, BLACK, 0.4))
    kinds = [kind for kind in _INDOOR_PROPS if kind != but]
    for kind in rng.permutation(kinds)[:props]:
        _INDOOR_PROPS[str(kind)](canvas, rng)
    return canvas


def _wallpaper(canvas: Canvas, paint: Colour, rng: Generator) -> None:
    kind, step = rng.integers(4), rng.uniform(0.1, 0.2)
    places = np.arange(0, ASPECT, step)
    if kind == 1:
        for x in places:
            canvas.line((x, 0), (x, FLOOR), 0.012, paint)
    elif kind == 2:
        for y in np.arange(0, FLOOR, step):
            canvas.line((0, y), (ASPECT, y), 0.01, paint)
    elif kind == 3:
        for x in places:
            for y in np.arange(0.05, FLOOR, step):
                canvas.disc((x, y), 0.018, paint)
    for _ in range(4):
        spot = (rng.uniform(0, ASPECT), rng.uniform(0, 1))
        canvas.disc(spot, rng.uniform(0.05, 0.25), WHITE, 0.05)


def _beside(rng: Generator) -> float:
    """Return where across something stands that should not be in the middle."""
    return float(rng.choice((rng.uniform(0.08, 0.4), rng.uniform(ASPECT - 0.4, ASPECT - 0.08))))


def _hue(rng: Generator) -> Colour:
    return colour(rng.uniform(), rng.uniform(0.4, 0.7), rng.uniform(0.6, 0.85))


def _ball(canvas: Canvas, rng: Generator) -> None:
    size = rng.uniform(0.06, 0.1)
    indoors.ball(canvas, Place(_beside(rng), 0.84 - size, size, rng.uniform(0, 3)), _hue(rng))


def _bell(canvas: Canvas, rng: Generator) -> None:
    x, y, size = _beside(rng), rng.uniform(0.03, 0.2), rng.uniform(0.18, 0.3)
    canvas.line((x - 0.1, y), (x + 0.1, y), 0.03, indoors.WOOD)
    indoors.bell(canvas, Place(x, y, size), mixed(indoors.BRASS, _hue(rng), 0.3))


def _beacon(canvas: Canvas, rng: Generator) -> None:
    x, size = _beside(rng), rng.uniform(0.1, 0.15)
    y = FLOOR - 0.9 * size if rng.uniform() < 0.5 else rng.uniform(0.2, 0.45)
    canvas.box((x, y + 0.95 * size), (3 * size, 0.03), indoors.WOOD)
    glow = indoors.GLOWS[rng.integers(len(indoors.GLOWS))]
    indoors.beacon(canvas, Place(x, y, size), glow, 0.0, lit=False)


def _clock(canvas: Canvas, rng: Generator) -> None:
    place = Place(_beside(rng), rng.uniform(0.18, 0.3), rng.uniform(0.09, 0.14))
    hands = indoors.Hands(*rng.uniform(0, 6.28, 3))
    indoors.clock(canvas, place, mixed(indoors.WOOD, _hue(rng), 0.35), hands)


def _guitar(canvas: Canvas, rng: Generator) -> None:
    angle = np.pi / 2 + rng.uniform(-0.25, 0.25)
    place = Place(_beside(rng), rng.uniform(0.5, 0.6), rng.uniform(0.12, 0.16), angle)
    indoors.guitar(canvas, place, mixed(colour(0.08, 0.55, 0.7), _hue(rng), 0.3), _hue(rng))


def _flower(canvas: Canvas, rng: Generator) -> None:
    bloom = indoors.Bloom(rng.uniform(0.4, 1.0), rng.uniform(-0.3, 0.3), int(rng.integers(5, 9)))
    place = Place(_beside(rng), rng.uniform(0.82, 0.9), rng.uniform(0.35, 0.5))
    indoors.flower(canvas, place, _hue(rng), _hue(rng), bloom)


def _framed(canvas: Canvas, rng: Generator) -> None:
    x, y = _beside(rng), rng.uniform(0.15, 0.4)
    width, height, paint = rng.uniform(0.15, 0.3), rng.uniform(0.15, 0.3), _hue(rng)
    canvas.box((x, y), (width + 0.03, height + 0.03), mixed(paint, BLACK, 0.5))
    canvas.box((x, y), (width, height), paint)
    for _ in range(3):
        spot = (x + rng.uniform(-0.3, 0.3) * width, y + rng.uniform(-0.3, 0.3) * height)
        canvas.disc(spot, rng.uniform(0.1, 0.2) * height, _hue(rng))


def _boxes(canvas: Canvas, rng: Generator) -> None:
    x = _beside(rng)
    for _ in range(2):
        size = (rng.uniform(0.1, 0.25), rng.uniform(0.08, 0.2))
        canvas.box((x, 0.85 - size[1] / 2), size, _hue(rng), corner=0.01)
        x += rng.uniform(-0.15, 0.15)


_INDOOR_PROPS: dict[str, Prop] = {
    "ball": _ball,
    "bell": _bell,
    "beacon": _beacon,
    "clock": _clock,
    "guitar": _guitar,
    "flower": _flower,
    "picture": _framed,
    "boxes": _boxes,
}


def landscape(recording: Recording, but: str, horizon: float = 0.55) -> Canvas:
    """Return a recording's sky with clouds over hills, and things far away that do not move.

    Args:
        recording: For the colours, and for what is where.
        but: The kind of thing that the scene is about; there is no second one.
        horizon: Where the sky ends.
    """
    rng = np.random.default_rng(recording.scenery)
    sky = colour(0.5 + 0.25 * recording.backdrop, 0.35, 0.9)
    canvas = Canvas(shaded(sky, mixed(sky, WHITE, 0.5)))
    for _ in range(rng.integers(1, 4)):
        _cloud(canvas, rng.uniform(0, ASPECT), rng.uniform(0.05, 0.7 * horizon), rng)
    land = colour(0.15 + 0.25 * (recording.accent % 1.0), 0.4, 0.55)
    for row in range(3):
        paint = mixed(mixed(land, sky, 0.6), land, row / 2)
        for x in rng.uniform(-0.2, ASPECT + 0.2, 4):
            radii = (rng.uniform(0.25, 0.5), rng.uniform(0.06, 0.2) * (1 - 0.25 * row))
            canvas.ellipse((x, horizon + 0.04 * row), radii, paint)
    canvas.box((ASPECT / 2, horizon + 0.55), (ASPECT + 0.1, 1.0), land)
    kinds = [kind for kind in _OUTDOOR_PROPS if kind != but]
    for kind in rng.permutation(kinds)[:2]:
        _OUTDOOR_PROPS[str(kind)](canvas, horizon, rng)
    return canvas


def _cloud(canvas: Canvas, x: float, y: float, rng: Generator) -> None:
    for _ in range(4):
        spot = (x + rng.normal(0, 0.07), y + rng.normal(0, 0.015))
        canvas.ellipse(spot, (rng.uniform(0.05, 0.1), rng.uniform(0.02, 0.045)), WHITE, 0.6)


def _far_houses(canvas: Canvas, horizon: float, rng: Generator) -> None:
    outdoors.houses(canvas, horizon + 0.03, rng.uniform(0.15, 0.3), rng)


def _far_train(canvas: Canvas, horizon: float, rng: Generator) -> None:
    y, way = horizon + 0.08, (1, -1)[rng.integers(2)]
    canvas.line((0, y), (ASPECT, y), 0.012, (0.45, 0.4, 0.36))
    place = Place(rng.uniform(0.3, 1.0), y, rng.uniform(0.05, 0.07), way=way)
    outdoors.train(canvas, place, [_hue(rng) for _ in range(3)])


def _far_boat(canvas: Canvas, horizon: float, rng: Generator) -> None:
    x, y = rng.uniform(0.2, ASPECT - 0.2), horizon + rng.uniform(0.1, 0.2)
    canvas.ellipse((x, y), (rng.uniform(0.3, 0.6), 0.05), colour(0.55, 0.5, 0.7))
    place = Place(x, y - 0.02, rng.uniform(0.06, 0.1), way=(1, -1)[rng.integers(2)])
    outdoors.boat(canvas, place, _hue(rng), _hue(rng))


def _far_kite(canvas: Canvas, horizon: float, rng: Generator) -> None:
    place = Place(
        rng.uniform(0.1, ASPECT - 0.1), rng.uniform(0.1, 0.25), 0.06, rng.uniform(-0.5, 0.5)
    )
    outdoors.kite(canvas, place, _hue(rng), _hue(rng), rng.uniform(0, 6))


def _far_carousel(canvas: Canvas, horizon: float, rng: Generator) -> None:
    place = Place(rng.uniform(0.15, ASPECT - 0.15), horizon + 0.12, rng.uniform(0.12, 0.18))
    outdoors.carousel(canvas, place, _hue(rng), _hue(rng), rng.uniform(0, 6))


def _far_car(canvas: Canvas, horizon: float, rng: Generator) -> None:
    place = Place(
        rng.uniform(0.15, ASPECT - 0.15),
        horizon + rng.uniform(0.08, 0.25),
        rng.uniform(0.07, 0.1),
        way=(1, -1)[rng.integers(2)],
    )
    outdoors.car(canvas, place, _hue(rng))


_OUTDOOR_PROPS: dict[str, Callable[[Canvas, float, Generator], None]] = {
    "houses": _far_houses,
    "train": _far_train,
    "boat": _far_boat,
    "kite": _far_kite,
    "carousel": _far_carousel,
    "car": _far_car,
}
