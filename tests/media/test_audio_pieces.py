"""Decoding in pieces and of segments: the joints fit, and times are the file's times."""

from __future__ import annotations

import numpy as np
import pytest
from makers import Track, beep_times_s, beeps, noise, warble, write_media

from cca_tools.media.audio import Span, decode_audio

RATE = 16_000
LENGTH_S = 30.3

# how PyAV can write it: suffix, codec, rate; the video containers also with a picture
CONTAINERS = {
    "wav": ("wav", "pcm_s16le", 44_100),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "m4a": ("m4a", "aac", 44_100),
    "adts": ("aac", "aac", 44_100),
    "ogg-vorbis": ("ogg", "vorbis", 44_100),
    "ogg-opus": ("opus", "libopus", 48_000),
    "webm-opus": ("webm", "libopus", 48_000),
    "flac": ("flac", "flac", 44_100),
    "mkv-aac": ("mkv", "aac", 44_100),
    "ts-aac": ("ts", "aac", 44_100),
    "mpg-mp2": ("mpg", "mp2", 44_100),
    "avi-mp3": ("avi", "libmp3lame", 44_100),
    "avi-pcm": ("avi", "pcm_s16le", 44_100),
    "mp4-aac": ("mp4", "aac", 44_100),
    "mov-pcm": ("mov", "pcm_s16le", 44_100),
}
WITH_PICTURE = {"webm", "mkv", "ts", "mpg", "avi", "mp4", "mov"}
# those that can say that their sound begins later than the picture
KEEPS_START = ("webm-opus", "mkv-aac", "ts-aac", "mpg-mp2", "mp4-aac", "mov-pcm")


def make(folder, name, sound, **track):
    """A file of a container of the table, with this sound (T,) at the container's rate."""
    suffix, codec, rate = CONTAINERS[name]
    if codec == "vorbis":  # FFmpeg's own encoder takes two channels
        sound = np.stack([sound, sound])
    picture_s = 20.0 if suffix in WITH_PICTURE else 0.0
    made = Track(sound, rate, codec, **track)
    return str(write_media(folder / f"a.{suffix}", made, picture_s=picture_s))


def in_pieces(path, max_s, start_s=0.0, end_s=None):
    """All pieces of a span."""
    pieces = [decode_audio(path, RATE, Span(start_s, end_s, max_s))]
    while pieces[-1].next_s is not None:
        assert pieces[-1].next_s > (pieces[-2].next_s if len(pieces) > 1 else start_s)
        pieces.append(decode_audio(path, RATE, Span(pieces[-1].next_s, end_s, max_s)))
    return pieces


def likeness(one, other):
    """(lag in seconds, correlation) of two sounds of the same length, at the best lag."""
    size = 2 * len(one)
    cross = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)))
    best = int(cross.argmax())
    lag = best if best < len(one) else best - size
    return lag / RATE, float(cross[best] / np.sqrt(np.dot(one, one) * np.dot(other, other)))


@pytest.mark.parametrize("name", CONTAINERS)
def test_pieces_join_to_the_whole(tmp_path, name):
    # the time stamps of a program stream are those of its packets, which hold a frame and a bit
    exact_s = 0.06 if name == "mpg-mp2" else 0.005
    path = make(tmp_path, name, warble(LENGTH_S, CONTAINERS[name][2], highest_hz=800))
    whole = decode_audio(path, RATE)
    pieces = in_pieces(path, 7.0)
    joined = np.concatenate([piece.samples for piece in pieces])
    assert {piece.status for piece in pieces} == {"ok"}
    assert {piece.detail for piece in pieces} == {""}
    assert len(pieces) == 5
    assert all(7.0 <= piece.seconds < 7.2 for piece in pieces[:-1])
    assert len(joined) == pytest.approx(len(whole.samples), abs=exact_s * RATE)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(whole.seconds, abs=exact_s)
    assert sum(piece.energy for piece in pieces) == pytest.approx(whole.energy, rel=0.01)
    assert max(piece.peak for piece in pieces) == pytest.approx(whole.peak, rel=0.01)
    for second in range(1, int(LENGTH_S) - 1):
        part = slice(second * RATE, (second + 1) * RATE)
        lag_s, correlation = likeness(whole.samples[part], joined[part])
        assert abs(lag_s) <= exact_s, (second, lag_s)
        assert correlation > (0.5 if name == "mpg-mp2" else 0.9), (second, correlation)


