"""Sounds of the scenes whose picture they belong to: they follow the picture's cues."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from cca_tools.demo.recording import Cues, Recording
from cca_tools.demo.synth import (
    Sound,
    band,
    bell,
    coloured,
    fading,
    harmonics,
    in_room,
    moments,
    place,
    plucked,
    ringing,
    sine,
    white,
)

_STRINGS = (82.4, 110.0, 146.8, 196.0, 246.9, 329.6)  # Hz, a guitar's


def ball_bounces(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A thud, a slap and the ball's own ring at each touch of a hall's floor."""
    base = 89 * 2 ** (0.5 * recording.pitch)

    def bounce(strength: float) -> Sound:
        pitch = base * rng.uniform(0.97, 1.03)
        thud = sine(pitch * (1 + fading(0.4, 0.0118)), 0.4) * fading(0.4, 0.01)
        slap = band(white(0.4, rng), 300, 2000) * fading(0.4, 0.05, 0.0005)
        ring = ringing(10.1 * pitch, 0.4, 0.047) + 0.6 * ringing(21.2 * pitch, 0.4, 0.047)
        return strength * (thud + 1.27 * slap + 0.031 * ring)

    dry = place(seconds, [bounce(strength) for strength in cues.strengths], cues.times_s)
    return band(in_room(dry, 0.27, 0.15, rng), 0, 2820) + 0.026 * coloured(seconds, 1.6, rng)


def bell_strokes(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Strokes of one bell; the bigger, the lower."""
    stroke = bell(350 * 2**recording.pitch, 3.3, rng.uniform(0.3, 0.8), rng)
    strokes = [rng.uniform(0.8, 1.0) * strength * stroke for strength in cues.strengths]
    dry = place(seconds, strokes, cues.times_s)
    return in_room(dry, 0.35, 1.0, rng) + 0.002 * coloured(seconds, 1.9, rng)


def siren_wail(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A wail that is highest when the lamp faces us; cues reach beyond both ends."""
    times = moments(seconds)
    turns = np.interp(times, cues.times_s, np.arange(len(cues.times_s)))
    low = 430 * 2 ** (0.5 * recording.pitch)
    pitch = low * 2 ** (0.5 + 0.5 * np.cos(2 * np.pi * turns))
    loud = 0.75 + 0.25 * np.cos(2 * np.pi * turns)
    wail = loud * harmonics(pitch, seconds, (1, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05))
    return in_room(wail, 0.2, 0.5, rng) + 0.04 * coloured(seconds, 1.0, rng)


def clock_ticks(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Two clicks close together a tick; every other tick is duller."""
    high = 7000 * 2 ** (0.3 * (recording.pitch - 0.5))
    gap_s = rng.uniform(0.009, 0.012)

    def tick(kind: int) -> Sound:
        click = band(white(0.08, rng), 750, 10_000) * fading(0.08, 0.0005, 0.0002)
        both = click + 0.12 * ringing(high * (1.0, 0.4)[kind % 2], 0.08, 0.001)
        return place(0.1, (both, 0.5 * both), (0.0, gap_s))

    dry = place(seconds, [tick(kind) for kind in cues.kinds], cues.times_s)
    return in_room(dry, 0.0125, 0.25, rng) + 0.0126 * coloured(seconds, 1.0, rng)


def string_plucks(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """The strings that the picture plucks, on a wooden body."""
    shift = 1.28 * 2 ** ((recording.pitch - 0.5) * 0.6)
    fade = np.exp2(-moments(2.5) / 1.65)
    plucks = [fade * plucked(_STRINGS[kind] * shift, 2.5, 0.1, rng) for kind in cues.kinds]
    dry = place(seconds, plucks, cues.times_s)
    body = band(dry, 154, 216) + band(dry, 308, 400)
    return in_room(dry + 0.3 * body, 0.023, 0.8, rng) + 0.02 * coloured(seconds, 1.0, rng)
