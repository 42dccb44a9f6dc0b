"""Decoding whole files: lengths, levels, formats, channels, and the numbers against hand's work."""

from __future__ import annotations

import math
import wave

import numpy as np
import pytest
from makers import Track, noise, tone, warble, write_media

from cca_tools.media.audio import DecodedAudio, Span, decode_audio

RATE = 16_000

# name -> (status, seconds of sound, what the detail says); the lengths are the headers'
FORMATS = {
    "-video-with-dash-.mp4": ("no_audio_stream", 0.0, "there is no audio stream"),
    "av1_video.mkv": ("no_audio_stream", 0.0, "there is no audio stream"),
    "big_buck_bunny_432_433.webm": ("ok", 1.0, ""),
    "chaplin.mp4": ("ok", 9.61, ""),
    "corrupted.mp4": ("no_audio_stream", 0.0, "there is no audio stream"),
    "flipping_a_pancake.mkv": ("ok", 10.37, ""),
    "h264_10bits.mp4": ("no_audio_stream", 0.0, "there is no audio stream"),
    "h265_video.mp4": ("no_audio_stream", 0.0, "there is no audio stream"),
    "mmaction2_demo_no_audio.mp4": ("no_audio_stream", 0.0, "there is no audio stream"),
    "nasa_13013.mp4": ("ok", 13.06, "2 audio streams, the first is used"),
    "no_duration.webm": ("ok", 4.86, ""),
    "result.webm": ("decode_error", 0.0, "the file is empty (0 bytes)"),
    "transparent.webm": ("ok", 4.94, ""),
    "video_with_failing_audio.mp4": ("ok", 11.23, ""),
}


@pytest.mark.parametrize("name", FORMATS)
def test_real_formats(shared, name):
    status, seconds, detail = FORMATS[name]
    sound = decode_audio(str(shared / "data/clips/formats" / name), RATE)
    assert (sound.status, sound.detail) == (status, detail)
    assert sound.seconds == pytest.approx(seconds, abs=0.02)
    assert len(sound.samples) == pytest.approx(sound.seconds * RATE, abs=1)
    assert sound.next_s is None


def test_the_table_of_formats_is_complete(shared):
    assert {path.name for path in (shared / "data/clips/formats").iterdir()} == set(FORMATS)


@pytest.mark.parametrize("num_samples", [0, 1, 2, 320, 31_999])
@pytest.mark.parametrize("rate", [16_000, 32_000, 44_100])
def test_very_short_clips_keep_their_length(tmp_path, num_samples, rate):
    path = write_media(tmp_path / "a.wav", Track(np.full(num_samples, 0.5, np.float32), rate))
    sound = decode_audio(str(path), RATE)
    assert sound.status == "ok"
    assert sound.num_samples == num_samples
    assert sound.seconds == num_samples / rate
    assert abs(len(sound.samples) - num_samples * RATE / rate) < 1
    assert sound.peak == (0.5 if num_samples else 0.0)


def test_peak_and_energy_by_hand(tmp_path):
    """Half a second of +0.5 and -0.25 in turns: peak 1/2, mean square (1/4 + 1/16) / 2 = 5/32."""
    turns = np.tile(np.array([0.5, -0.25], np.float32), 4000)
    sound = decode_audio(str(write_media(tmp_path / "a.wav", Track(turns, RATE))), RATE)
    assert (sound.peak, sound.num_samples, sound.seconds) == (0.5, 8000, 0.5)
    assert sound.energy / sound.num_samples == pytest.approx(5 / 32, rel=1e-6)
    assert np.array_equal(sound.samples, turns)


def test_channels_are_averaged_not_added(tmp_path):
    """Left 0.5 and right -0.25 make 0.125."""
    sides = np.stack([np.full(800, 0.5, np.float32), np.full(800, -0.25, np.float32)])
    for codec in ("pcm_s16le", "pcm_f32le"):
        sound = decode_audio(str(write_media(tmp_path / "a.wav", Track(sides, RATE, codec))), RATE)
        assert np.allclose(sound.samples, 0.125, atol=1e-7)
        assert sound.peak == 0.125


TOLERANCE = {
    "pcm_u8": 2**-7,
    "pcm_s16le": 2**-15,
    "pcm_s16be": 2**-15,
    "pcm_s24le": 2**-23,
    "pcm_s32le": 1e-7,
    "pcm_s64le": 1e-7,
    "pcm_f32le": 0,
    "pcm_f64le": 0,
    "pcm_alaw": 0.02,
    "pcm_mulaw": 0.02,
}


