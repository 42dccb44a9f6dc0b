"""Decoding of one video stream to small JPEG pictures, whatever the file is like.

Runs in child processes (`cca_tools.media.guard`), so it imports nothing heavy, and it answers
with a status where others would raise.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from cca_tools.errors import WorkspaceError
from cca_tools.media.audio import PREROLL_S, Span
from cca_tools.media.containers import open_container, why_unreadable
from cca_tools.media.frame_reader import FrameReader, message_of

SIZE_DTYPE = np.dtype("<u4")  # of the table of sizes that ends a packed video
LONGEST_SIDE = 1024  # in pixels; pictures of odd shapes get a smaller short side
_SHORTFALL_S, _SHORTFALL_SHARE = 0.5, 0.02
_FAILURES = (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError)


@dataclass(frozen=True)
class FrameSampling:
    """Which frames of a video are kept, and how.

    Args:
        short_side: Of the pictures, in pixels.
        quality: Of the JPEG, 1 to 95.
        fps: Frames a second to keep, at most the file's own; None keeps all.
        stride: Keep every so many-th frame (of those that ``fps`` keeps).
        max_frames: Keep no more than the first so many; 0 keeps all.
    """

    short_side: int = 128
    quality: int = 90
    fps: float | None = None
    stride: int = 1
    max_frames: int = 0


@dataclass(frozen=True)
class PackedFrames:
    """What came out of a file, or of a segment of one.

    Attributes:
        status: ``ok``, ``partial``, ``no_video_stream``, ``decode_error`` or ``missing_file``.
        detail: What a reader should know of it, empty where there is nothing to say.
        num_frames: Pictures that were written.
        height: Of the pictures, in pixels.
        width: Likewise.
        fps: Pictures a second by the file's time stamps, None where they do not tell.
        num_bytes: Of the written file: the pictures one after the other, then their sizes in
            bytes as little-endian uint32.
        sha256: Of the written file.
    """

    status: str = "ok"
    detail: str = ""
    num_frames: int = 0
    height: int = 0
    width: int = 0
    fps: float | None = None
    num_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class PackTask:
    """The arguments of `pack_frames` in one, as pools want them."""

    path: str
    target: str
    span: Span
    sampling: FrameSampling


def run_pack_task(task: PackTask) -> PackedFrames:
    """Run `pack_frames`; it stands here so that children import nothing heavy for it."""
    return pack_frames(task.path, task.target, task.span, task.sampling)


def pack_frames(path: str, target: str, span: Span, sampling: FrameSampling) -> PackedFrames:
    """Write the pictures of a local file's first video stream to ``target`` as JPEGs.

    Pictures are turned as the file says and have square pixels. Damaged packets are skipped and
    counted; a file that ends before its own header says is ``partial``.

    Args:
        path: A local file; never taken for an address, whatever it looks like.
        target: The file to write; what it holds is only meant if the status is ok or partial.
        span: The part to decode; its ``max_s`` is not used.
        sampling: What to keep.

    Returns:
        What was written and how it went. User files never make it raise.

    Raises:
        WorkspaceError: ``target`` cannot be written: that is the run's trouble, not the file's.
    """
    reason = why_unreadable(Path(path))
    if reason is not None:
        return PackedFrames(*reason)
    for can_seek in (True, False) if span.start_s > PREROLL_S else (False,):
        with _writing(target), Path(target).open("wb") as file:
            sink = _Sink(file, sampling)
            try:
                packed = _pack(path, span, sink, can_seek)
            except _FAILURES as error:
                packed = PackedFrames("decode_error", message_of(error))
            if packed is not None:
                return packed
    return PackedFrames("decode_error", "no position can be found")


@contextmanager
def _writing(target: str) -> Iterator[None]:
    """Raise what hinders writing as an error of the run, which ends it."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"cannot write {target}: {error.strerror}",
            "Free some space, or choose another folder with --workspace, and run it again",
        ) from error


def _pack(path: str, span: Span, sink: _Sink, can_seek: bool) -> PackedFrames | None:
    """Pack ``span``; None when the file was to be sought in and cannot be."""
    covers = av.stream.Disposition.attached_pic
    with open_container(path, pictures=True) as container:
        streams = [one for one in container.streams.video if not one.disposition & covers]
        if not streams:
            return PackedFrames("no_video_stream", "there is no moving picture")
        if streams[0].codec_context is None:
            return PackedFrames("decode_error", "no decoder knows its pictures")
        reader = FrameReader(container, streams[0], span)
        if can_seek and not reader.seek():
            return None
        for time_s, frame in _thinned(reader.frames(), sink.sampling, span):
            sink.add(frame, time_s, reader.aspect)
            if sink.is_full:
                break
        if reader.is_lost or (can_seek and not sink.sizes):
            return None
        return _judge(sink.finish(), reader, sink)


