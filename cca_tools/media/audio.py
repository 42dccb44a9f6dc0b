"""Decoding of one audio stream to mono float32 at a wanted rate, whatever the file is like.

Runs in child processes (`cca_tools.media.guard`), so it imports nothing heavy, and it answers
with a status where others would raise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np

from cca_tools.media.containers import audio_end_s, open_container, why_unreadable
from cca_tools.media.samples import Samples, mono, repair, resample

PREROLL_S = 1.0  # decoded and dropped after a seek: codecs need a few frames to settle
LOWEST_RATE, HIGHEST_RATE = 1_000, 3_000_000  # in Hz; a file with another one is damaged
_SHORTFALL_S, _SHORTFALL_SHARE = 0.5, 0.02
_LATE_S = 0.05  # a seek that ends so much after its target missed it
_GAP_S = 0.25  # time stamps that run ahead of the samples by more tell of a gap


@dataclass(frozen=True)
class DecodedAudio:
    """What came out of a file, or of one piece of it.

    Attributes:
        samples: float32 (T,), mono (mean of the channels), at the rate that was asked for.
        status: ``ok``, ``partial``, ``no_audio_stream``, ``decode_error`` or ``missing_file``.
        detail: What a reader should know of it, empty where there is nothing to say.
        seconds: Length of what was decoded, at the file's own rate.
        peak: Largest absolute sample before resampling, full scale = 1.
        energy: Sum of the squared samples before resampling.
        num_samples: Number of samples before resampling.
        next_s: Where the next piece starts, None when this one was the last.
    """

    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    status: str = "ok"
    detail: str = ""
    seconds: float = 0.0
    peak: float = 0.0
    energy: float = 0.0
    num_samples: int = 0
    next_s: float | None = None


@dataclass(frozen=True)
class Span:
    """Which part of a file to decode.

    Attributes:
        start_s: Start on the file's own time line, whose zero is the file's first packet.
        end_s: End, or None for the end of the file.
        max_s: Longest piece to return at once; `DecodedAudio.next_s` tells where to go on.
    """

    start_s: float = 0.0
    end_s: float | None = None
    max_s: float = 120.0


def decode_audio(path: str, sample_rate: int, span: Span | None = None) -> DecodedAudio:
    """Decode the first audio stream of a file to mono float32.

    Channels are averaged, the rate is changed by soxr at its high quality (the default of
    librosa). Damaged packets are skipped and counted; a file that ends before its own header
    says is ``partial``.

    Args:
        path: A local file; never taken for an address, whatever it looks like.
        sample_rate: Wanted rate in Hz.
        span: The part to decode, by default all of it in pieces of 120 s.

    Returns:
        The samples and how it went. User files never make it raise.
    """
    reason = why_unreadable(Path(path))
    if reason is not None:
        return DecodedAudio(status=reason[0], detail=reason[1])
    span = span or Span()
    try:
        decoded = _decode(path, sample_rate, span, can_seek=span.start_s > PREROLL_S)
        if decoded is None:
            decoded = _decode(path, sample_rate, span, can_seek=False)
    except (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError) as error:
        return DecodedAudio(status="decode_error", detail=_message(error))
    return decoded or DecodedAudio(status="decode_error", detail="no position can be found")


def _message(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def _decode(path: str, sample_rate: int, span: Span, can_seek: bool) -> DecodedAudio | None:
    """Decode ``span``; None when the file was to be sought in and cannot be."""
    with open_container(path) as container:
        streams = container.streams.audio
        if not streams:
            return DecodedAudio(status="no_audio_stream", detail="there is no audio stream")
        if streams[0].codec_context is None:
            return DecodedAudio(status="decode_error", detail="no decoder knows its audio")
        reader = _Reader(container, streams[0], span)
        if can_seek and not reader.seek():
            return None
        pieces = _Pieces(sample_rate)
        for piece, rate in reader.pieces():
            pieces.add(piece, rate)
        if reader.is_lost or (can_seek and not reader.num_frames):
            return None
        decoded = pieces.finish()
        notes = [f"{len(streams)} audio streams, the first is used"] if len(streams) > 1 else []
        return _judge(decoded, reader, notes)


def _judge(decoded: DecodedAudio, reader: _Reader, notes: list[str]) -> DecodedAudio:
    """Give ``decoded`` its status and detail from how the reading went."""
    if reader.damaged:
        notes.append(f"{reader.damaged} damaged packet{'s' * (reader.damaged > 1)} skipped")
    if reader.error:
        notes.append(f"reading stopped early: {reader.error}")
    expected = reader.expected_s()
    missing = 0.0 if expected is None or reader.next_s else expected - decoded.seconds
    short = missing > max(_SHORTFALL_S, _SHORTFALL_SHARE * (expected or 0.0))
    if short:
        notes.append(f"{expected:.2f} s declared, {decoded.seconds:.2f} s decoded")
    beyond = not decoded.num_samples and reader.position_s < reader.span.start_s - _LATE_S
    if beyond:
        notes.append(f"the sound ends at {reader.position_s:.2f} s, before the segment begins")
    status = "partial" if short or reader.error else "ok"
    if decoded.num_samples == 0 and (status == "partial" or reader.damaged or beyond):
        status = "decode_error"
    notes = ([decoded.detail] if decoded.detail else []) + notes
    return replace(decoded, status=status, detail="; ".join(notes), next_s=reader.next_s)


class _Reader:
    """Frames of one stream within a span, with what went wrong on the way."""

    def __init__(
        self, container: av.container.InputContainer, stream: av.AudioStream, span: Span
    ) -> None:
        stream.codec_context.thread_count = 1
        self.container, self.stream, self.span = container, stream, span
        self.zero_s = (container.start_time or 0) / av.time_base
        self.is_sought = False
        self.first_s = self.position_s = 0.0
        self.num_frames = 0
        self.ahead_s = 0.0
        self.damaged = 0
        self.error = ""
        self.next_s: float | None = None
        self.is_lost = False

    def seek(self) -> bool:
        target_s = max(0.0, self.span.start_s - PREROLL_S) + self.zero_s
        time_base = self.stream.time_base
        if time_base is None:
            return False
        try:
            self.container.seek(int(target_s / time_base), stream=self.stream)
        except (av.FFmpegError, OverflowError):
            return False
        self.is_sought = True
        return True

    def expected_s(self) -> float | None:
        """Seconds that the span should hold by the file's own account, None if it gives none."""
        declared_s = audio_end_s(self.container, self.stream)
        if declared_s is None:
            return None
        end_s = declared_s if self.span.end_s is None else min(declared_s, self.span.end_s)
        return max(0.0, end_s - max(self.span.start_s, self.first_s))

    def frames(self) -> Iterator[av.AudioFrame]:
        try:
            for packet in self.container.demux(self.stream):
                try:
                    yield from packet.decode()
                except (av.FFmpegError, ValueError):
                    # a seek may end within a packet: that is no damage, and nobody hears it
                    is_heard = not self.is_sought or self.position_s >= self.span.start_s
                    self.damaged += is_heard
        except (av.EOFError, IndexError):
            return  # PyAV's index is off at the end of a file where streams began on the way
        except (av.FFmpegError, OSError) as error:
            self.error = _message(error)

    def pieces(self) -> Iterator[tuple[Samples, int]]:
        """Yield (mono samples, rate) of the span in order, at most ``max_s`` seconds of them."""
        taken_s = 0.0
        end_s = self.span.end_s
        for frame in self.frames():
            rate = frame.sample_rate
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                self.error = f"a sampling rate of {rate} Hz"
                return
            start_s = self._start_of(frame)
            if self.is_lost:
                return
            samples = mono(frame)
            self.position_s = start_s + len(samples) / rate
            first = max(0, round((self.span.start_s - start_s) * rate)) if self.span.start_s else 0
            last = len(samples)
            if end_s is not None:
                last = min(last, max(0, round((end_s - start_s) * rate)))
            if first < last:
                yield samples[first:last], rate
                taken_s += (last - first) / rate
            if end_s is not None and self.position_s >= end_s:
                return
            if taken_s >= self.span.max_s:
                self.next_s = self.position_s
                return

    def _start_of(self, frame: av.AudioFrame) -> float:
        """Return where a frame starts on the file's time line.

        The first frame's time stamp is believed; from there samples are counted, because time
        stamps are rounded and may be broken. Two in a row that agree on a gap are believed, too.
        """
        stamp_s = None if frame.time is None else frame.time - self.zero_s
        self.num_frames += 1
        if self.num_frames == 1:
            self.first_s = max(0.0, stamp_s or 0.0)
            self.is_lost = self.is_sought and (
                stamp_s is None or stamp_s > self.span.start_s + _LATE_S
            )
            return self.first_s
        ahead_s = 0.0 if stamp_s is None else stamp_s - self.position_s
        is_gap = ahead_s > _GAP_S and abs(ahead_s - self.ahead_s) < _LATE_S
        self.ahead_s = 0.0 if is_gap else ahead_s
        return self.position_s + (ahead_s if is_gap else 0.0)


class _Pieces:
    """Collects mono pieces and changes their rate, run by run of one native rate."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.runs: list[tuple[int, list[Samples]]] = []

    def add(self, piece: Samples, rate: int) -> None:
        if not self.runs or self.runs[-1][0] != rate:
            self.runs.append((rate, []))
        self.runs[-1][1].append(piece)

    def finish(self) -> DecodedAudio:
        outputs, notes = [], set()
        seconds = energy = peak = 0.0
        num_samples = 0
        for rate, pieces in self.runs:
            run, note = repair(np.concatenate(pieces))
            notes |= note
            seconds += len(run) / rate
            num_samples += len(run)
            energy += float(np.dot(run, run))
            peak = max(peak, float(np.abs(run).max(initial=0.0)))
            outputs.append(resample(run, rate, self.sample_rate))
        samples = np.concatenate(outputs) if outputs else np.zeros(0, np.float32)
        return DecodedAudio(
            samples=samples,
            detail="; ".join(sorted(notes)),
            seconds=seconds,
            peak=peak,
            energy=energy,
            num_samples=num_samples,
        )
