"""Short previews that every browser plays, and frames: cut with PyAV, in child processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph

from cca_tools.errors import DataError
from cca_tools.media.audio import Span
from cca_tools.media.containers import open_container, why_unreadable
from cca_tools.workspace import atomic_path

LENGTH_S = 10.0  # of a preview: what VGGSound and Kinetics call a video
HEIGHT = 240  # of a preview; smaller pictures keep their size
FRAME_HEIGHT = 360  # of a single frame
_POSTER_AT = 1 / 3  # of a preview's length: the first frame is often black or a title
RATE = 44_100  # Hz
_FASTEST = 25  # pictures a second
_AUDIO_FRAME = 1024  # samples, AAC's
_PREROLL_S = 1.0
_VIDEO_OPTIONS = {"preset": "veryfast", "crf": "28", "g": "50"}
_AUDIO_BITS_A_SECOND = 96_000

Packets = list[Any]


def cut_preview(path: str, span: Span, out: str) -> None:
    """Write the first ten seconds of a span as MP4: H.264 and AAC, its index at the front.

    Picture and sound start together at the span's start; what one of them lacks there is filled
    (sound with silence, the picture with its first frame). Rotated recordings stand upright.

    Args:
        path: A local video or sound file.
        span: The part of it.
        out: The file to write, atomically. Its poster (`poster_of`) is there before it is.

    Raises:
        DataError: The file cannot be read, or has neither picture nor sound there.
        av.FFmpegError: The file is damaged.
    """
    _require_readable(path)
    with atomic_path(Path(out)) as temporary:
        _write_preview(path, span, temporary)
        _write_poster(temporary, poster_of(Path(out)))


def poster_of(preview: Path) -> Path:
    """Return the JPEG file that stands for a preview until it is played; none without picture."""
    return preview.with_suffix(".jpg")


def _write_preview(path: str, span: Span, out: Path) -> None:
    packets: Packets = []
    options = {"movflags": "+faststart"}
    with av.open(str(out), "w", format="mp4", options=options) as container:
        for kind, add in (("video", _add_video), ("audio", _add_audio)):
            with open_container(path, pictures=True) as source:
                stream = _first_stream(source, kind)
                if stream is not None:
                    packets += add(container, source, stream, span)
        if not packets:
            raise DataError(f"{path} has nothing to show there", "Choose another video")
        for packet in sorted(packets, key=_due_s):
            container.mux(packet)


def _write_poster(preview: Path, out: Path) -> None:
    with open_container(str(preview), pictures=True) as container:
        stream = _first_stream(container, "video")
        if stream is None:
            return
        length_s = float(stream.duration * stream.time_base)
        frame = _frame_at(container, stream, Span(_POSTER_AT * length_s))
        with atomic_path(out) as temporary:
            frame.to_image().save(temporary, "JPEG", quality=80, optimize=True)


def cut_frames(path: str, span: Span, seconds: Sequence[float], outs: Sequence[str]) -> None:
    """Write single frames as JPEG.

    Args:
        path: A local video.
        span: The part of it that is meant.
        seconds: Where, from the span's start; past the end of the video means its last frame.
        outs: The files to write, one a position.

    Raises:
        DataError: There is no picture, or none there.
        av.FFmpegError: The file is damaged.
    """
    _require_readable(path)
    for at_s, out in zip(seconds, outs, strict=True):
        with open_container(path, pictures=True) as source:
            stream = _first_stream(source, "video")
            if stream is None:
                raise DataError(f"{path} has no picture", "Choose another video")
            last = _frame_at(source, stream, Span(span.start_s + at_s, span.end_s))
            if last is None:
                raise DataError(f"{path} has no picture at {at_s:g} s", "Choose another video")
            width, height = _shown_size(last, FRAME_HEIGHT)
            graph = _graph(last, stream, [("scale", f"{width}:{height}")])
            graph.push(last)
            upright: Any = graph.pull()
            with atomic_path(Path(out)) as temporary:
                upright.to_image().save(temporary, "JPEG", quality=85)


def _require_readable(path: str) -> None:
    reason = why_unreadable(Path(path))
    if reason is not None:
        raise DataError(f"{path} cannot be shown: {reason[1]}", "Choose another video")


def _first_stream(source: av.container.InputContainer, kind: str) -> Any:
    covers = av.stream.Disposition.attached_pic
    of_kind = source.streams.video if kind == "video" else source.streams.audio
    streams: list[Any] = [one for one in of_kind if not one.disposition & covers]
    found = streams[0] if streams else None
    if found is None or found.codec_context is None:
        return None
    found.codec_context.thread_count = 1
    return found


def _frames(
    source: av.container.InputContainer, stream: Any, span: Span
) -> Iterator[tuple[Any, float]]:
    """Yield frames and their seconds from the span's start; some before it, none after it."""
    zero_s = (source.start_time or 0) / av.time_base
    if span.start_s > _PREROLL_S and stream.time_base:
        target_s = span.start_s - _PREROLL_S + zero_s
        source.seek(int(target_s / stream.time_base), stream=stream)
    length_s = _length_s(span)
    for packet in source.demux(stream):
        try:
            decoded = packet.decode()
        except (av.FFmpegError, ValueError):
            continue  # a damaged packet: the rest is shown
        for frame in decoded:
            frame_s = (frame.time or 0.0) - zero_s - span.start_s
            if frame_s >= length_s:
                return
            yield frame, frame_s


