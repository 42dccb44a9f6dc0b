"""Scenes whose sound belongs to the picture: what can be heard is what can be seen to happen."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from cca_tools.demo.backdrops import FLOOR, room
from cca_tools.demo.canvas import ASPECT, BLACK, Canvas, colour, mixed
from cca_tools.demo.place import Place
from cca_tools.demo.recording import FRAME_RATE, Cues, Recording, Take
from cca_tools.demo.things_indoors import (
    BRASS,
    GLOWS,
    SKIN,
    STRINGS,
    WOOD,
    Hands,
    ball,
    beacon,
    bell,
    clock,
    guitar,
    string_height,
)


def _regular(first_s: float, step_s: float, seconds: float) -> tuple[float, ...]:
    return tuple(float(time) for time in np.arange(first_s, seconds, step_s))


def bouncing_ball(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A ball that someone dribbles; each touch of the ground is a cue, the higher the harder."""
    ground, radius = FLOOR + rng.uniform(0.04, 0.14), 0.1 * recording.size
    step_s = 0.95 - 0.25 * recording.tempo
    hits = np.cumsum(
        [-rng.uniform(0.1, 0.6), *rng.uniform(0.88, 1.12, int(seconds / step_s) + 4) * step_s]
    )
    start, drift = rng.uniform(0.3, 1.0), rng.uniform(-0.25, 0.25)

    def paint(canvas: Canvas, time_s: float) -> None:
        last = int(np.searchsorted(hits, time_s, side="right")) - 1
        span = float(hits[last + 1] - hits[last])
        since = (time_s - float(hits[last])) / span
        height = 2.6 * span**2 * since * (1 - since)
        reach = ASPECT - 2 * radius
        x = radius + abs((start + drift * time_s) % (2 * reach) - reach)
        squash = 1 - 0.2 * max(0.0, 1 - 12 * min(since, 1 - since))
        shadow = 1 / (1 + 2 * height)
        canvas.ellipse((x, ground), (radius * shadow, 0.02), BLACK, 0.35 * shadow)
        spot = Place(x, ground - radius * squash - height, radius, 6 * drift * time_s)
        ball(canvas, spot, recording.main, squash)

    spans = np.diff(hits)
    seen = [(hits[i + 1], spans[i]) for i in range(len(spans)) if 0 <= hits[i + 1] < seconds]
    cues = Cues(
        tuple(float(time) for time, _ in seen),
        tuple(float(np.clip(span, 0.4, 1)) for _, span in seen),
    )
    return Take(room(recording, "ball").picture, paint, cues)


