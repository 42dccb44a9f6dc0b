"""Scenes that have a typical sound, which goes on whether or not anything moves in time with it."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from cca_tools.demo.backdrops import landscape
from cca_tools.demo.canvas import ASPECT, BLACK, WHITE, Canvas, Colour, colour, mixed
from cca_tools.demo.place import Place
from cca_tools.demo.recording import Recording, Take
from cca_tools.demo.things_indoors import SKIN
from cca_tools.demo.things_outdoors import boat, car, carousel, kite, train

ROAD: Colour = (0.36, 0.36, 0.38)


def city_traffic(recording: Recording, rng: Generator, seconds: float) -> Take:
    """Cars in both lanes of a street."""
    canvas = landscape(recording, "car")
    top = rng.uniform(0.6, 0.7)
    canvas.box((ASPECT / 2, top + 0.15), (ASPECT + 0.1, 0.32), ROAD)
    for x in np.arange(0.05, ASPECT, 0.22):
        canvas.line((x, top + 0.15), (x + 0.1, top + 0.15), 0.014, (0.9, 0.9, 0.85))
    speed = 0.3 + 0.35 * recording.tempo
    cars = [
        (rng.uniform(0, 2.2), lane, speed * rng.uniform(0.8, 1.2), colour(rng.uniform(), 0.65, 0.8))
        for lane in (0, 0, 1)
    ]

    def paint(canvas: Canvas, time_s: float) -> None:
        for start, lane, pace, body in cars:
            way = -1 if lane else 1
            x = (start + way * pace * time_s) % 2.2 - 0.4
            size = (0.15 + 0.05 * lane) * recording.size
            car(canvas, Place(x, top + 0.03 + 0.16 * lane, size, way=way), body)

    return Take(canvas.picture, paint)


def train_journey(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A train with wagons through the country; its smoke trails."""
    canvas = landscape(recording, "train")
    rail = rng.uniform(0.76, 0.9)
    canvas.box((ASPECT / 2, rail + 0.03), (ASPECT + 0.1, 0.07), (0.45, 0.4, 0.36))
    for x in np.arange(0, ASPECT, 0.07):
        canvas.line((x, rail + 0.01), (x - 0.015, rail + 0.05), 0.012, (0.3, 0.22, 0.16))
    canvas.line((0, rail), (ASPECT, rail), 0.014, (0.65, 0.65, 0.68))
    way, size = (1, -1)[rng.integers(2)], 0.18 * recording.size
    speed, start = 0.25 + 0.3 * recording.tempo, rng.uniform(0.2, 2.2)
    pale = mixed(recording.main, WHITE, 0.3)
    bodies = [recording.main, recording.second, pale, recording.second]

    def paint(canvas: Canvas, time_s: float) -> None:
        head = (start + speed * time_s) % 2.8 - 0.1
        x = head if way > 0 else ASPECT - head
        train(canvas, Place(x, rail, size, way=way), bodies)
        for puff in range(5):
            spot = (x + way * (0.09 - 0.13 * puff), rail - 1.9 * size - 0.03 * puff)
            canvas.disc(spot, 0.03 + 0.014 * puff, WHITE, 0.65 - 0.11 * puff)

    return Take(canvas.picture, paint)


def sailing_boat(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A boat that rocks on rows of waves."""
    canvas = landscape(recording, "boat")
    shore = rng.uniform(0.62, 0.7)
    sea = colour(0.52 + 0.1 * recording.backdrop, 0.5, 0.65)
    canvas.box((ASPECT / 2, shore + 0.5), (ASPECT + 0.1, 1.0), sea)
    way, start = (1, -1)[rng.integers(2)], rng.uniform(0.35, 1.0)
    pace, beat = rng.uniform(0.03, 0.12), 1.8 + 1.5 * recording.tempo

    def wave(canvas: Canvas, time_s: float, row: int) -> None:
        y, shade = shore + 0.03 + 0.1 * row, mixed(sea, BLACK, 0.08 * row)
        for bump in range(6):
            x = (bump * 0.28 + (0.1 + 0.05 * row) * time_s * way + 0.12 * row) % 1.68 - 0.17
            lift = 0.012 * float(np.sin(beat * time_s + bump + row))
            canvas.ellipse((x, y + 0.04 + lift), (0.16, 0.05), shade)
            canvas.line((x - 0.05, y + lift), (x + 0.05, y + lift), 0.009, WHITE, 0.4)

    def paint(canvas: Canvas, time_s: float) -> None:
        wave(canvas, time_s, 0)
        roll = 0.12 * float(np.sin(beat * time_s + 1))
        y = shore + 0.1 + 0.02 * float(np.sin(beat * time_s))
        place = Place(start + way * pace * time_s, y, 0.24 * recording.size, roll, way)
        boat(canvas, place, recording.main, recording.second)
        wave(canvas, time_s, 1)
        wave(canvas, time_s, 2)

    return Take(canvas.picture, paint)


def flying_kite(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A kite on its string, above a meadow with a child."""
    canvas = landscape(recording, "kite")
    foot = (rng.uniform(0.15, ASPECT - 0.15), rng.uniform(0.85, 0.97))
    shirt = colour(rng.uniform(), 0.6, 0.8)
    middle = (rng.uniform(0.4, 0.95), rng.uniform(0.25, 0.4))
    pace, wander = 0.8 + 1.4 * recording.tempo, rng.uniform(0, 6.28, 3)

    def paint(canvas: Canvas, time_s: float) -> None:
        x = middle[0] + 0.2 * float(np.sin(pace * time_s + wander[0]))
        y = middle[1] + 0.1 * float(np.sin(1.7 * pace * time_s + wander[1]))
        tilt = 0.4 * float(np.sin(pace * time_s + wander[2]))
        hand = (foot[0] + 0.05, foot[1] - 0.14)
        canvas.path([(x, y), ((x + hand[0]) / 2, (y + hand[1]) / 2 + 0.06), hand], 0.007, WHITE)
        place = Place(x, y, 0.15 * recording.size, tilt)
        kite(canvas, place, recording.main, recording.second, time_s)
        canvas.line(foot, (foot[0], foot[1] - 0.1), 0.05, shirt)
        canvas.line((foot[0], foot[1] - 0.11), hand, 0.022, shirt)
        canvas.disc((foot[0], foot[1] - 0.17), 0.035, SKIN)

    return Take(canvas.picture, paint)


def fair_carousel(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A merry-go-round with a striped roof and horses that rise and sink."""
    canvas = landscape(recording, "carousel")
    place = Place(rng.uniform(0.4, 0.95), rng.uniform(0.86, 0.96), 0.44 * recording.size)
    turn_s, way = 5.0 - 2.5 * recording.tempo, (1, -1)[rng.integers(2)]
    start = rng.uniform(0, 6.28)

    def paint(canvas: Canvas, time_s: float) -> None:
        turn = start + way * 2 * np.pi * time_s / turn_s
        carousel(canvas, place, recording.main, recording.second, turn, way)

    return Take(canvas.picture, paint)
