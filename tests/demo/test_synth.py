import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cca_tools.demo import synth
from cca_tools.demo.synth import RATE


def power_at(sound, low_hz, high_hz):
    """Share of a sound's energy that lies between two frequencies, by the Fourier transform."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    return power[(frequency >= low_hz) & (frequency < high_hz)].sum() / power.sum()


def loudest_hz(sound):
    return np.fft.rfftfreq(len(sound), 1 / RATE)[np.argmax(np.abs(np.fft.rfft(sound)))]


def test_a_sine_has_its_frequency_and_its_power():
    sound = synth.sine(440.0, 1.0)
    assert len(sound) == RATE
    assert loudest_hz(sound) == pytest.approx(440, abs=1)
    assert np.square(sound).mean() == pytest.approx(0.5, abs=1e-3)


def test_a_sine_follows_a_moving_frequency():
    frequency = np.linspace(200, 2000, RATE)
    sound = synth.sine(frequency, 1.0)
    assert loudest_hz(sound[: RATE // 10]) == pytest.approx(290, abs=100)
    assert loudest_hz(sound[-RATE // 10 :]) == pytest.approx(1910, abs=100)


def test_harmonics_equal_the_sum_written_out():
    weights = (1.0, 0.5, 0.0, -0.3, 0.2)
    frequency = np.linspace(300, 500, RATE // 2)
    turns = 2 * np.pi * np.cumsum(frequency) / RATE
    expected = sum(weight * np.sin((k + 1) * turns) for k, weight in enumerate(weights))
    assert np.abs(synth.harmonics(frequency, 0.5, weights) - expected).max() < 1e-9


def test_harmonics_above_the_nyquist_frequency_are_left_out():
    low = synth.harmonics(9000.0, 0.2, (1, 1, 1, 1))
    assert np.abs(low - synth.harmonics(9000.0, 0.2, (1, 1))).max() == 0


@pytest.mark.parametrize(
    ("low", "high"), [(500, 2000), (0, 400), (3000, RATE / 2)], ids=["band", "low", "high"]
)
def test_a_band_keeps_what_lies_in_it(low, high):
    noise = synth.white(1.0, np.random.default_rng(0))
    kept = synth.band(noise, low, high, order=4)
    assert power_at(kept, low * 0.7, high * 1.4) > 0.97


def test_noise_of_slope_two_loses_six_decibels_an_octave():
    noise = synth.coloured(20.0, 2.0, np.random.default_rng(0))
    ratio = power_at(noise, 400, 800) / power_at(noise, 800, 1600)
    assert noise.std() == pytest.approx(1, abs=1e-9)
    assert ratio == pytest.approx(2, rel=0.1)  # a quarter of the density, over twice the width


def test_fading_halves_every_half_life():
    envelope = synth.fading(1.0, 0.1, attack_s=0.001)
    at = [envelope[round(seconds * RATE)] for seconds in (0.2, 0.3, 0.4)]
    assert at == pytest.approx([0.25, 0.125, 0.0625], rel=1e-3)
    assert envelope[0] == 0


def test_ringing_is_a_damped_sine():
    times = np.arange(RATE // 2) / RATE
    expected = np.sin(2 * np.pi * 700 * times) * 0.5 ** (times / 0.05)
    assert np.abs(synth.ringing(700.0, 0.5, 0.05) - expected).max() < 1e-6


def test_place_adds_and_cuts_at_both_ends():
    ones = np.ones(3)
    step = 1 / RATE
    placed = synth.place(5 * step, (ones, 2 * ones, 4 * ones), (-step, 0.0, 3 * step))
    assert placed.tolist() == [3, 3, 2, 4, 4]


@given(st.floats(-1, 1), st.floats(0, 0.2))
@settings(max_examples=30)
def test_place_never_changes_the_length_nor_adds_energy(start_s, seconds):
    sound = synth.white(0.1, np.random.default_rng(0))
    placed = synth.place(seconds, (sound,), (start_s,))
    assert len(placed) == synth.num_samples(seconds)
    assert np.square(placed).sum() <= np.square(sound).sum()


@pytest.mark.parametrize("frequency", [110.0, 247.0])
def test_a_plucked_string_has_its_pitch_and_fades(frequency):
    sound = synth.plucked(frequency, 1.5, 0.1, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(sound[:RATE]))
    combs = np.arange(60, 500)
    comb = [spectrum[[k * pitch for k in range(1, 6)]].sum() for pitch in combs]
    assert combs[int(np.argmax(comb))] == pytest.approx(frequency, rel=0.02)
    assert np.square(sound[-RATE // 4 :]).mean() < 0.5 * np.square(sound[: RATE // 4]).mean()


def test_a_bell_has_a_minor_third_and_outlasts_its_high_partials():
    stroke = synth.bell(400.0, 3.0, 0.8, np.random.default_rng(0))
    assert power_at(stroke, 1.2 * 400 - 15, 1.2 * 400 + 15) > 0.02
    early, late = stroke[: RATE // 4], stroke[-RATE:]
    assert power_at(late, 1500, 9000) < 0.1 * power_at(early, 1500, 9000)


def test_a_vowel_has_its_formants():
    pitch = np.full(RATE, 120.0)
    vowel = synth.voiced(pitch, (700, 1200, 2500), np.random.default_rng(0))
    assert power_at(vowel, 600, 800) > 3 * power_at(vowel, 850, 1050)


def test_an_echo_outlasts_the_sound():
    click = np.zeros(RATE // 2)
    click[100] = 1
    wet = synth.in_room(click, 0.05, 0.5, np.random.default_rng(0))
    assert wet[:100].tolist() == pytest.approx([0] * 100, abs=1e-12)
    assert np.square(wet[200:]).sum() == pytest.approx(0.25, rel=0.2)


def test_slow_noise_stays_within_its_bounds_and_is_slow():
    noise = synth.slow_noise(5.0, 2.0, np.random.default_rng(0))
    assert 0 <= noise.min() < noise.max() <= 1
    assert np.abs(np.diff(noise)).max() * RATE < 2 * np.pi


def test_levels():
    noise = synth.white(0.5, np.random.default_rng(0))
    assert np.sqrt(np.square(synth.at_level(noise, 0.1)).mean()) == pytest.approx(0.1)
    assert np.abs(synth.at_peak(noise, -20)).max() == pytest.approx(0.1)
    assert not synth.at_peak(np.zeros(4), -3).any()
    assert not synth.at_level(np.zeros(4), 1).any()
