"""Previews: what a browser needs, picture and sound together, whatever the file is like."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest
from makers import Track, beep_times_s, beeps, tone, write_media
from PIL import Image

from cca_tools.errors import DataError
from cca_tools.labels.previews import HEIGHT, LENGTH_S, cut_frames, cut_preview, poster_of
from cca_tools.media.audio import Span, decode_audio


def streams_of(path):
    """Codec, seconds and size of the streams by kind."""
    with av.open(str(path)) as container:
        return {
            stream.type: (
                stream.codec_context.name,
                float(stream.duration * stream.time_base),
                getattr(stream.codec_context, "width", None),
                getattr(stream.codec_context, "height", None),
            )
            for stream in container.streams
        }


def boxes_of(path):
    """The names of the top boxes of an MP4 file, in order."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        names.append(name.decode())
        at += size
    return names


def test_a_preview_is_what_browsers_play_and_starts_at_once(tmp_path):
    source = write_media(
        tmp_path / "a.webm", Track(tone(3, 48_000), 48_000, "libopus"), picture_s=3.0
    )
    cut_preview(str(source), Span(), str(tmp_path / "out.mp4"))
    streams = streams_of(tmp_path / "out.mp4")
    assert streams["video"][0] == "h264"
    assert streams["audio"][0] == "aac"
    assert streams["video"][1] == pytest.approx(3.0, abs=0.11)
    assert streams["audio"][1] == pytest.approx(3.0, abs=0.05)
    boxes = boxes_of(tmp_path / "out.mp4")
    assert boxes.index("moov") < boxes.index("mdat")


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, None), (2.0, 5.0), (11.5, None)])
def test_a_part_is_cut_where_it_stands(tmp_path, start_s, end_s):
    source = write_media(
        tmp_path / "a.mkv", Track(beeps(14, 44_100), 44_100, "pcm_s16le"), picture_s=14.0
    )
    cut_preview(str(source), Span(start_s, end_s), str(tmp_path / "out.mp4"))
    wanted_s = min(LENGTH_S, (end_s or 14.0) - start_s)
    streams = streams_of(tmp_path / "out.mp4")
    assert streams["video"][1] == pytest.approx(wanted_s, abs=0.11)
    assert streams["audio"][1] == pytest.approx(wanted_s, abs=0.06)
    sound = decode_audio(str(tmp_path / "out.mp4"), 44_100).samples
    heard = [at_s for at_s in beep_times_s(sound, 44_100) if at_s > 0.1]
    first = 1 - start_s % 1 if start_s % 1 else 1.0
    assert heard == pytest.approx(np.arange(first, wanted_s - 0.05, 1.0), abs=0.05)


def test_sound_that_begins_late_is_late_in_the_preview(tmp_path):
    late = Track(beeps(3, 44_100), 44_100, "pcm_s16le", start_s=1.5)
    source = write_media(tmp_path / "a.mkv", late, picture_s=4.5)
    cut_preview(str(source), Span(), str(tmp_path / "out.mp4"))
    sound = decode_audio(str(tmp_path / "out.mp4"), 44_100).samples
    assert beep_times_s(sound, 44_100) == pytest.approx([1.5, 2.5, 3.5], abs=0.05)


def test_large_pictures_shrink_upright_and_small_ones_stay(tmp_path):
    for name, size, wanted in (("wide", (640, 360), (426, 240)), ("odd", (31, 21), (32, 20))):
        path = picture_of(tmp_path / f"{name}.mkv", size)
        cut_preview(str(path), Span(), str(tmp_path / "out.mp4"))
        _, _, width, height = streams_of(tmp_path / "out.mp4")["video"]
        assert height <= HEIGHT
        assert (width, height) == pytest.approx(wanted, abs=2)
        assert (width % 2, height % 2) == (0, 0)


def picture_of(path, size, seconds=1.0):
    """A film whose n-th picture of ten a second is n * 20 bright."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
        for number in range(round(seconds * 10)):
            values = np.full((size[1], size[0], 3), number * 20, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_a_poster_is_a_frame_out_of_the_middle(tmp_path):
    source = write_media(tmp_path / "a.mp4", picture_s=3.0)
    out = tmp_path / "out.mp4"
    cut_preview(str(source), Span(), str(out))
    with av.open(str(out)) as container:
        frames = [frame.to_image().convert("L") for frame in container.decode(video=0)]
    with Image.open(poster_of(out)) as poster:
        assert (poster.format, poster.size) == ("JPEG", frames[0].size)
        apart = [np.abs(np.subtract(frame, poster.convert("L"), dtype=float)).mean()
                 for frame in frames]  # fmt: skip
    assert np.argmin(apart) == pytest.approx(len(frames) / 3, abs=1)


def test_sound_without_picture_has_no_poster(tmp_path):
    source = write_media(tmp_path / "a.wav", Track(tone(1, 16_000), 16_000, "pcm_s16le"))
    cut_preview(str(source), Span(), str(tmp_path / "out.mp4"))
    assert not poster_of(tmp_path / "out.mp4").exists()


def test_a_video_of_one_frame_has_a_poster(tmp_path):
    source = write_media(tmp_path / "a.mp4", picture_s=0.1)
    cut_preview(str(source), Span(), str(tmp_path / "out.mp4"))
    assert poster_of(tmp_path / "out.mp4").is_file()


def test_frames_are_those_of_their_time(tmp_path):
    path = picture_of(tmp_path / "film.mkv", (64, 48))
    outs = [tmp_path / f"{number}.jpg" for number in range(3)]
    cut_frames(str(path), Span(0.2), (0.0, 0.5, 99.0), [str(out) for out in outs])
    for out, brightness in zip(outs, (40, 140, 180), strict=True):
        with av.open(str(out)) as picture:
            values = next(picture.decode(video=0)).to_ndarray(format="rgb24")
        assert values.shape == (48, 64, 3)
        assert values.mean() == pytest.approx(brightness, abs=3)


@pytest.mark.parametrize("content", [None, b"", b"no media at all"])
def test_what_cannot_be_read_is_an_error_and_leaves_no_file(tmp_path, content):
    source = tmp_path / "x.mp4"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises((DataError, av.FFmpegError)):
        cut_preview(str(source), Span(), str(tmp_path / "out.mp4"))
    assert not (tmp_path / "out.mp4").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"x.mp4"}


def test_a_playlist_opens_no_other_file(tmp_path):
    secret = write_media(tmp_path / "secret.wav", Track(tone(1, 8000), 8000))
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    with pytest.raises((DataError, av.FFmpegError)):
        cut_preview(str(playlist), Span(), str(tmp_path / "out.mp4"))


def test_real_videos_of_all_formats_play(shared, tmp_path):
    folder = shared / "data" / "clips"
    for path in (
        *sorted((folder / "ucf101").rglob("*.avi")),
        folder / "formats" / "no_duration.webm",
    ):
        cut_preview(str(path), Span(), str(tmp_path / "out.mp4"))
        assert streams_of(tmp_path / "out.mp4")["video"][0] == "h264", path
