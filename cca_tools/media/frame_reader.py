"""Reading the frames of one video stream in order, each with its time."""

from __future__ import annotations

from collections.abc import Iterator

import av

from cca_tools.media.audio import Span

_HIGHEST_FPS = 1000.0  # a file that says more is damaged
_LATE_S = 0.05  # a seek that ends so much after its target missed it
_NO_SEEK = {"mpeg", "mpegvideo"}  # after a seek their time stamps are off by a picture


def message_of(error: BaseException) -> str:
    """Return an error in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


class FrameReader:
    """Frames of one stream within a span, with what went wrong on the way.

    Args:
        container: The opened file.
        stream: One of its video streams.
        span: The part to read.
    """

    def __init__(
        self, container: av.container.InputContainer, stream: av.VideoStream, span: Span
    ) -> None:
        stream.codec_context.thread_count = 1
        self.container, self.stream, self.span = container, stream, span
        start = container.start_time
        self.zero_s = None if start is None else start / av.time_base
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.rate = rate if 0 < rate <= _HIGHEST_FPS else None
        aspect = float(stream.sample_aspect_ratio or 1)
        self.aspect = aspect if 0.25 <= aspect <= 4 else 1.0
        self.is_sought = self.is_lost = False
        self.num_frames = self.damaged = 0
        self.position_s = 0.0  # of the last picture
        self.error = ""

    def seek(self) -> bool:
        """Go to the start of the span; tell whether that can be done."""
        if self.stream.time_base is None or self.zero_s is None:
            return False
        if self.container.format.name in _NO_SEEK:
            return False
        target_s = self.span.start_s + self.zero_s
        try:
            self.container.seek(int(target_s / self.stream.time_base), stream=self.stream)
        except (av.FFmpegError, OverflowError):
            return False
        self.is_sought = True
        return True

    def missing_s(self) -> float:
        """Seconds that the span lacks at its end by the file's own account; 0 if it tells none.

        A count of frames alone may include some that an edit list leaves out.
        """
        stream, ends_s = self.stream, []
        if stream.frames and self.rate:
            ends_s.append(stream.frames / self.rate)
        if stream.frames and stream.duration and stream.time_base:
            ends_s.append(float(stream.duration * stream.time_base))
        if "matroska" in self.container.format.name and self.container.duration:
            ends_s.append(self.container.duration / av.time_base)
        if self.span.end_s is not None:
            ends_s.append(self.span.end_s)
        is_told = len(ends_s) > (self.span.end_s is not None)
        end_s = self.position_s + 1 / (self.rate or 25.0)
        return max(0.0, min(ends_s) - end_s) if is_told else 0.0

    def frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield (time on the file's time line, frame) within the span, in order."""
        step_s = 1 / (self.rate or 25.0)
        for number, frame in enumerate(self._decoded()):
            if self.zero_s is None:  # a bare stream: it begins with its first picture
                self.zero_s = frame.time
            stamp_s = None if frame.time is None else frame.time - (self.zero_s or 0.0)
            if number == 0 and self.is_sought:
                late = stamp_s is None or stamp_s > self.span.start_s + max(_LATE_S, step_s)
                self.is_lost = late
                if late:
                    return
            position_s = self.position_s + step_s * (number > 0) if stamp_s is None else stamp_s
            if self.span.end_s is not None and position_s >= self.span.end_s - step_s / 2:
                return
            self.position_s = position_s
            if position_s >= self.span.start_s - step_s / 2:
                self.num_frames += 1
                yield position_s, frame

    def _decoded(self) -> Iterator[av.VideoFrame]:
        try:
            for packet in self.container.demux(self.stream):
                try:
                    yield from packet.decode()
                except (av.FFmpegError, ValueError):
                    self.damaged += self.num_frames > 0 or not self.is_sought
        except (av.EOFError, IndexError):
            return
        except (av.FFmpegError, OSError) as error:
            self.error = message_of(error)
