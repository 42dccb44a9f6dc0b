"""Things that stand about in rooms, each painted in a given state.

A thing's own coordinates run from -1 to 1 or so; its place says where and how big that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cca_tools.demo.canvas import BLACK, WHITE, Canvas, Colour, colour, mixed, turned
from cca_tools.demo.place import Place

BRASS = colour(0.12, 0.55, 0.8)
WOOD = colour(0.07, 0.5, 0.45)
SKIN = colour(0.07, 0.4, 0.85)
GREEN = colour(0.33, 0.6, 0.55)
GLASS: Colour = (0.7, 0.85, 0.95)
GLOWS: tuple[Colour, ...] = ((1.0, 0.15, 0.1), (0.15, 0.35, 1.0), (1.0, 0.6, 0.1))


def ball(canvas: Canvas, place: Place, paint: Colour, squash: float = 1.0) -> None:
    """Paint a ball of radius 1 with a seam; the place's angle turns the seam."""
    dark = mixed(paint, BLACK, 0.65)
    canvas.ball((place.x, place.y), place.size * squash, paint)
    canvas.line(place.at(-0.85, 0), place.at(0.85, 0), 0.16 * place.size, dark)
    canvas.line(place.at(0, -0.85), place.at(0, 0.85), 0.12 * place.size, dark)


def bell(canvas: Canvas, place: Place, metal: Colour, clapper: float = 0.0) -> None:
    """Paint a bell that hangs from its origin and reaches down to 1.

    Args:
        canvas: Where to.
        place: Its pivot; the angle is its swing.
        metal: Its colour.
        clapper: The clapper's own swing.
    """
    dark, light = mixed(metal, BLACK, 0.4), mixed(metal, WHITE, 0.5)
    tongue = replace(place, angle=clapper)
    canvas.line(tongue.at(0, 0), tongue.at(0, 1.08), 0.04 * place.size, BLACK)
    canvas.disc(tongue.at(0, 1.1), 0.09 * place.size, mixed(metal, BLACK, 0.7))
    canvas.line(place.at(0, 0), place.at(0, 0.2), 0.1 * place.size, BLACK)
    skirt = [(-0.3, 0.66), (0.3, 0.66), (0.48, 1.0), (-0.48, 1.0)]
    waist = [(-0.18, 0.18), (0.18, 0.18), (0.3, 0.68), (-0.3, 0.68)]
    canvas.polygon([place.at(*corner) for corner in skirt], mixed(metal, BLACK, 0.1))
    canvas.polygon([place.at(*corner) for corner in waist], metal)
    canvas.disc(place.at(0, 0.22), 0.18 * place.size, metal)
    canvas.line(place.at(-0.1, 0.28), place.at(-0.2, 0.85), 0.05 * place.size, light, 0.7)
    canvas.line(place.at(-0.48, 1.0), place.at(0.48, 1.0), 0.07 * place.size, dark)


def beacon(canvas: Canvas, place: Place, glow: Colour, turn: float, lit: bool = True) -> None:
    """Paint a beacon of height 1 on its stand; when lit, with its beam.

    Args:
        canvas: Where to.
        place: The middle of its glass.
        glow: The colour of its light.
        turn: Of its lamp, in radians; at 0 it faces us.
        lit: Whether it is on.
    """
    facing, side = float(np.cos(turn)), float(np.sin(turn))
    bright = max(0.0, facing) if lit else 0.0
    if lit:
        for sense in (1.0, -1.0):
            wide = 1.1 + 0.4 * sense * facing
            far = 7.0 * sense * side
            beam = [place.at(0, 0), place.at(far, -0.5 - wide), place.at(far, -0.5 + wide)]
            canvas.polygon(beam, mixed(glow, WHITE, 0.3), 0.3 * abs(side))
        canvas.disc(place.at(0, 0), 2.2 * place.size, glow, 0.35 * bright**2)
    size = place.size
    canvas.box(place.at(0, 0.75), (1.7 * size, 0.34 * size), (0.75, 0.75, 0.78), corner=0.02)
    canvas.box(place.at(0, 0.55), (1.2 * size, 0.2 * size), (0.15, 0.15, 0.17), corner=0.01)
    body = mixed(mixed(glow, BLACK, 0.55), glow, 0.3 + 0.7 * bright)
    canvas.box(place.at(0, 0), (0.9 * size, 1.05 * size), body, corner=0.4 * size)
    if lit and facing > -0.2:
        lamp = mixed(glow, WHITE, 0.55 + 0.45 * bright)
        canvas.disc(place.at(0.28 * side, 0), (0.18 + 0.16 * bright) * size, lamp)


@dataclass(frozen=True)
class Hands:
    """Where a clock's hands and its pendulum are, in radians."""

    hour: float = 0.6
    minute: float = 2.5
    second: float = 0.0
    swing: float = 0.0


def clock(canvas: Canvas, place: Place, wood: Colour, hands: Hands) -> None:
    """Paint a clock of radius 1 in its case, with a pendulum below."""
    size, face = place.size, place.at(0, 0)
    canvas.box(place.at(0, 0.55), (2.4 * size, 3.4 * size), mixed(wood, BLACK, 0.4), corner=0.03)
    canvas.box(place.at(0, 0.55), (2.2 * size, 3.2 * size), wood, corner=0.02)
    canvas.box(place.at(0, 1.55), (1.4 * size, 0.9 * size), mixed(wood, BLACK, 0.5), corner=0.01)
    canvas.disc(face, size, mixed(wood, BLACK, 0.6))
    canvas.disc(face, 0.92 * size, (0.95, 0.93, 0.86))
    for hour in range(12):
        near, far = (turned(place.at(0, -r), hour * np.pi / 6, face) for r in (0.7, 0.82))
        canvas.line(near, far, 0.06 * size, BLACK)
    bob = turned(place.at(0, 1.7), hands.swing, place.at(0, 0.6))
    canvas.line(place.at(0, 1.05), bob, 0.06 * size, mixed(BRASS, BLACK, 0.3))
    canvas.ball(bob, 0.24 * size, BRASS)
    for angle, length, width in ((hands.hour, 0.45, 0.13), (hands.minute, 0.68, 0.09)):
        canvas.line(face, turned(place.at(0, -length), angle, face), width * size, BLACK)
    canvas.line(face, turned(place.at(0, -0.78), hands.second, face), 0.06 * size, (0.85, 0.1, 0.1))
    canvas.disc(face, 0.09 * size, (0.85, 0.1, 0.1))


