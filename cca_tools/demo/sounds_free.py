"""Sounds that follow no picture: of a street, of the wind, of a fair, and whatever is laid over."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from cca_tools.demo.recording import Cues, Recording
from cca_tools.demo.synth import (
    RATE,
    Sound,
    at_level,
    band,
    coloured,
    fading,
    harmonics,
    in_room,
    moments,
    num_samples,
    place,
    ringing,
    sine,
    slow_noise,
    voiced,
    white,
)

_ORGAN = (1.0, 0.7, 0.5, 0.45, 0.2, 0.25, 0.1, 0.2)
_MOTOR = tuple(order**-0.7 for order in range(1, 25))
_PIANO = (1.0, 0.6, 0.35, 0.25, 0.15, 0.1, 0.06, 0.04)
_VOWELS = (  # formants in Hz
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def _note(step: float, base_hz: float = 220.0) -> float:
    return base_hz * 2 ** (step / 12)


def road(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Engines and tyres: low noise, and cars that pass by."""
    sound = at_level(band(coloured(seconds, 1.8, rng), 30, 2300), 0.5)
    times = moments(seconds)
    for _ in range(3):
        middle, width = rng.uniform(0, seconds), rng.uniform(0.5, 1.0)
        passed = (times - middle) / width
        near = np.exp(-(passed**2))
        revs_hz = 39 * 2 ** (0.6 * recording.pitch) * (1.05 - 0.1 * np.tanh(passed))
        motor = band(harmonics(revs_hz, seconds, _MOTOR), 60, 3000)
        tyres = band(coloured(seconds, 0.56, rng), 335, 1840)
        sound += near * (1.2 * at_level(motor, 0.5) + 0.52 * at_level(tyres, 0.5))
    return sound


