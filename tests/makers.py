"""Small media files made with PyAV: sounds of known shape, in any container, damaged at will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]  # (channels, T) or (T,)

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
NOISE_DB = 1e-4


@dataclass(frozen=True)
class Track:
    """One audio stream of a file.

    Args:
        sound: (T,) or (channels, T) float32, full scale = 1.
        rate: In Hz.
        codec: FFmpeg's name of the encoder.
        start_s: When it begins on the file's time line.
        gaps: (position_s, length_s) pairs: time that passes at a position without any packet.
        bit_rate: In bits per second, None for the encoder's own choice.
    """

    sound: Sound
    rate: int
    codec: str = "pcm_s16le"
    start_s: float = 0.0
    gaps: Sequence[tuple[float, float]] = field(default=())
    bit_rate: int | None = None


def tone(seconds: float, rate: int, *, hz: float = 440.0, amplitude: float = 0.5) -> Sound:
    """A sine, (T,) float32."""
    time_s = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def noise(seconds: float, rate: int, *, seed: int = 0, amplitude: float = 0.1) -> Sound:
    """Gaussian noise that is nowhere the same, (T,) float32."""
    rng = np.random.default_rng(seed)
    return (amplitude * rng.standard_normal(round(seconds * rate))).astype(np.float32)


def warble(seconds: float, rate: int, *, seed: int = 0, highest_hz: float = 2000) -> Sound:
    """A tone that glides and swells without repeating: survives lossy codecs, (T,) float32."""
    rng = np.random.default_rng(seed)
    points = int(seconds * 4) + 8
    time_s = np.arange(round(seconds * rate)) / rate
    knots_s = np.arange(points) / 4
    hz = np.interp(time_s, knots_s, rng.uniform(200, highest_hz, points))
    loudness = np.interp(time_s, knots_s, rng.uniform(0.02, 0.5, points))
    return (loudness * np.sin(2 * np.pi * np.cumsum(hz) / rate)).astype(np.float32)


def beeps(seconds: float, rate: int, *, every_s: float = 1.0, length_s: float = 0.05) -> Sound:
    """A short 1 kHz beep at every whole ``every_s``, silence between, (T,) float32."""
    time_s = np.arange(round(seconds * rate)) / rate
    on = (time_s % every_s) < length_s
    return (0.5 * on * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32)


def beep_times_s(samples: Sound, rate: int) -> list[float]:
    """The times at which beeps begin: where the level rises after at least 0.2 s of quiet."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    first = np.flatnonzero(np.diff(loud, prepend=-rate) > 0.2 * rate)
    return [float(loud[position]) / rate for position in first]


def write_media(
    path: Path,
    *tracks: Track,
    picture_s: float = 0.0,
    format_name: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a file with these audio tracks, and a small picture of ``picture_s`` seconds."""
    with av.open(f"file:{path}", "w", format=format_name, options=options or {}) as container:
        streams = [_audio_stream(container, track) for track in tracks]
        packets = []
        if picture_s:
            packets += _picture_packets(container, picture_s, Path(path).suffix)
        for stream, track in zip(streams, tracks, strict=True):
            packets += _audio_packets(stream, track)
        if not packets:
            container.start_encoding()
        for packet in sorted(packets, key=_time_of):
            container.mux(packet)
    return path


def _time_of(packet: av.Packet) -> float:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return float((stamp or 0) * packet.time_base)


def _audio_stream(container: av.container.OutputContainer, track: Track) -> av.AudioStream:
    channels = 1 if track.sound.ndim == 1 else len(track.sound)
    allow = {"strict": "experimental"}  # for Vorbis
    layout = LAYOUTS[channels]
    stream = container.add_stream(track.codec, rate=track.rate, options=allow, layout=layout)
    if track.bit_rate:
        stream.bit_rate = track.bit_rate
    return stream


def _audio_packets(stream: av.AudioStream, track: Track) -> list[av.Packet]:
    context = stream.codec_context
    resampler = av.AudioResampler(context.format.name, stream.layout, track.rate)
    # float64 holds all that float32 does; packed, because PyAV loses its way in eight planes
    values = np.atleast_2d(track.sound).T.astype(np.float64)
    packets = []
    step = context.frame_size or 1024
    for start in range(0, len(values), step):
        block = values[start : start + step].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, "dbl", stream.layout)
        frame.sample_rate, frame.pts = track.rate, start
        frame.time_base = Fraction(1, track.rate)
        for one in resampler.resample(frame):
            packets += stream.encode(one)
    packets += stream.encode(None)
    for packet in packets:
        _shift(packet, track)
    return packets


def _shift(packet: av.Packet, track: Track) -> None:
    at_s = float(packet.pts * packet.time_base)
    late_s = track.start_s + sum(length for position, length in track.gaps if at_s >= position)
    ticks = round(late_s / packet.time_base)
    packet.pts += ticks
    packet.dts = packet.pts if packet.dts is None else packet.dts + ticks


def _picture_packets(
    container: av.container.OutputContainer, seconds: float, suffix: str
) -> list[av.Packet]:
    codec = {".webm": "libvpx", ".avi": "mpeg4"}.get(suffix, "mpeg4")
    stream = container.add_stream(codec, rate=10)
    stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
    packets = []
    for number in range(round(seconds * 10)):
        values = np.full((32, 32, 3), number * 7 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(values, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 10)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def cut(data: bytes, share: float) -> bytes:
    """The first ``share`` of the bytes."""
    return data[: int(len(data) * share)]


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed: single ones, a run of them, or a piece left out or put in twice."""
    values = bytearray(data)
    kind = int(rng.integers(5))
    # half of the damage goes to the head, where formats keep what they are
    end = len(values) if rng.random() < 0.5 else min(len(values), 2048)
    position = int(rng.integers(end))
    length = int(rng.integers(1, 64))
    if kind == 0:
        for _ in range(int(rng.integers(1, 30))):
            values[int(rng.integers(end))] = int(rng.integers(256))
    elif kind == 1:
        values[position : position + length] = rng.bytes(len(values[position : position + length]))
    elif kind == 2:
        del values[position : position + length]
    elif kind == 3:
        values[position:position] = values[position : position + length]
    else:
        values[position] ^= 1 << int(rng.integers(8))
    return bytes(values)