def test_ten_minutes_come_in_five_pieces_of_two(tmp_path):
    path = str(write_media(tmp_path / "a.mp3", Track(noise(600, 8000), 8000, "libmp3lame")))
    pieces = in_pieces(path, Span().max_s)
    assert [round(piece.seconds) for piece in pieces][:5] == [120] * 5
    assert sum(piece.seconds for piece in pieces) == pytest.approx(600, abs=0.3)
    assert {piece.status for piece in pieces} == {"ok"}


@pytest.mark.parametrize(
    ("name", "start_s"),
    [(name, 0.0) for name in CONTAINERS] + [(name, 2.7) for name in KEEPS_START],
)
def test_segments_are_where_they_should_be(tmp_path, name, start_s):
    """Beeps at every whole second of the sound, which itself begins at ``start_s``.

    A segment from 10.5 s to 15.5 s has the beeps of seconds 11 to 15 of the file's time line.
    """
    path = make(tmp_path, name, beeps(22, CONTAINERS[name][2]), start_s=start_s)
    delay_s = 0.026 if name in ("ts-aac", "avi-mp3", "adts", "mpg-mp2", "mp4-aac") else 0.0
    for begin, end in ((10.5, 15.5), (0.5, 4.5), (0.0, 4.5), (17.25, None)):
        sound = decode_audio(path, RATE, Span(begin, end))
        last = end or 22 + start_s
        truth = [second + start_s - begin for second in range(22)]
        expected = [at for at in truth if 0 <= at < last - begin - 0.2]
        if begin < start_s:  # silence that no packet holds is not made up
            expected = [at - (start_s - begin) for at in expected]
        heard = beep_times_s(sound.samples, RATE)
        assert sound.status == "ok"
        assert len(heard) == len(expected), (begin, heard, expected)
        assert np.abs(np.array(heard) - expected).max() < 0.012 + delay_s, (begin, heard, expected)


@pytest.mark.parametrize("name", KEEPS_START)
def test_late_sound_in_pieces_is_heard_once(tmp_path, name):
    """Counting from zero here and by time stamps there would give the late seconds twice."""
    path = make(tmp_path, name, beeps(30, CONTAINERS[name][2]), start_s=5.0)
    pieces = in_pieces(path, 7.0)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(30, abs=0.06)
    joined = np.concatenate([piece.samples for piece in pieces])
    assert len(beep_times_s(joined, RATE)) == 30
    assert {(piece.status, piece.detail) for piece in pieces} == {("ok", "")}


@pytest.mark.parametrize("name", ["webm-opus", "mkv-aac", "ts-aac"])
def test_a_gap_in_the_time_stamps_is_neither_filled_nor_heard_twice(tmp_path, name):
    """Half a minute of sound with ten seconds of nothing after the twelfth second."""
    sound = beeps(30, CONTAINERS[name][2])
    path = make(tmp_path, name, sound, gaps=[(12.5, 10.0)])
    pieces = in_pieces(path, 7.0)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(30, abs=0.1)
    joined = np.concatenate([piece.samples for piece in pieces])
    assert len(beep_times_s(joined, RATE)) == 30
    after = decode_audio(path, RATE, Span(24.5, 27.5))
    expected = np.array([0.5, 1.5, 2.5])
    assert np.array(beep_times_s(after.samples, RATE)) == pytest.approx(expected, abs=0.04)
    across = decode_audio(path, RATE, Span(11.5, 23.9))
    assert across.seconds == pytest.approx(12.5 - 11.5 + 23.9 - 22.5, abs=0.1)


@pytest.mark.parametrize("name", ["wav", "mp4-aac", "webm-opus", "mp3"])
def test_a_piece_that_ends_with_the_file_has_an_empty_successor_at_most(tmp_path, name):
    path = make(tmp_path, name, noise(14, CONTAINERS[name][2]))
    pieces = in_pieces(path, 7.0)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(14, abs=0.05)
    assert {piece.status for piece in pieces} == {"ok"}
