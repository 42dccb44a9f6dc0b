"""Scenes without a sound of their own: whatever one hears is laid over them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from cca_tools.demo.backdrops import FLOOR, room
from cca_tools.demo.canvas import BLACK, WHITE, Canvas, Colour, Point, colour, mixed, turned
from cca_tools.demo.place import Place
from cca_tools.demo.recording import Recording, Take
from cca_tools.demo.things_indoors import GREEN, SKIN, WOOD, Bloom, fish, flower


def growing_flower(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A flower that grows out of its pot and opens, in quick motion."""
    place = Place(rng.uniform(0.3, 1.05), rng.uniform(0.84, 0.96), 0.72 * recording.size)
    clay = mixed(colour(0.05, 0.6, 0.65), recording.second, 0.3)
    start, pace = rng.uniform(0.0, 0.25), rng.uniform(0.75, 1.0) / seconds
    lean, petals = rng.uniform(-0.3, 0.3), int(rng.integers(5, 9))

    def paint(canvas: Canvas, time_s: float) -> None:
        sway = lean + 0.06 * float(np.sin(2 * time_s))
        bloom = Bloom(min(1.0, start + pace * time_s), sway, petals, 0.2 * time_s)
        flower(canvas, place, recording.main, clay, bloom)

    return Take(room(recording, "flower").picture, paint)


