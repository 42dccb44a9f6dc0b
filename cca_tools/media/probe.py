"""What a media file holds, by its headers: streams and length. Runs in a child; imports little."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from cca_tools.media.containers import open_container, why_unreadable


@dataclass(frozen=True)
class MediaInfo:
    """What the headers of one file say.

    Args:
        status: ``ok``, ``missing_file`` or ``decode_error``; for a probe that ran in a child also
            ``timeout`` or ``decoder_crash``. A file without sound is ``ok``.
        detail: Why it is not ``ok``, else empty.
        duration_s: Length in seconds, NaN where neither header nor packets tell it.
        num_audio_streams: Number of audio streams.
        has_video: Whether there is a moving picture; the cover of a song is none.
        bytes: Size of the file.
    """

    status: str = "ok"
    detail: str = ""
    duration_s: float = math.nan
    num_audio_streams: int = 0
    has_video: bool = False
    bytes: int = 0

    @property
    def has_audio(self) -> bool:
        """Whether there is at least one audio stream."""
        return self.num_audio_streams > 0


def probe(path: str | Path) -> MediaInfo:
    """Read the headers of a local file; nothing is decoded, and user files never make it raise.

    The name is never taken for an option or an address: ``-x.mp4`` and ``concat:x`` are files.
    """
    path = Path(path)
    reason = why_unreadable(path)
    size = size_of(path)
    if reason is not None:
        return MediaInfo(*reason, bytes=size)
    try:
        with open_container(str(path)) as container:
            return _describe(container, size)
    except Exception as error:  # a damaged header makes PyAV raise nearly anything
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return MediaInfo("decode_error", " ".join(str(text).split()), bytes=size)


def probe_many(paths: Sequence[str]) -> list[MediaInfo]:
    """Probe several files in one task: for small files the way to the child costs as much."""
    return [probe(path) for path in paths]


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 where there is no file."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _describe(container: av.container.InputContainer, size: int) -> MediaInfo:
    covers = av.stream.Disposition.attached_pic
    pictures = [one for one in container.streams.video if not one.disposition & covers]
    num_audio_streams = len(container.streams.audio)
    if not pictures and not num_audio_streams:
        return MediaInfo("decode_error", "it has neither picture nor sound", bytes=size)
    return MediaInfo(
        duration_s=_duration_s(container),
        num_audio_streams=num_audio_streams,
        has_video=bool(pictures),
        bytes=size,
    )


def _duration_s(container: av.container.InputContainer) -> float:
    if container.duration is not None and container.duration > 0:
        return float(container.duration / av.time_base)
    return _last_packet_s(container)


def _last_packet_s(container: av.container.InputContainer) -> float:
    """Return where the last packet ends: recordings of a browser have no length in the header."""
    first_s, last_s = math.inf, -math.inf
    try:
        for packet in container.demux():
            if packet.pts is None or packet.time_base is None:
                continue
            start_s = float(packet.pts * packet.time_base)
            first_s = min(first_s, start_s)
            last_s = max(last_s, start_s + float((packet.duration or 0) * packet.time_base))
    except (av.FFmpegError, OSError):
        pass  # cut off: what was read so far is the length there is
    return last_s - first_s if last_s > first_s else math.nan