def ringing_bell(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A bell that swings on its beam; the clapper strikes at the end of each swing."""
    canvas = room(recording, "bell")
    x, y, size = rng.uniform(0.35, 1.0), rng.uniform(0.06, 0.3), 0.38 * recording.size
    canvas.line((x - 0.3, y), (x + 0.3, y), 0.045, mixed(WOOD, BLACK, 0.2))
    for side in (-1, 1):
        canvas.line((x + 0.29 * side, y), (x + 0.29 * side, 0.0), 0.03, mixed(WOOD, BLACK, 0.4))
    half_turn_s = 1.05 - 0.35 * recording.tempo
    first_s, swing = rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.7)
    metal = mixed(BRASS, recording.main, 0.3)

    def paint(canvas: Canvas, time_s: float) -> None:
        phase = np.pi * (time_s - first_s) / half_turn_s
        clapper = 1.2 * swing * float(np.cos(phase - 0.25))
        bell(canvas, Place(x, y, size, swing * float(np.cos(phase))), metal, clapper)

    times = _regular(first_s, half_turn_s, seconds)
    return Take(canvas.picture, paint, Cues(times, (1.0,) * len(times)))


def spinning_siren(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A rotating beacon; each time it faces us, the siren is at its highest."""
    canvas = room(recording, "beacon")
    dusk = rng.uniform(0.55, 0.95)
    place = Place(rng.uniform(0.3, 1.05), rng.uniform(0.42, 0.68), 0.19 * recording.size)
    top = place.y + 0.9 * place.size
    canvas.box((place.x, (top + 0.95) / 2), (0.3, 0.95 - top), mixed(WOOD, recording.second, 0.5))
    glow = GLOWS[rng.integers(len(GLOWS))]
    turn_s, first_s = 2.2 - 1.5 * recording.tempo, rng.uniform(0.0, 2.2)

    def paint(canvas: Canvas, time_s: float) -> None:
        beacon(canvas, place, glow, 2 * np.pi * (time_s - first_s) / turn_s)

    times = tuple(float(t) for t in np.arange(first_s - 4 * turn_s, seconds + turn_s, turn_s))
    ground = canvas.picture * np.float32(dusk)
    return Take(ground, paint, Cues(times, (1.0,) * len(times)))


def ticking_clock(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A clock with a pendulum; the hand jumps, and the clock ticks, at the end of each swing."""
    size = 0.19 * recording.size
    place = Place(rng.uniform(0.3, 1.0), rng.uniform(0.24, 0.5), size)
    wood = mixed(WOOD, recording.main, 0.35)
    step_s = 0.46 + 0.08 * (1 - recording.tempo)
    first_s, start = rng.uniform(0.05, step_s), int(rng.integers(60))
    hour, minute = rng.uniform(0, 6.28, 2)

    def paint(canvas: Canvas, time_s: float) -> None:
        jumps = start + np.floor((time_s - first_s) / step_s + 1e-6)
        swing = 0.45 * float(np.cos(np.pi * (time_s - first_s) / step_s))
        clock(canvas, place, wood, Hands(hour, minute, float(jumps) * np.pi / 15, swing))

    times = _regular(first_s, step_s, seconds)
    cues = Cues(times, (1.0,) * len(times), tuple(range(len(times))))
    return Take(room(recording, "clock").picture, paint, cues)


def plucked_strings(recording: Recording, rng: Generator, seconds: float) -> Take:
    """A guitar; a plectrum plucks one string after the other, and they tremble."""
    canvas = room(recording, "guitar")
    wood = mixed(colour(0.08, 0.55, 0.7), recording.main, 0.3)
    x, y, tilt = rng.uniform(0.55, 0.95), rng.uniform(0.4, 0.65), rng.uniform(-0.25, 0.35)
    place = Place(x, y, 0.3 * recording.size, tilt)
    step_s = 0.5 - 0.25 * recording.tempo
    times = _regular(rng.uniform(0.05, 0.2), step_s, seconds - 0.1)
    kinds = tuple(int(kind) for kind in rng.integers(0, STRINGS, len(times)))

    def bulge(string: int, time_s: float) -> float:
        struck = [
            time_s - time
            for time, kind in zip(times, kinds, strict=True)
            if kind == string and time <= time_s
        ]
        side = (-1) ** round(time_s * FRAME_RATE)
        return side * 0.12 * float(np.exp(-3 * struck[-1])) if struck else 0.0

    def paint(canvas: Canvas, time_s: float) -> None:
        bulges = [bulge(string, time_s) for string in range(STRINGS)]
        guitar(canvas, place, wood, recording.second, bulges)
        last = max(int(np.searchsorted(times, time_s, side="right")) - 1, 0)
        ahead = min(last + 1, len(times) - 1)
        share = float(np.clip((time_s - times[last]) / step_s, 0, 1))
        down = string_height(kinds[last]) * (1 - share) + string_height(kinds[ahead]) * share
        across = 0.12 + 0.12 * float(np.sin(np.pi * share))
        tip, palm = place.at(across, down), place.at(across + 0.75, down + 0.1)
        hand = [tip, place.at(across + 0.5, down - 0.25), place.at(across + 0.55, down + 0.25)]
        canvas.polygon(hand, recording.second)
        canvas.line(palm, place.at(across + 1.6, down + 1.6), 0.3 * place.size, recording.main)
        canvas.disc(palm, 0.3 * place.size, SKIN)

    return Take(canvas.picture, paint, Cues(times, (1.0,) * len(times), kinds))
