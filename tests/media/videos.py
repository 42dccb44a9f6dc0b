"""Small videos whose every picture tells its number."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BARS = 8  # bits of the number, as black or white bars from left to right


def picture(number: int, shape: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    """A picture that tells ``number`` in black and white bars, its lower half grey."""
    height, width = shape
    bits = (number >> np.arange(BARS)) & 1
    row = np.repeat(bits, width // BARS) * 255
    values = np.broadcast_to(row, (height, width)).astype(np.uint8).copy()
    values[height // 2 :] = 128
    return np.repeat(values[..., None], 3, axis=2)


def number_of(values: NDArray[np.uint8]) -> int:
    """The number that a picture tells, also scaled and compressed."""
    height, width = values.shape[:2]
    centres = ((np.arange(BARS) + 0.5) * width / BARS).astype(int)
    bits = values[height // 4, centres].mean(axis=-1) > 127
    return int((bits << np.arange(BARS)).sum())


def write_video(
    path: Path,
    num_frames: int,
    *,
    fps: int = 10,
    shape: tuple[int, int] = (48, 64),
    codec: str = "mpeg4",
    times: list[int] | None = None,
    first: int = 0,
) -> Path:
    """Write a video of numbered pictures.

    Args:
        path: The file; its suffix decides the format.
        num_frames: How many pictures.
        fps: Pictures a second.
        shape: Height and width.
        codec: FFmpeg's name of the encoder.
        times: When each picture is shown, in units of 1 / fps.
        first: Number of the first picture.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = shape
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        stream.gop_size = 6
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(picture(first + number, shape), format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
