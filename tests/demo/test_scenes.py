import numpy as np
import pytest

from cca_tools.demo.canvas import HEIGHT, WIDTH, Canvas
from cca_tools.demo.classes import CLASSES, SOUNDS
from cca_tools.demo.recording import Cues, draw_recording, filmed, overheard
from cca_tools.demo.synth import RATE

SECONDS = 3.5
HIGHLY = [name for name, demo in CLASSES.items() if demo.level == "highly"]


def take_of(name, seed=1):
    recording = draw_recording(np.random.default_rng(seed))
    return recording, CLASSES[name].scene(recording, np.random.default_rng(seed + 50), SECONDS)


def shown(take, time_s):
    canvas = Canvas(take.ground)
    take.paint(canvas, time_s)
    return canvas.picture


def inner(cues):
    return [time for time in cues.times_s if 0.3 < time < SECONDS - 0.3]


@pytest.mark.parametrize("name", CLASSES)
def test_every_scene_moves_and_stays_within_range(name):
    recording, take = take_of(name)
    pictures = filmed(take, recording, 1.5, np.random.default_rng(0))
    assert len(pictures) == 18
    for picture in pictures:
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert 0 <= picture.min() < picture.max() <= 1
    assert np.abs(shown(take, 0.2) - shown(take, 0.9)).max() > 0.2


@pytest.mark.parametrize("name", CLASSES)
def test_a_scene_is_the_same_for_the_same_seed_and_another_for_another(name):
    first, again, other = (shown(take_of(name, seed)[1], 0.5) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(4))
def test_the_ball_is_lowest_when_it_is_heard(seed):
    _, take = take_of("BouncingBall", seed)

    def lowest_row(time_s):
        changed = np.abs(shown(take, time_s) - take.ground).max(axis=2) > 0.25
        return np.flatnonzero(changed.any(axis=1)).max()

    assert inner(take.cues)
    for time in inner(take.cues):
        high = min(lowest_row(time - 0.3), lowest_row(time + 0.3))
        assert lowest_row(time) >= high


@pytest.mark.parametrize("seed", range(4))
def test_the_bell_stands_still_when_it_is_struck(seed):
    _, take = take_of("RingingBell", seed)

    def speed(time_s):
        return np.abs(shown(take, time_s + 0.01) - shown(take, time_s - 0.01)).sum()

    step = np.diff(take.cues.times_s)[0]
    for time in inner(take.cues):
        assert speed(time) < speed(time + step / 2)


@pytest.mark.parametrize("seed", range(4))
def test_the_beacon_is_brightest_when_the_siren_is_highest(seed):
    _, take = take_of("SpinningSiren", seed)
    turn_s = np.diff(take.cues.times_s)[0]

    def brightness(time_s):
        return shown(take, time_s).max(axis=2).sum()

    for time in inner(take.cues):
        assert brightness(time) > brightness(time + turn_s / 2)


@pytest.mark.parametrize("seed", range(4))
def test_the_hand_jumps_when_the_clock_ticks(seed):
    _, take = take_of("TickingClock", seed)

    def red(time_s):
        picture = shown(take, time_s)
        return (picture[:, :, 0] > 0.75) & (picture[:, :, 1:].max(axis=2) < 0.3)

    for time in inner(take.cues):
        assert (red(time - 0.02) ^ red(time + 0.02)).sum() > 0
        assert (red(time + 0.05) ^ red(time + 0.3)).sum() == 0


def test_the_lower_the_string_that_is_plucked_the_lower_it_sounds():
    recording, take = take_of("PluckedStrings")
    assert len(set(take.cues.kinds)) > 2
    periods = []
    for string in range(6):
        cues = Cues((0.0,), (1.0,), (string,))
        sound = SOUNDS["strings"].make(recording, cues, 0.5, np.random.default_rng(0))
        spectrum = np.abs(np.fft.rfft(sound, 2**16)) ** 2
        likeness = np.fft.irfft(spectrum)[: RATE // 60]
        lags = np.flatnonzero(likeness > 0.7 * likeness[RATE // 600 :].max())
        periods.append(lags[lags > RATE // 600][0])
    assert periods == sorted(set(periods), reverse=True)
    # a guitar's outer strings lie two octaves apart; a peak is a few samples wide
    assert periods[0] / periods[5] == pytest.approx(4, rel=0.06)


@pytest.mark.parametrize("name", ["BouncingBall", "RingingBell", "TickingClock", "PluckedStrings"])
def test_the_sound_sets_in_at_the_cues(name):
    for seed in range(3):
        recording, take = take_of(name, seed)
        rng = np.random.default_rng(0)
        dry = SOUNDS[CLASSES[name].sound].make(recording, take.cues, SECONDS, rng)
        heard = overheard(dry, recording, SECONDS, rng)
        loudness = np.convolve(np.diff(heard) ** 2, np.ones(882) / 882, "valid")  # 20 ms
        rises = [
            loudness[round((time + 0.002) * RATE)] / loudness[round((time - 0.022) * RATE)]
            for time in inner(take.cues)
        ]
        assert np.median(rises) > 1.5


@pytest.mark.parametrize("seed", range(3))
def test_the_siren_is_highest_at_its_cues(seed):
    recording, take = take_of("SpinningSiren", seed)
    sound = SOUNDS["siren"].make(recording, take.cues, SECONDS, np.random.default_rng(0))
    turn_s = np.diff(take.cues.times_s)[0]

    def pitch(time_s):
        middle = round(time_s * RATE)
        piece = sound[max(0, middle - 2000) : middle + 2000]
        return np.argmax(np.abs(np.fft.rfft(piece, 2**15))) * RATE / 2**15

    times = [time for time in inner(take.cues) if time + turn_s / 2 < SECONDS - 0.1]
    assert times
    for time in times:
        assert pitch(time) > 1.3 * pitch(time + turn_s / 2)


def test_a_bigger_thing_sounds_lower():
    recordings = [draw_recording(np.random.default_rng(seed)) for seed in range(200)]
    sizes = [recording.size for recording in recordings]
    pitches = [recording.pitch for recording in recordings]
    assert np.corrcoef(sizes, pitches)[0, 1] < -0.8


@pytest.mark.parametrize("kind", SOUNDS)
def test_every_sound_has_its_length_and_is_no_silence(kind):
    recording, _ = take_of("BouncingBall")
    demo_class = next((c for c in CLASSES.values() if c.sound == kind), None)
    cues = Cues()
    if demo_class is not None:
        scene = demo_class.scene(recording, np.random.default_rng(3), SECONDS)
        cues = scene.cues
    sound = SOUNDS[kind].make(recording, cues, SECONDS, np.random.default_rng(0))
    assert sound.shape == (round(SECONDS * RATE),)
    assert np.isfinite(sound).all()
    assert np.square(sound).mean() > 1e-6