def breeze(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Wind in gusts, and what it blows against."""
    gust = 0.08 + slow_noise(seconds, 4 + recording.tempo, rng) ** 0.7
    low = band(coloured(seconds, 0.3, rng), 20, 320)
    high = band(coloured(seconds, 0.2, rng), 690, 8000)
    return gust * at_level(low, 0.5) + 0.1 * gust**2 * at_level(high, 0.5)


def fair_organ(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A waltz on a fairground organ."""
    beat_s = 0.36 - 0.1 * recording.tempo
    base = _note(float(rng.integers(-4, 5)) + 5 * recording.pitch)
    sounds, starts = [], []
    count = int(seconds / beat_s) + 1
    steps = np.cumsum(rng.integers(-2, 3, count)) + 7
    for beat in range(count):
        degree = int(steps[beat])
        pitch = base * 2 * 2 ** ((_MAJOR[degree % 7] + 12 * (degree // 7) - 12) / 12)
        sounds.append(_pipe(pitch, 0.95 * beat_s))
        chord = (base / 2,) if beat % 3 == 0 else (base, base * 2 ** (4 / 12), base * 2 ** (7 / 12))
        sounds.extend(0.5 * _pipe(note, 0.6 * beat_s) for note in chord)
        starts.extend([beat * beat_s] * (1 + len(chord)))
    return in_room(place(seconds, sounds, starts), 0.1, 0.3, rng)


def _pipe(pitch_hz: float, seconds: float) -> Sound:
    times = moments(seconds)
    shape = np.minimum(1, np.minimum(times / 0.02, (seconds - times) / 0.03))
    tremble = 1 + 0.006 * np.sin(2 * np.pi * 6 * times)
    return shape * (harmonics(pitch_hz * tremble, seconds, _ORGAN))


def piano(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Broken chords on a piano."""
    step_s = 0.3 - 0.14 * recording.tempo
    roots = rng.choice((-8, -5, -3, 0, 2, 4), 4)
    sounds, starts = [], []
    for index, start in enumerate(np.arange(0.05, seconds, step_s)):
        root = int(roots[(index // 8) % 4])
        step = root + (0, 7, 12, 16, 19, 16, 12, 7)[index % 8]
        sounds.append(_piano_key(_note(step, 196.0), rng))
        starts.append(float(start))
        if index % 8 == 0:
            sounds.append(_piano_key(_note(root - 12, 196.0), rng))
            starts.append(float(start))
    return in_room(place(seconds, sounds, starts), 0.1, 0.25, rng)


def _piano_key(pitch_hz: float, rng: Generator) -> Sound:
    out = np.zeros(num_samples(1.6))
    for order, weight in enumerate(_PIANO, start=1):
        stiff = order * (1 + 0.0004 * order**2) ** 0.5
        half_life = 0.5 / (1 + 0.5 * order) * (220 / pitch_hz) ** 0.3
        out += weight * ringing(pitch_hz * stiff * rng.normal(1, 0.0005), 1.6, half_life)
    hammer = band(white(0.08, rng), 200, 2500) * fading(0.08, 0.008, 0.0005)
    out[: len(hammer)] += 0.25 * hammer
    return out


def dance_beat(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A drum machine, a bass and chords."""
    beat_s = 60 / (115 + 20 * recording.tempo)
    base = _note(float(rng.integers(-5, 6)), 55.0)
    kick = 1.2 * sine(50 + 120 * fading(0.25, 0.015), 0.25) * fading(0.25, 0.06)
    chord = 0.12 * _chord(4 * base, 0.5 * beat_s)
    sounds, starts = [], []
    for beat in range(int(seconds / beat_s) + 1):
        hat = 0.4 * band(white(0.08, rng), 7000, RATE / 2) * fading(0.08, 0.012)
        tone = base * 2 ** (float(rng.choice((0, 0, 3, 7))) / 12)
        bass = 0.3 * harmonics(tone, 0.4 * beat_s, (1, 0.6, 0.4, 0.3, 0.2, 0.1))
        snare = 0.6 * band(white(0.2, rng), 800, 8000) * fading(0.2, 0.03) * (beat % 2)
        sounds += [kick, chord, snare, hat, bass, hat]
        starts += [(beat + part) * beat_s for part in (0.0, 0.0, 0.0, 0.5, 0.5, 0.75)]
    return place(seconds, sounds, starts)


def _chord(base_hz: float, seconds: float) -> Sound:
    """Return a minor chord."""
    first, third, fifth = (
        harmonics(base_hz * 2 ** (step / 12), seconds, (1, 0.5, 0.3, 0.2)) for step in (0, 3, 7)
    )
    return first + third + fifth


def talk(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """Someone who talks without words."""
    base = 95 * 2 ** (1.2 * recording.pitch)
    sounds, starts, start = [], [], rng.uniform(0, 0.3)
    while start < seconds:
        length = rng.uniform(0.12, 0.3)
        sounds.append(_syllable(base, length, rng))
        starts.append(start)
        start += length * 0.85 + (rng.uniform(0.2, 0.45) if rng.uniform() < 0.15 else 0.02)
    return in_room(place(seconds, sounds, starts), 0.03, 0.2, rng)


def _syllable(base_hz: float, seconds: float, rng: Generator) -> Sound:
    times = moments(seconds)
    pitch = base_hz * rng.uniform(0.85, 1.25) * (1 + rng.uniform(-0.3, 0.2) * times / seconds)
    pitch = pitch * (1 + 0.02 * slow_noise(seconds, 20, rng))
    vowel = voiced(pitch, _VOWELS[rng.integers(len(_VOWELS))], rng)
    shape = np.sin(np.pi * np.minimum(1, times / seconds)) ** 0.6
    sound = at_level(vowel * shape, 0.3)
    if rng.uniform() < 0.5:
        burst = band(white(0.06, rng), rng.uniform(1500, 4000), 8000) * fading(0.06, 0.02, 0.005)
        sound += 0.12 * np.pad(burst, (0, max(0, len(sound) - len(burst))))[: len(sound)]
    return sound


def busy_tone(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A telephone that beeps."""
    period_s, start_s = rng.uniform(0.5, 0.9), rng.uniform(0.0, 0.5)
    on = ((moments(seconds) + start_s) % period_s < 0.5 * period_s).astype(np.float64)
    soft = np.convolve(on, np.full(200, 1 / 200), "same")
    return soft * harmonics(480 * 2 ** (0.3 * recording.pitch), seconds, (1, 0.2, 0.05))


def radio_static(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A radio between two stations."""
    sound = white(seconds, rng) * (0.7 + 0.6 * slow_noise(seconds, 6, rng))
    return band(sound, 200, 9000)


def theremin(recording: Recording, cues: Cues, seconds: float, rng: Generator) -> Sound:
    """A gliding, trembling tone."""
    glide = slow_noise(seconds, 1.0 + recording.tempo, rng)
    tremble = 0.25 * np.sin(2 * np.pi * 5.5 * moments(seconds))
    pitch = 300 * 2 ** (recording.pitch + (12 * glide + tremble) / 12)
    return in_room(harmonics(pitch, seconds, (1, 0.3, 0.12, 0.05)), 0.15, 0.3, rng)