def _judge(packed: PackedFrames, reader: FrameReader, sink: _Sink) -> PackedFrames:
    """Give ``packed`` its status and detail from how the reading went."""
    notes = []
    if reader.damaged:
        notes.append(f"{reader.damaged} damaged packet{'s' * (reader.damaged > 1)} skipped")
    if reader.error:
        notes.append(f"reading stopped early: {reader.error}")
    missing_s = 0.0 if sink.is_full else reader.missing_s()
    is_short = missing_s > max(_SHORTFALL_S, _SHORTFALL_SHARE * reader.position_s)
    if is_short:
        notes.append(f"the pictures end {missing_s:.2f} s before the file says")
    status = "partial" if is_short or reader.error else "ok"
    if not packed.num_frames:
        status = "decode_error"
        notes = notes or ["it has no picture in this span"]
    return replace(packed, status=status, detail="; ".join(notes))


def _thinned(
    frames: Iterator[tuple[float, av.VideoFrame]], sampling: FrameSampling, span: Span
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Keep the first frame at or after each tick of ``fps``, then every ``stride``-th."""
    kept = 0
    tick_s = -math.inf
    for time_s, frame in frames:
        if sampling.fps is not None:
            if time_s < tick_s:
                continue
            past = max(0, math.floor((time_s - span.start_s) * sampling.fps + 1e-6))
            tick_s = span.start_s + (past + 1) / sampling.fps - 1e-6
        if kept % sampling.stride == 0:
            yield time_s, frame
        kept += 1


@dataclass
class _Sink:
    """Scales, turns and writes pictures, all to the shape of the first."""

    file: io.BufferedWriter
    sampling: FrameSampling
    sizes: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    shape: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._scaler = VideoReformatter()
        self._digest = hashlib.sha256()

    @property
    def is_full(self) -> bool:
        """Whether no more pictures are wanted."""
        return 0 < self.sampling.max_frames <= len(self.sizes)

    def add(self, frame: av.VideoFrame, time_s: float, aspect: float) -> None:
        picture = self._picture(frame, aspect)
        encoded = io.BytesIO()
        Image.fromarray(picture).save(encoded, "JPEG", quality=self.sampling.quality)
        self._write(encoded.getvalue())
        self.sizes.append(encoded.tell())
        self.times_s.append(time_s)

    def _picture(self, frame: av.VideoFrame, aspect: float) -> NDArray[np.uint8]:
        turns = round(frame.rotation / 90) % 4
        if not self.sizes:
            height, width = scaled_shape(
                (frame.height, round(frame.width * aspect)), self.sampling.short_side
            )
            self.shape = (width, height) if turns % 2 else (height, width)
        height, width = self.shape[::-1] if turns % 2 else self.shape
        method = "AREA" if frame.width > width else "BICUBIC"
        scaled = self._scaler.reformat(frame, width, height, "rgb24", interpolation=method)
        picture: NDArray[np.uint8] = np.rot90(scaled.to_ndarray(), turns)
        return np.ascontiguousarray(picture)

    def _write(self, data: bytes) -> None:
        with _writing(self.file.name):
            self.file.write(data)
        self._digest.update(data)

    def finish(self) -> PackedFrames:
        self._write(np.array(self.sizes, SIZE_DTYPE).tobytes())
        with _writing(self.file.name):
            self.file.flush()
        seconds = self.times_s[-1] - self.times_s[0] if len(self.sizes) > 1 else 0.0
        return PackedFrames(
            num_frames=len(self.sizes),
            height=self.shape[0],
            width=self.shape[1],
            fps=(len(self.sizes) - 1) / seconds if seconds > 0 else None,
            num_bytes=sum(self.sizes) + SIZE_DTYPE.itemsize * len(self.sizes),
            sha256=self._digest.hexdigest(),
        )


def scaled_shape(shape: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return height and width with this short side and the same proportions.

    The long side is at most `LONGEST_SIDE`; then the short one is smaller, but at least 1.

    >>> scaled_shape((240, 320), 128), scaled_shape((16, 1600), 128)
    ((128, 171), (10, 1024))
    """
    scale = min(short_side / min(shape), LONGEST_SIDE / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
