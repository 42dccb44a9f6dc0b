"""Scores over time: windows where they should be, and a picture of any suffix."""

from __future__ import annotations

import numpy as np
import pytest
from makers import Track, tone, write_media
from tagging.fakes import LABELS, FakeTagger

from cca_tools.errors import DataError, UsageError
from cca_tools.media.audio import Span
from cca_tools.tagging.timeline import HOP_S, WINDOW_S, draw_timeline, score_over_time


@pytest.fixture
def two_tones(tmp_path):
    """Five seconds of 300 Hz, then five of 1200 Hz."""
    sound = np.concatenate([tone(5, 16_000, hz=300), tone(5, 16_000, hz=1200)])
    return write_media(tmp_path / "a.wav", Track(sound, 16_000))


def test_the_classes_change_when_the_sound_does(two_tones):
    timeline = score_over_time(FakeTagger(), two_tones, Span())
    low, high = LABELS.names.index("250 to 350 Hz"), LABELS.names.index("1000 to 1500 Hz")
    before, after = timeline.times_s < 3.9, timeline.times_s > 6.1
    assert timeline.probs[before, low].min() > 0.9
    assert timeline.probs[after, high].min() > 0.9
    assert timeline.probs[before, high].max() < 0.1
    assert sorted(timeline.top(2).tolist()) == [low, high]


def test_windows_cover_the_clip(two_tones):
    timeline = score_over_time(FakeTagger(), two_tones, Span())
    assert timeline.times_s[0] == WINDOW_S / 2
    assert np.allclose(np.diff(timeline.times_s), HOP_S)
    assert timeline.times_s[-1] + WINDOW_S / 2 == pytest.approx(10, abs=HOP_S)
    assert timeline.probs.shape == (len(timeline.times_s), len(LABELS))


def test_a_segment_is_shown_alone(two_tones):
    timeline = score_over_time(FakeTagger(), two_tones, Span(6.0, 9.0))
    assert len(timeline.samples) == 3 * 16_000
    assert timeline.names[timeline.top(1)[0]] == "1000 to 1500 Hz"


@pytest.mark.parametrize("seconds", [0.001, 0.4, 1.9, 2.0, 2.6])
def test_short_clips_have_a_window(tmp_path, seconds):
    path = write_media(tmp_path / "a.wav", Track(tone(seconds, 16_000), 16_000))
    timeline = score_over_time(FakeTagger(), path, Span())
    assert len(timeline.times_s) == len(timeline.probs) >= 1
    draw_timeline(timeline, "short", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_the_suffix_chooses_the_format(two_tones, tmp_path, suffix, magic):
    timeline = score_over_time(FakeTagger(), two_tones, Span())
    path = tmp_path / "pictures" / f"a.{suffix}"
    draw_timeline(timeline, "$_ and % signs$", path, k=3)
    assert path.read_bytes().startswith(magic)
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_suffix_that_is_no_picture_is_told_in_one_line(two_tones, tmp_path):
    timeline = score_over_time(FakeTagger(), two_tones, Span())
    for name in ("a.mp9", "a"):
        with pytest.raises(UsageError, match=rf"{name} is no name of a picture\. End it in \.png"):
            draw_timeline(timeline, "a", tmp_path / name)
    assert list(tmp_path.iterdir()) == [two_tones]


def test_no_sound_to_show(tmp_path):
    mute = write_media(tmp_path / "a.mp4", picture_s=0.5)
    with pytest.raises(DataError, match="has no sound to show: there is no audio stream"):
        score_over_time(FakeTagger(), mute, Span())
    with pytest.raises(DataError, match="has no sound to show: there is no such file"):
        score_over_time(FakeTagger(), tmp_path / "gone.mp4", Span())