@pytest.mark.parametrize("codec", TOLERANCE)
def test_sample_formats_agree(tmp_path, codec):
    made = tone(0.25, RATE, amplitude=0.9)
    suffix = "aiff" if codec.endswith("be") else "wav"
    sound = decode_audio(str(write_media(tmp_path / f"a.{suffix}", Track(made, RATE, codec))), RATE)
    assert sound.status == "ok"
    assert np.abs(sound.samples - made).max() <= TOLERANCE[codec]


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("wanted", [16_000, 32_000])
def test_rates_keep_pitch_level_and_length(tmp_path, rate, wanted):
    path = write_media(tmp_path / "a.wav", Track(tone(1.0, rate, hz=1000, amplitude=0.5), rate))
    sound = decode_audio(str(path), wanted)
    assert (sound.status, sound.seconds, len(sound.samples)) == ("ok", 1.0, wanted)
    spectrum = np.abs(np.fft.rfft(sound.samples)) / (wanted / 2)
    assert int(spectrum.argmax()) == 1000
    assert spectrum[1000] == pytest.approx(0.5, rel=0.01)
    assert np.delete(spectrum, range(990, 1011)).max() < 0.005


@pytest.mark.parametrize("num_channels", [1, 2, 6, 8])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("wav", "pcm_s16le"), ("wav", "pcm_f32le"), ("flac", "flac"), ("mkv", "libopus"),
     ("m4a", "aac")],
)  # fmt: skip
def test_any_number_of_channels_is_averaged(tmp_path, guarded, num_channels, suffix, codec):
    """Channel n has amplitude (n + 1) / 10, so the mean has (N + 1) / 20.

    PyAV reads beyond the eight planes of 7.1 in AAC and Opus; in a child, for it ended in a crash.
    """
    one = tone(0.5, 48_000, hz=200)
    channels = np.stack([one * (number + 1) / 5 for number in range(num_channels)])
    path = write_media(tmp_path / f"a.{suffix}", Track(channels, 48_000, codec))
    outcome = guarded.submit(decode_audio, str(path), RATE).result()
    sound = outcome.value
    assert sound is not None, outcome
    assert sound.status == "ok"
    middle = sound.samples[RATE // 10 : RATE * 4 // 10]
    expected = (num_channels + 1) / 20
    # AAC and Opus limit the bass channel of surround sound to a narrow band
    tolerance = 0.25 if codec in ("aac", "libopus") and num_channels > 2 else 0.03
    assert math.sqrt(2 * np.mean(middle**2)) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30, -1e30])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_samples_that_are_no_sound_are_cut_off_and_told(tmp_path, bad, codec, num_channels):
    if codec == "pcm_f64le" and abs(bad) == 1e30:
        bad *= 1e200  # beyond float32
    values = np.tile(tone(0.25, RATE).astype(np.float64), (num_channels, 1))
    values[:, 100] = bad
    path = tmp_path / "a.wav"
    dtype = "<f4" if codec == "pcm_f32le" else "<f8"
    write_float_wav(path, values.T.astype(dtype), RATE)
    sound = decode_audio(str(path), RATE)
    assert sound.status == "ok"
    assert sound.detail == "samples that are no number or beyond 8 were cut off"
    assert np.isfinite(sound.samples).all()
    assert sound.peak == pytest.approx(0.5 if math.isnan(bad) else 8.0, rel=1e-4)
    assert math.isfinite(sound.energy)
    assert np.allclose(np.delete(sound.samples, 100), np.delete(values[0], 100), atol=1e-6)


def write_float_wav(path, values, rate):
    """A WAV file of floating-point samples, bit by bit as given: (T, channels)."""
    data = values.tobytes()
    num_channels, width = values.shape[1], values.dtype.itemsize
    head = b"fmt " + (16).to_bytes(4, "little") + (3).to_bytes(2, "little")
    head += num_channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
    head += (rate * num_channels * width).to_bytes(4, "little")
    head += (num_channels * width).to_bytes(2, "little") + (8 * width).to_bytes(2, "little")
    body = b"WAVE" + head + b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)