def _frame_at(source: av.container.InputContainer, stream: Any, span: Span) -> Any:
    """Return the first frame of a span, past the end the last one; None where there is none."""
    last = None
    for frame, frame_s in _frames(source, stream, span):
        last = frame
        if frame_s >= -1e-3:
            break
    return last


def _add_video(container: Any, source: Any, stream: Any, span: Span) -> Packets:
    rate = min(Fraction(stream.average_rate or _FASTEST), Fraction(_FASTEST))
    output, graph, packets = None, None, []
    for frame, frame_s in _frames(source, stream, span):
        duration_s = 1.0 / float(rate)
        if frame_s <= -duration_s:
            continue
        if graph is None or output is None:
            width, height = _shown_size(frame, HEIGHT)
            steps = [("scale", f"{width}:{height}"), ("setsar", "1"),
                     ("fps", f"fps={rate}:start_time=0"), ("format", "yuv420p")]  # fmt: skip
            graph = _graph(frame, stream, steps)
            output = container.add_stream("libx264", rate=rate, options=_VIDEO_OPTIONS)
            output.width, output.height, output.pix_fmt = width, height, "yuv420p"
            output.codec_context.thread_count = 1
        frame.pts = round(frame_s / stream.time_base)
        graph.push(frame)
        packets += _encoded(graph, output)
    if graph is None or output is None:
        return []
    graph.push(None)
    return [*packets, *_encoded(graph, output), *output.encode(None)]


def _shown_size(frame: Any, height: int) -> tuple[int, int]:
    """Return even width and height of at most ``height``, upright, with square pixels."""
    aspect = float(frame.sample_aspect_ratio or 1) if hasattr(frame, "sample_aspect_ratio") else 1.0
    wide, tall = frame.width * (aspect or 1.0), float(frame.height)
    if frame.rotation % 180:
        wide, tall = tall, wide
    scale = min(1.0, height / tall)
    return max(2, round(wide * scale / 2) * 2), max(2, round(tall * scale / 2) * 2)


def _graph(frame: Any, stream: Any, steps: list[tuple[str, str]]) -> Graph:
    """Return filters that turn a frame upright, then take the steps."""
    graph = Graph()
    turns = {90: [("transpose", "cclock")], 180: [("hflip", ""), ("vflip", "")],
             270: [("transpose", "clock")]}  # fmt: skip
    nodes = [graph.add_buffer(template=stream, width=frame.width, height=frame.height,
                              format=frame.format, time_base=stream.time_base)]  # fmt: skip
    nodes += [graph.add(*step) for step in (*turns.get(frame.rotation % 360, []), *steps)]
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _encoded(graph: Graph, output: Any) -> Packets:
    packets: Packets = []
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return packets
        if isinstance(frame, av.VideoFrame):
            frame.pict_type = 0  # the encoder chooses
        packets += output.encode(frame)


def _add_audio(container: Any, source: Any, stream: Any, span: Span) -> Packets:
    """Encode the sound; the first sample stands at the span's start, gaps are silent."""
    output, graph = None, None
    packets: Packets = []
    for frame, frame_s in _frames(source, stream, span):
        if frame_s + frame.samples / frame.sample_rate <= 0:
            continue
        if graph is None or output is None:
            graph = _audio_graph(frame, _length_s(span))
            output = container.add_stream("aac", rate=RATE, layout="stereo")
            output.bit_rate = _AUDIO_BITS_A_SECOND
        frame.pts = round(frame_s * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        graph.push(frame)
        packets += _encoded(graph, output)
    if graph is None or output is None:
        return []
    graph.push(None)
    return [*packets, *_encoded(graph, output), *output.encode(None)]


def _length_s(span: Span) -> float:
    return LENGTH_S if span.end_s is None else min(LENGTH_S, span.end_s - span.start_s)


def _audio_graph(frame: Any, length_s: float) -> Graph:
    graph = Graph()
    buffer = graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name,
                               layout=frame.layout.name,
                               time_base=Fraction(1, frame.sample_rate))  # fmt: skip
    shape = f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={RATE}"
    steps = [("aresample", f"{RATE}:async=1:first_pts=0"), ("atrim", f"start=0:end={length_s}"),
             ("aformat", shape), ("asetnsamples", f"{_AUDIO_FRAME}:p=0")]  # fmt: skip
    nodes = [buffer, *(graph.add(*step) for step in steps), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _due_s(packet: Any) -> float:
    return float(packet.dts * packet.time_base)
