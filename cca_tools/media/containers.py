"""Opening local media files with FFmpeg, and what their headers say."""

from __future__ import annotations

import os
import stat
import struct
from functools import cache
from pathlib import Path

import av

av.logging.set_level(av.logging.PANIC)

# Formats without a header to trust: FFmpeg guesses their length from the bit rate.
_GUESSED = {"aac", "ac3", "amr", "dts", "eac3", "flv", "loas", "mp3", "mpeg", "mpegts", "mpegvideo"}
_PLAYLISTS = {
    "applehttp", "concat", "dash", "hls", "image2", "imf", "lavfi", "rtp", "rtsp", "sap", "sdp",
    "vapoursynth", "vobsub", "webm_dash_manifest",
}  # fmt: skip
_AVI_HEAD = 1 << 16  # the headers of an AVI file lie within
_MOST_CHUNKS = 100  # before the samples of a WAV file
_OPEN_SIZE = 0x7FFF0000  # what recorders write for samples from here on, if they cannot go back


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


@cache
def _single_files() -> str:
    """Return the names of all formats but those that make FFmpeg open other files, or devices."""
    return ",".join(sorted(av.formats_available - _PLAYLISTS))


def open_container(path: str, *, pictures: bool = False) -> av.container.InputContainer:
    """Open a local file for its audio; a name like ``http:x`` or ``-x.mp4`` is a file's name.

    Args:
        path: A local file.
        pictures: Allow the decoders of pictures, too.

    Raises:
        av.FFmpegError: It is no media file, or it is damaged.
    """
    options = {"format_whitelist": _single_files(), "protocol_whitelist": "file"}
    if not pictures:
        options["codec_whitelist"] = _audio_decoders()
    if path.lower().endswith(".wav"):
        options["probesize"] = "32768"  # else FFmpeg searches megabytes of it for hidden DTS
    return av.open(f"file:{path}", options=options, metadata_errors="replace")


def why_unreadable(path: Path) -> tuple[str, str] | None:
    """Return (status, reason) when ``path`` is no file that can be read, else None."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing_file", "there is no such file"
    except (OSError, ValueError) as error:  # a name too long, or with a null byte
        return "decode_error", str(getattr(error, "strerror", None) or error)
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
    (MP3, ADTS, transport streams) are not declared. Matroska keeps a stream's end in a tag. Of a
    WAV or AVI file FFmpeg tells what is there; what its header promises has to be read.
    """
    if set(container.format.name.split(",")) & _GUESSED:
        return None
    path = Path(container.name.removeprefix("file:"))
    if container.format.name == "wav" and stream.codec_context.name.startswith("pcm_"):
        return _wav_s(path)
    if container.format.name == "avi":
        return _avi_s(path)
    if stream.duration is None or stream.time_base is None:
        return _clock_s(stream.metadata.get("DURATION", ""))
    zero_s = (container.start_time or 0) / av.time_base
    start_s = max(0.0, float((stream.start_time or 0) * stream.time_base) - zero_s)
    return start_s + float(stream.duration * stream.time_base)


def _wav_s(path: Path) -> float | None:
    """Return the seconds that the header of a WAV file declares, None if it leaves them open."""
    bytes_per_s = 0
    with path.open("rb") as file:
        file.seek(12)
        for _ in range(_MOST_CHUNKS):
            kind, size = file.read(4), int.from_bytes(file.read(4), "little")
            if kind == b"data":
                is_told = bytes_per_s and 0 < size < _OPEN_SIZE
                return size / bytes_per_s if is_told else None
            chunk = file.read(16) if kind == b"fmt " else b""
            if len(chunk) == 16:
                rate, block = (int.from_bytes(chunk[a:b], "little") for a, b in ((4, 8), (12, 14)))
                bytes_per_s = rate * block
            file.seek(size + size % 2 - len(chunk), os.SEEK_CUR)
    return None


def _avi_s(path: Path) -> float | None:
    """Return where the header of an AVI file says that its first sound ends, or None."""
    with path.open("rb") as file:
        head = file.read(_AVI_HEAD)
    at = head.find(b"strh")
    while at >= 0 and head[at + 8 : at + 12] != b"auds":
        at = head.find(b"strh", at + 4)
    if at < 0 or len(head) < at + 44:
        return None
    scale, rate, start, length = struct.unpack_from("<4I", head, at + 28)
    return (start + length) * scale / rate if scale and rate and length else None


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
