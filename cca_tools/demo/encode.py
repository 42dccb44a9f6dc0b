"""Pictures and sound into an MP4 file that every browser plays: H.264 and AAC, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from cca_tools.demo.canvas import Picture
from cca_tools.demo.recording import FRAME_RATE
from cca_tools.demo.synth import RATE, Sound
from cca_tools.workspace import atomic_path

_AUDIO_FRAME = 1024  # samples, AAC's
# x264's macroblock tree depends on where in memory its frames happen to lie
_VIDEO_OPTIONS = {
    "preset": "veryfast",
    "crf": "28",
    "g": str(FRAME_RATE),
    "threads": "1",
    "x264-params": "mbtree=0:bframes=0",
}
_AUDIO_OPTIONS = {"aac_coder": "fast"}
_BITS_A_SECOND = 64_000
# no version strings in the file; the index at its front, so that playing starts before the end
_CONTAINER_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


def write_video(path: Path, pictures: Sequence[Picture], sound: Sound | None) -> None:
    """Write one MP4 file, atomically; the same input gives the same bytes.

    Args:
        path: Where to; an existing file is replaced.
        pictures: `FRAME_RATE` a second, (H, W, 3) float32 from 0 to 1, of even height and width.
        sound: (T,) at `RATE`, within [-1, 1]; None for a file without an audio stream.

    Raises:
        WorkspaceError: The folder cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options=_CONTAINER_OPTIONS) as container,
    ):
        video = container.add_stream("libx264", rate=FRAME_RATE, options=_VIDEO_OPTIONS)
        height, width, _ = pictures[0].shape
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        packets = []
        audio: Any = None
        if sound is not None:
            audio = container.add_stream("aac", rate=RATE, layout="mono", options=_AUDIO_OPTIONS)
            audio.bit_rate = _BITS_A_SECOND
        for frame in _video_frames(pictures):
            packets += video.encode(frame)
        packets += video.encode(None)
        if audio is not None and sound is not None:
            for frame in _audio_frames(sound):
                packets += audio.encode(frame)
            packets += audio.encode(None)
        for packet in sorted(packets, key=_due_s):
            container.mux(packet)


def _due_s(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


def _video_frames(pictures: Sequence[Picture]) -> Iterator[Any]:
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray((picture * 255).astype(np.uint8), format="rgb24")
        frame.pts = index
        yield frame


def _audio_frames(sound: Sound) -> Iterator[Any]:
    samples = np.clip(sound, -1.0, 1.0).astype(np.float32)
    for start in range(0, len(samples), _AUDIO_FRAME):
        piece = np.ascontiguousarray(samples[None, start : start + _AUDIO_FRAME])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        yield frame
