"""Opening local media files with FFmpeg, and what their headers say."""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path

import av

av.logging.set_level(av.logging.PANIC)

# Formats without a header to trust: FFmpeg guesses their length from the bit rate.
_GUESSED = {"aac", "ac3", "amr", "dts", "eac3", "flv", "loas", "mp3", "mpeg", "mpegts", "mpegvideo"}


@cache
def _audio_decoders() -> str:
    """Return the names of all audio decoders, comma separated.

    Given to FFmpeg as the only ones allowed: opening a video then skips its first picture,
    which takes five times as long as all else and is where damaged files crash.
    """
    names = []
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "r")
        except av.codec.codec.UnknownCodecError:
            continue
        if codec.type == "audio":
            names.append(name)
    return ",".join(names)


def open_container(path: str) -> av.container.InputContainer:
    """Open a local file for its audio; a name like ``http:x`` or ``-x.mp4`` is a file's name.

    Raises:
        av.FFmpegError: It is no media file, or it is damaged.
    """
    options = {"codec_whitelist": _audio_decoders(), "protocol_whitelist": "file"}
    if path.lower().endswith(".wav"):
        options["probesize"] = "32768"  # else FFmpeg searches megabytes of it for hidden DTS
    return av.open(f"file:{path}", options=options, metadata_errors="replace")


def why_unreadable(path: Path) -> tuple[str, str] | None:
    """Return (status, reason) when ``path`` is no file that can be read, else None."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing_file", "there is no such file"
    except OSError as error:
        return "decode_error", str(error.strerror or error)
    if stat.S_ISDIR(mode):
        return "decode_error", "it is a folder"
    if not stat.S_ISREG(mode):
        return "decode_error", "it is no regular file"
    if not os.access(path, os.R_OK):
        return "decode_error", "permission denied"
    if path.stat().st_size == 0:
        return "decode_error", "the file is empty (0 bytes)"
    return None


def audio_end_s(container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    """Return where the header says that an audio stream ends, None if it can't be trusted.

    In seconds from the file's first packet. Lengths that FFmpeg only guesses from the bit rate
    (MP3, ADTS, transport streams) are not declared. Matroska keeps a stream's end in a tag.
    """
    if set(container.format.name.split(",")) & _GUESSED:
        return None
    if stream.duration is None or stream.time_base is None:
        return _clock_s(stream.metadata.get("DURATION", ""))
    zero_s = (container.start_time or 0) / av.time_base
    start_s = max(0.0, float((stream.start_time or 0) * stream.time_base) - zero_s)
    return start_s + float(stream.duration * stream.time_base)


def _clock_s(text: str) -> float | None:
    """Return the seconds of ``HH:MM:SS.fraction``.

    >>> _clock_s("00:01:02.500000000")
    62.5
    """
    try:
        hours, minutes, seconds = text.split("\0")[0].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
