"""Primitives of sound: tones, noises, strings, bells, rooms. Pure functions; chance is an argument.

A sound is a float64 array (T,) at `RATE`; full scale is 1, but only `at_peak` keeps to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import signal

RATE = 44_100  # Hz

Sound = NDArray[np.float64]


def num_samples(seconds: float) -> int:
    """Return how many samples ``seconds`` take.

    >>> num_samples(0.5)
    22050
    """
    return round(seconds * RATE)


def moments(seconds: float) -> Sound:
    """Return the time of each sample in seconds."""
    return np.arange(num_samples(seconds)) / RATE


def sine(frequency_hz: float | Sound, seconds: float, phase: float = 0.0) -> Sound:
    """Return a sine whose frequency may move.

    Args:
        frequency_hz: One number, or one a sample.
        seconds: Its length.
        phase: At the start, in radians.
    """
    steps = np.broadcast_to(np.asarray(frequency_hz, dtype=np.float64), num_samples(seconds))
    turns = np.cumsum(steps) / RATE
    return np.asarray(np.sin(2 * np.pi * turns + phase))


def harmonics(frequency_hz: float | Sound, seconds: float, weights: Sequence[float]) -> Sound:
    """Return a sum of harmonics; those above the Nyquist frequency are left out.

    Args:
        frequency_hz: Of the first one, one number or one a sample.
        seconds: Its length.
        weights: Amplitudes of the first, second, third ... harmonic.
    """
    base = np.broadcast_to(np.asarray(frequency_hz, dtype=np.float64), num_samples(seconds))
    turns = 2 * np.pi * np.cumsum(base) / RATE
    audible = int(RATE / 2 / max(float(base.max(initial=0.0)), 1.0))
    before, current, twice_cos = np.zeros_like(turns), np.sin(turns), 2 * np.cos(turns)
    out = np.zeros_like(turns)
    for weight in weights[:audible]:
        out += weight * current
        before, current = current, twice_cos * current - before  # sin((n + 1) x) from two before
    return out


def white(seconds: float, rng: Generator) -> Sound:
    """Return white Gaussian noise of unit variance."""
    return rng.standard_normal(num_samples(seconds))


def band(sound: Sound, low_hz: float, high_hz: float, order: int = 2) -> Sound:
    """Keep what lies between two frequencies; 0 below or ``RATE / 2`` above leaves a side open."""
    if low_hz <= 0:
        design = signal.butter(order, high_hz, "lowpass", fs=RATE, output="sos")
    elif high_hz >= RATE / 2:
        design = signal.butter(order, low_hz, "highpass", fs=RATE, output="sos")
    else:
        design = signal.butter(order, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(design, sound))


def coloured(seconds: float, slope: float, rng: Generator) -> Sound:
    """Return noise whose power falls by ``1 / f ** slope`` (1 is pink, 2 brown), unit variance."""
    count = num_samples(seconds)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= np.maximum(frequency, 20.0) ** (-slope / 2)
    sound = np.fft.irfft(spectrum, count)
    return np.asarray(sound / max(float(sound.std()), 1e-12))


def slow_noise(seconds: float, rate_hz: float, rng: Generator) -> Sound:
    """Return smooth chance between 0 and 1 that changes ``rate_hz`` times a second."""
    knots = rng.uniform(size=int(np.ceil(seconds * rate_hz)) + 4)
    steps = moments(seconds) * rate_hz
    index = steps.astype(np.int64)
    blend = 0.5 - 0.5 * np.cos(np.pi * (steps - index))
    return np.asarray(knots[index] * (1 - blend) + knots[index + 1] * blend)


def fading(seconds: float, half_life_s: float, attack_s: float = 0.002) -> Sound:
    """Return an envelope that rises in ``attack_s`` and then halves every ``half_life_s``."""
    times = moments(seconds)
    return np.asarray(np.minimum(times / attack_s, 1.0) * np.exp2(-times / half_life_s))


def ringing(frequency_hz: float, seconds: float, half_life_s: float) -> Sound:
    """Return a sine that starts at full strength and halves every ``half_life_s``.

    It is the impulse response of a two-pole filter, which is ten times as quick as sine times
    exponential.
    """
    impulse = np.zeros(num_samples(seconds))
    impulse[:1] = 1.0
    turn, shrink = 2 * np.pi * frequency_hz / RATE, 2 ** (-1 / (half_life_s * RATE))
    numerator = [0.0, shrink * np.sin(turn)]
    denominator = [1.0, -2 * shrink * np.cos(turn), shrink**2]
    return np.asarray(signal.lfilter(numerator, denominator, impulse))


def place(seconds: float, sounds: Sequence[Sound], starts_s: Sequence[float]) -> Sound:
    """Return the sum of sounds, each from its own start; what sticks out at either end is cut."""
    out = np.zeros(num_samples(seconds))
    for sound, start_s in zip(sounds, starts_s, strict=True):
        start = num_samples(start_s)
        piece = sound[max(0, -start) : max(0, len(out) - start)]
        out[max(0, start) : max(0, start) + len(piece)] += piece
    return out


_PICK = 0.1  # where along the string it is plucked, which takes out each tenth harmonic
_LOOP = 0.4986  # half of what remains after one round


def plucked(frequency_hz: float, seconds: float, sharpness: float, rng: Generator) -> Sound:
    """Return a plucked string.

    Karplus and Strong (1983), "Digital Synthesis of Plucked-String and Drum Timbres": a burst of
    noise runs round a delay line whose loop averages two samples.

    Args:
        frequency_hz: Its pitch, to the nearest whole period in samples.
        seconds: Its length.
        sharpness: From 0 (thumb) to 1 (plectrum): how little the burst is smoothed.
        rng: For the burst.
    """
    count, period = num_samples(seconds), max(2, round(RATE / frequency_hz - 0.5))
    burst = signal.lfilter([0.2 + 0.8 * sharpness], [1, sharpness * 0.8 - 0.8], white(1, rng))
    line = np.asarray(burst[1000 : 1000 + period])
    line = line - np.roll(line, round(_PICK * period))
    line = (line - line.mean()) / max(float(line.std()), 1e-12)
    out = np.empty((count // period + 1, period))
    for row in out:
        row[:] = line
        line = _LOOP * (line + np.roll(line, 1))
    return out.ravel()[:count]


# frequency ratios and lengths of a church bell's partials: hum, prime, tierce, quint, nominal ...
_BELL_RATIOS = (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.01, 4.1, 5.4, 6.8)
_BELL_WEIGHTS = (0.4, 0.6, 0.7, 0.25, 1.0, 0.35, 0.4, 0.5, 0.4, 0.25, 0.15)
_BELL_LENGTHS = (1.0, 0.7, 0.6, 0.4, 0.5, 0.25, 0.25, 0.2, 0.15, 0.1, 0.06)


def bell(frequency_hz: float, seconds: float, half_life_s: float, rng: Generator) -> Sound:
    """Return one stroke of a bell: inharmonic partials, the higher the sooner gone.

    Args:
        frequency_hz: Of the prime; what one hears as its note lies an octave higher.
        seconds: Its length.
        half_life_s: Of the lowest partial.
        rng: For small faults of the casting, which make pairs of partials beat.
    """
    out = np.zeros(num_samples(seconds))
    for ratio, weight, length in zip(_BELL_RATIOS, _BELL_WEIGHTS, _BELL_LENGTHS, strict=True):
        pitch, beat_hz = frequency_hz * ratio * rng.normal(1.0, 0.004), rng.uniform(0.5, 3.0)
        strong, half_life = weight * rng.uniform(0.7, 1.3), half_life_s * length
        out += strong * ringing(pitch, seconds, half_life)
        out += 0.2 * strong * ringing(pitch + beat_hz, seconds, half_life)
    clapper = band(white(seconds, rng), 1500, 9000) * fading(seconds, 0.006, 0.0005)
    return out + 0.5 * clapper


def voiced(pitch_hz: Sound, formants_hz: Sequence[float], rng: Generator) -> Sound:
    """Return a vowel: glottal pulses through resonances.

    Args:
        pitch_hz: One a sample.
        formants_hz: Centres of the resonances.
        rng: For the breath.
    """
    turns = np.cumsum(pitch_hz) / RATE
    pulses = np.diff(np.floor(turns), prepend=0.0)
    source = np.asarray(signal.lfilter([1.0], [1, -0.96], pulses - pulses.mean()))
    source += 0.02 * rng.standard_normal(len(source))
    out = np.zeros_like(source)
    for order, centre in enumerate(formants_hz):
        width = 60 + 0.06 * centre
        numerator, denominator = signal.iirpeak(centre, centre / width, fs=RATE)
        out += 0.7**order * np.asarray(signal.lfilter(numerator, denominator, source))
    return out


def in_room(sound: Sound, half_life_s: float, share: float, rng: Generator) -> Sound:
    """Add the echo of a room: the sound convolved with fading noise.

    Args:
        sound: The dry sound.
        half_life_s: Of the echo; 0.02 is a chamber, 0.3 a church.
        share: Loudness of the echo against the dry sound, from 0.
        rng: For the echo.
    """
    seconds = min(6 * half_life_s, 2.0)
    echo = band(white(seconds, rng), 100, 6000) * fading(seconds, half_life_s, 0.001)
    echo /= max(float(np.sqrt(np.square(echo).sum())), 1e-12)
    return np.asarray(sound + share * signal.fftconvolve(sound, echo)[: len(sound)])


def at_peak(sound: Sound, peak_dbfs: float) -> Sound:
    """Scale a sound so that its largest sample stands at ``peak_dbfs``; silence stays silence.

    >>> at_peak(np.array([0.1, -0.2]), -6.0206).round(3).tolist()
    [0.25, -0.5]
    """
    peak = float(np.abs(sound).max(initial=0.0))
    return sound * (10 ** (peak_dbfs / 20) / peak) if peak > 0 else sound


def at_level(sound: Sound, rms: float) -> Sound:
    """Scale a sound to a root mean square; silence stays silence."""
    level = float(np.sqrt(np.square(sound).mean())) if len(sound) else 0.0
    return sound * (rms / level) if level > 0 else sound