STRINGS = 6


def string_height(string: int) -> float:
    """Return how far below a guitar's middle a string runs, in the guitar's own coordinates."""
    return (string - (STRINGS - 1) / 2) * 0.11


def guitar(
    canvas: Canvas, place: Place, wood: Colour, rose: Colour, bulges: Sequence[float] = (0.0,) * 6
) -> None:
    """Paint a guitar that lies along its first axis, its neck to the left.

    Args:
        canvas: Where to.
        place: The middle of its sound hole.
        wood: Its colour.
        rose: The colour of the ring round the hole.
        bulges: How far each string is bent aside at its middle.
    """
    size, dark = place.size, mixed(wood, BLACK, 0.35)
    for rim, paint in ((0.06, dark), (0.0, wood)):
        canvas.disc(place.at(0.55, 0), (0.92 + rim) * size, paint)
        canvas.disc(place.at(-0.4, 0), (0.7 + rim) * size, paint)
    canvas.disc(place.at(0, 0), 0.36 * size, mixed(wood, BLACK, 0.8))
    canvas.ring(place.at(0, 0), 0.4 * size, 0.07 * size, rose)
    neck = mixed(wood, BLACK, 0.6)
    canvas.box(place.at(-1.5, 0), (2.3 * size, 0.72 * size), neck, place.angle)
    canvas.box(place.at(-2.8, 0), (0.5 * size, 0.9 * size), mixed(neck, BLACK, 0.4), place.angle)
    canvas.box(place.at(0.95, 0), (0.12 * size, 0.85 * size), BLACK, place.angle)
    for string, bulge in enumerate(bulges):
        height = string_height(string)
        middle = place.at(-0.2, height + bulge)
        width = (0.028 + 0.007 * (STRINGS - 1 - string)) * size
        for end in (place.at(-2.6, height), place.at(0.95, height)):
            canvas.line(end, middle, width, (0.93, 0.9, 0.8))


@dataclass(frozen=True)
class Bloom:
    """How far a flower has come.

    Attributes:
        grown: From 0 (a shoot) to 1 (open).
        lean: How far it leans aside.
        petals: How many it has.
        turn: Of its head, in radians.
    """

    grown: float = 1.0
    lean: float = 0.1
    petals: int = 6
    turn: float = 0.0


def flower(canvas: Canvas, place: Place, petal: Colour, clay: Colour, bloom: Bloom) -> None:
    """Paint a potted flower of height 1 that stands on its origin."""
    size, length = place.size, 0.72 * bloom.grown
    spots = [
        place.at(bloom.lean * share**2 * length, -0.25 - length * share)
        for share in np.linspace(0, 1, 7)
    ]
    canvas.path(spots, 0.045 * size, GREEN)
    for leaf, side in ((2, 1), (3, -1), (4, 1)):
        wide = 0.14 * size * max(0.0, min(1.0, 3 * bloom.grown - 0.25 * leaf))
        spot = (spots[leaf][0] + side * wide, spots[leaf][1])
        canvas.ellipse(spot, (wide, 0.4 * wide), GREEN)
    head, opened = spots[-1], (0.05 + 0.2 * max(0.0, bloom.grown - 0.3) / 0.7) * size
    for number in range(bloom.petals):
        angle = number * 2 * np.pi / bloom.petals + bloom.turn
        spot = turned((head[0] + opened, head[1]), angle, head)
        canvas.disc(spot, 0.65 * opened, mixed(petal, WHITE, 0.15 * (number % 2)))
    canvas.disc(head, 0.55 * opened, (0.95, 0.8, 0.25))
    pot = [(-0.21, -0.26), (0.21, -0.26), (0.15, 0.0), (-0.15, 0.0)]
    canvas.polygon([place.at(*corner) for corner in pot], clay)
    rim = mixed(clay, BLACK, 0.2)
    canvas.box(place.at(0, -0.26), (0.48 * size, 0.08 * size), rim, corner=0.01)


def fish(canvas: Canvas, place: Place, body: Colour, fins: Colour, beat: float) -> None:
    """Paint a fish from -1 (tail) to 1 (mouth); ``beat`` from -1 to 1 moves its tail."""
    size = place.size
    tail = [(-0.55, 0), (-1.3, -0.55 - 0.15 * beat), (-1.3, 0.55 - 0.15 * beat)]
    canvas.polygon([place.at(*corner) for corner in tail], fins)
    canvas.polygon([place.at(0.2, -0.4), place.at(-0.55, -0.8), place.at(-0.55, 0)], fins)
    canvas.ellipse((place.x, place.y), (0.9 * size, 0.5 * size), body)
    for stripe in (-0.28, 0.1):
        canvas.line(place.at(stripe, -0.33), place.at(stripe, 0.33), 0.14 * size, fins)
    canvas.disc(place.at(0.55, -0.1), 0.13 * size, WHITE)
    canvas.disc(place.at(0.58, -0.1), 0.07 * size, BLACK)