@pytest.mark.parametrize("rate", [1, 7, 999, 3_000_001, 4_000_000_000])
def test_a_rate_that_no_recorder_has_is_damage(tmp_path, rate):
    """Believed, 100 kB at 1 Hz would be 14 hours, and a gigabyte after resampling."""
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(b"\x00\x10" * 50_000)
    data = bytearray(path.read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(data)
    sound = decode_audio(str(path), RATE)
    assert sound.status == "decode_error"
    assert len(sound.samples) == 0
    assert sound.detail


def test_of_two_audio_streams_the_first_is_used_and_said(tmp_path):
    path = write_media(
        tmp_path / "a.mp4",
        Track(tone(1, 48_000, hz=500), 48_000, "aac"),
        Track(tone(1, 48_000, hz=3000), 48_000, "aac"),
        picture_s=1,
    )
    sound = decode_audio(str(path), RATE)
    assert (sound.status, sound.detail) == ("ok", "2 audio streams, the first is used")
    assert int(np.abs(np.fft.rfft(sound.samples[:RATE])).argmax()) == 500


def test_no_audio_stream(tmp_path):
    sound = decode_audio(str(write_media(tmp_path / "a.mp4", picture_s=0.5)), RATE)
    assert (sound.status, sound.seconds, len(sound.samples)) == ("no_audio_stream", 0.0, 0)


def test_an_all_zero_track(tmp_path):
    path = write_media(tmp_path / "a.mp4", Track(np.zeros(44_100, np.float32), 44_100, "aac"))
    sound = decode_audio(str(path), RATE)
    assert (sound.status, sound.peak, sound.energy) == ("ok", 0.0, 0.0)
    assert sound.seconds == pytest.approx(1, abs=0.05)


def test_a_rate_that_changes_on_the_way_changes_neither_pitch_nor_length(tmp_path):
    """Two ADTS files one after the other are one: first at 44.1, then at 24 kHz."""
    parts = [
        write_media(tmp_path / f"{rate}.aac", Track(tone(2, rate, hz=1000), rate, "aac"))
        for rate in (44_100, 24_000)
    ]
    joined = tmp_path / "joined.aac"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    sound = decode_audio(str(joined), RATE)
    assert sound.seconds == pytest.approx(4, abs=0.2)
    assert len(sound.samples) == pytest.approx(4 * RATE, abs=0.2 * RATE)
    for start_s in (0.5, 2.7):
        second = sound.samples[round(start_s * RATE) :][:RATE]
        assert int(np.abs(np.fft.rfft(second)).argmax()) == 1000


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "delay_s"),
    [("wav", "pcm_s16le", 44_100, 0), ("mp3", "libmp3lame", 44_100, 0), ("m4a", "aac", 44_100, 0),
     ("ogg", "libopus", 48_000, 0), ("webm", "libopus", 48_000, 0), ("flac", "flac", 44_100, 0),
     ("mkv", "aac", 44_100, 0), ("mov", "alac", 44_100, 0), ("ts", "aac", 44_100, 1024 / 44_100),
     ("avi", "libmp3lame", 44_100, 1105 / 44_100)],
)  # fmt: skip
def test_containers_give_the_sound_that_went_in(tmp_path, suffix, codec, rate, delay_s):
    """Transport streams and AVI have no way to say that the encoder's delay is to be dropped."""
    made = warble(3, rate)
    path = write_media(tmp_path / f"a.{suffix}", Track(made, rate, codec))
    sound = decode_audio(str(path), rate)
    assert sound.status == "ok"
    start = round(delay_s * rate)
    heard = sound.samples[start : start + len(made)]
    assert sound.seconds == pytest.approx(3 + delay_s, abs=0.05)
    assert np.corrcoef(heard, made[: len(heard)])[0, 1] > 0.98


def test_sound_shorter_and_later_than_the_picture_is_no_damage(tmp_path):
    for suffix, codec in (("mp4", "aac"), ("mkv", "aac"), ("webm", "libopus"), ("ts", "aac")):
        made = Track(noise(2, 48_000), 48_000, codec, start_s=1.5)
        sound = decode_audio(str(write_media(tmp_path / f"a.{suffix}", made, picture_s=6)), RATE)
        assert (sound.status, sound.detail) == ("ok", ""), suffix
        assert sound.seconds == pytest.approx(2, abs=0.06), suffix


def test_a_span_without_sound_gives_nothing(tmp_path):
    path = write_media(tmp_path / "a.wav", Track(noise(2, RATE), RATE))
    for span in (Span(5.0, 6.0), Span(5.0), Span(1.0, 1.0), Span(1.5, 1.0)):
        sound = decode_audio(str(path), RATE, span)
        assert (sound.seconds, sound.next_s) == (0.0, None)
    assert decode_audio(str(path), RATE, Span(-3.0, 1.0)).seconds == 1.0


def test_the_answer_for_nothing_decoded_is_silence_of_length_zero():
    empty = DecodedAudio()
    assert (empty.samples.dtype, empty.samples.shape, empty.next_s) == (np.float32, (0,), None)