def painting_brush(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A hand with a brush that paints winding lines on a canvas."""
    canvas = room(recording, "picture")
    x, y, size = rng.uniform(0.45, 0.85), rng.uniform(0.4, 0.5), 0.8 * recording.size
    for side in (-1, 1):
        canvas.line((x, y - 0.4 * size), (x + side * 0.35, 0.97), 0.035, WOOD)
    canvas.box((x, y), (0.86 * size, 0.66 * size), mixed(WOOD, BLACK, 0.3))
    canvas.box((x, y), (0.8 * size, 0.6 * size), (0.96, 0.95, 0.92))
    waves, rounds = rng.uniform(1.5, 3.5), rng.uniform(0, 6.28, 3)
    inks = [colour(recording.hue + 0.3 * stroke, 0.75, 0.8) for stroke in range(3)]
    width, pace = 0.05 * size, (2.2 + 0.7 * recording.tempo) / seconds

    def spot(share: float) -> Point:
        row, along = int(share), share % 1.0
        across = along if row % 2 == 0 else 1 - along
        wave = 0.05 * float(np.sin(waves * 6.28 * along + rounds[row]))
        return x + size * (0.66 * across - 0.33), y + size * (0.18 * row - 0.18 + wave)

    def paint(canvas: Canvas, time_s: float) -> None:
        done = min(2.98, pace * time_s + 0.05)
        for row in range(int(done) + 1):
            ends = np.linspace(row, min(row + 0.999, done), 12)
            canvas.path([spot(float(end)) for end in ends], width, inks[row])
        tip = spot(done)
        end = (tip[0] + 0.17 + 0.04 * float(np.sin(9 * time_s)), tip[1] + 0.18)
        ferrule = (tip[0] + 0.04, tip[1] + 0.045)
        canvas.line(tip, ferrule, 0.035, inks[int(done)])
        canvas.line(ferrule, end, 0.02, recording.dark)
        canvas.line(end, (end[0] + 0.3, end[1] + 0.5), 0.11, recording.second)
        canvas.disc(end, 0.065, SKIN)

    return Take(canvas.picture, paint)


def swimming_fish(recording: Recording, rng: Generator, seconds: float) -> Take:
    """Fish in an aquarium."""
    canvas = room(recording)
    wide, high = 0.75 * recording.size, 0.5 * recording.size
    x, y = rng.uniform(0.45, 0.88), rng.uniform(0.45, 0.6)
    water = colour(0.5 + 0.1 * recording.backdrop, 0.45, 0.75)
    base = y + high / 2
    canvas.box((x, (base + 0.95) / 2), (0.9 * wide, max(0.02, 0.95 - base)), WOOD)
    canvas.box((x, y), (wide + 0.04, high + 0.04), (0.25, 0.25, 0.28), corner=0.01)
    canvas.box((x, y), (wide, high), water)
    canvas.box((x, base - 0.03), (wide, 0.06), colour(0.11, 0.4, 0.65))
    plants = [x + share * wide for share in rng.uniform(-0.45, 0.45, 3)]
    school = [
        (rng.uniform(0, 2), rng.uniform(-0.3, 0.22), rng.uniform(0.05, 0.085)) for _ in range(3)
    ]
    pace = 0.25 + 0.35 * recording.tempo

    def paint(canvas: Canvas, time_s: float) -> None:
        for number, foot in enumerate(plants):
            sway = 0.03 * float(np.sin(1.5 * time_s + number))
            bend = (foot + sway, base - 0.3 * high)
            stem = [(foot, base - 0.03), bend, (foot, base - 0.6 * high)]
            canvas.path(stem, 0.025, mixed(GREEN, water, 0.3))
        for number, (start, row, size) in enumerate(school):
            along = (start + pace * time_s) % 2.0  # to the right wall and back
            across = (along if along < 1 else 2 - along) - 0.5
            spot = (x + across * (wide - 0.25), y + row * high + 0.01 * np.sin(3 * time_s + number))
            place = Place(*spot, size * recording.size, way=1 if along < 1 else -1)
            beat = float(np.sin(9 * time_s + number))
            fish(canvas, place, recording.main, recording.second, beat)
        for bubble in range(4):
            rise = (0.3 * time_s + 0.37 * bubble) % 1.0
            at = (x + wide * (0.2 * bubble - 0.3), base - 0.05 - 0.85 * high * rise)
            canvas.ring(at, 0.013, 0.007, WHITE)

    return Take(canvas.picture, paint)


def turning_kaleidoscope(recording: Recording, rng: Generator, seconds: float) -> Take:
    """Coloured pieces in a round window, mirrored about its centre, which drift as it turns."""
    canvas = room(recording)
    centre, size = (rng.uniform(0.45, 0.9), rng.uniform(0.4, 0.55)), 0.33 * recording.size
    canvas.disc(centre, size + 0.03, WOOD)
    canvas.disc(centre, size, recording.dark)
    sectors = int(rng.integers(5, 8))
    pieces = [
        (
            rng.uniform(0.15, 0.75),
            rng.uniform(0, np.pi / sectors),
            rng.uniform(0.08, 0.16) * size,
            colour(recording.hue + rng.uniform(0, 0.5), 0.7, rng.uniform(0.6, 1.0)),
            int(rng.integers(3)),
        )
        for _ in range(6)
    ]
    spin, drift = rng.uniform(0.3, 0.8) * (1, -1)[rng.integers(2)], 0.6 + 0.8 * recording.tempo

    def paint(canvas: Canvas, time_s: float) -> None:
        for order, (far, around, piece, ink, kind) in enumerate(pieces):
            reach = size * (far + 0.08 * float(np.sin(drift * time_s + order)))
            bend = around + 0.25 * float(np.sin(0.8 * drift * time_s + 2 * order))
            for number in range(2 * sectors):
                mirrored = -bend if number % 2 else bend
                angle = mirrored + (number // 2) * 2 * np.pi / sectors + spin * time_s
                spot = turned((centre[0] + reach, centre[1]), angle, centre)
                _piece(canvas, Place(*spot, piece, angle), ink, kind)
        canvas.disc(centre, 0.12 * size, recording.second)

    return Take(canvas.picture, paint)


def _piece(canvas: Canvas, place: Place, ink: Colour, kind: int) -> None:
    if kind == 0:
        canvas.disc((place.x, place.y), place.size, ink)
    elif kind == 1:
        canvas.box((place.x, place.y), (2 * place.size, place.size), ink, place.angle)
    else:
        canvas.polygon([place.at(1, 0), place.at(-1, -1), place.at(-1, 1)], ink)


def stretching_figure(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A person who bends and lifts the arms on a mat."""
    canvas = room(recording)
    x, size, floor = rng.uniform(0.35, 1.0), 0.9 * recording.size, FLOOR + rng.uniform(0.03, 0.12)
    canvas.ellipse((x, floor + 0.04), (0.35, 0.04), recording.second)
    beat_s, phase = 3.6 - 1.6 * recording.tempo, rng.uniform(0, 6.28, 2)
    shirt, trousers = recording.main, recording.dark

    def paint(canvas: Canvas, time_s: float) -> None:
        turn = 2 * np.pi * time_s / beat_s
        bend = 0.45 * float(np.sin(turn + phase[0]))
        lift = 1.3 + 1.2 * float(np.sin(turn + phase[1]))
        knee = 0.05 + 0.06 * (1 + float(np.sin(turn + phase[0])))
        hip = Place(x, floor - (0.36 - knee) * size, size, bend)
        chest = hip.at(0, -0.26)
        for side in (-1, 1):
            foot = (x + side * 0.12 * size, floor + 0.03)
            joint = (x + side * (0.1 + knee) * size, (hip.y + foot[1]) / 2)
            canvas.path([(hip.x, hip.y), joint, foot], 0.07 * size, trousers)
            angle = bend - side * lift
            elbow = turned((chest[0], chest[1] + 0.16 * size), angle, chest)
            hand = turned((elbow[0], elbow[1] + 0.15 * size), angle * 1.15, elbow)
            canvas.path([chest, elbow, hand], 0.05 * size, mixed(shirt, BLACK, 0.15))
            canvas.disc(hand, 0.035 * size, SKIN)
        canvas.line((hip.x, hip.y), chest, 0.13 * size, shirt)
        canvas.disc(hip.at(0, -0.39), 0.075 * size, SKIN)
        canvas.disc(hip.at(0, -0.42), 0.06 * size, trousers)

    return Take(canvas.picture, paint)
