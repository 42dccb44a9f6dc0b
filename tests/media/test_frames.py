"""Frames come out in order, complete, at the right time and size, whatever the file is like."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from itertools import pairwise

import av
import numpy as np
import pytest
from makers import Track, cut, mutate, tone, write_media
from media.videos import number_of, picture, write_video
from PIL import Image

from cca_tools.errors import WorkspaceError
from cca_tools.media.audio import Span
from cca_tools.media.frames import SIZE_DTYPE, FrameSampling, pack_frames, scaled_shape

SMALL = FrameSampling(short_side=48)


def pack(path, folder, span=None, sampling=SMALL):
    """The report, and the pictures read back with another decoder."""
    target = folder / "packed"
    packed = pack_frames(str(path), str(target), span or Span(), sampling)
    if not packed.num_frames:
        return packed, []
    data = target.read_bytes()
    assert hashlib.sha256(data).hexdigest() == packed.sha256
    assert len(data) == packed.num_bytes
    sizes = np.frombuffer(data[-SIZE_DTYPE.itemsize * packed.num_frames :], SIZE_DTYPE)
    ends = np.cumsum(sizes)
    assert ends[-1] + SIZE_DTYPE.itemsize * packed.num_frames == len(data)
    pictures = [
        np.asarray(Image.open(io.BytesIO(data[end - size : end])))
        for size, end in zip(sizes, ends, strict=True)
    ]
    assert {one.shape for one in pictures} == {(packed.height, packed.width, 3)}
    return packed, pictures


def numbers(pictures):
    return [number_of(one) for one in pictures]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_all_frames_in_order(tmp_path, suffix):
    path = write_video(tmp_path / f"v{suffix}", 25)
    packed, pictures = pack(path, tmp_path)
    assert (packed.status, packed.detail) == ("ok", "")
    assert numbers(pictures) == list(range(25))
    assert packed.fps == pytest.approx(10, rel=1e-3)


def test_pictures_are_what_was_drawn(tmp_path):
    path = write_video(tmp_path / "v.mkv", 3, codec="ffv1")
    _, pictures = pack(path, tmp_path, sampling=FrameSampling(short_side=48, quality=95))
    for number, one in enumerate(pictures):
        assert np.abs(one.astype(int) - picture(number)).mean() < 3


def test_colours_are_red_green_blue(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        values = np.zeros((48, 64, 3), np.uint8)
        values[..., 0] = 220
        container.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        container.mux(stream.encode(None))
    _, pictures = pack(path, tmp_path)
    assert pictures[0].mean(axis=(0, 1)) == pytest.approx([220, 0, 0], abs=6)


@pytest.mark.parametrize(
    ("shape", "short_side", "expected"),
    [((240, 320), 128, (128, 171)), ((320, 240), 128, (171, 128)), ((64, 64), 128, (128, 128)),
     ((16, 1600), 128, (10, 1024)), ((1, 5000), 128, (1, 1024))],
)  # fmt: skip
def test_shapes(shape, short_side, expected):
    assert scaled_shape(shape, short_side) == expected


def test_a_small_video_is_enlarged_and_an_upright_one_stays_upright(tmp_path):
    path = write_video(tmp_path / "v.mp4", 2, shape=(64, 32))
    packed, pictures = pack(path, tmp_path, sampling=FrameSampling(short_side=40))
    assert (packed.height, packed.width) == (80, 40)
    assert numbers(pictures) == [0, 1]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_videos_are_turned(tmp_path, degrees):
    """As FFmpeg's own player-like conversion turns them."""
    source = write_video(tmp_path / "v.mp4", 4, first=1)
    path = tmp_path / "turned.mp4"
    with av.open(str(source)) as reading, av.open(str(path), "w") as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        stream.set_display_rotation(degrees)
        for packet in reading.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                writing.mux(packet)
    with av.open(str(path)) as container:
        rotation = next(container.decode(video=0)).rotation
    packed, pictures = pack(path, tmp_path)
    upright = [np.rot90(one, -rotation // 90) for one in pictures]
    assert rotation % 360 in (90, 180, 270)
    assert numbers(upright) == [1, 2, 3, 4]
    assert (packed.height > packed.width) == (degrees != 180)


def test_pixels_become_square(tmp_path):
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.height, stream.width, stream.pix_fmt = 48, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(3, (48, 48)), "rgb24")))
        container.mux(stream.encode(None))
    packed, _ = pack(path, tmp_path)
    assert (packed.height, packed.width) == (48, 96)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_segments_put_together_are_the_video(tmp_path, suffix):
    path = write_video(tmp_path / f"v{suffix}", 100)
    cuts = [0.0, 1.3, 4.0, 7.7, None]
    parts = []
    for start_s, end_s in pairwise(cuts):
        packed, pictures = pack(path, tmp_path, Span(start_s, end_s))
        assert packed.status == "ok", packed.detail
        parts.append(numbers(pictures))
    assert [number for part in parts for number in part] == list(range(100))
    assert [len(part) for part in parts] == [13, 27, 37, 23]


@pytest.mark.parametrize("suffix", [".ts", ".mpg", ".m2v"])
def test_a_segment_of_a_file_without_an_index(tmp_path, suffix):
    path = write_video(tmp_path / f"v{suffix}", 120, fps=25, codec="mpeg2video")
    packed, pictures = pack(path, tmp_path, Span(2.0, 3.0))
    assert packed.status == "ok", packed.detail
    assert numbers(pictures) == list(range(50, 75))


def test_a_segment_after_the_end_has_no_frames(tmp_path):
    path = write_video(tmp_path / "v.mp4", 10)
    packed, _ = pack(path, tmp_path, Span(50.0, 60.0))
    assert packed.status == "decode_error"
    assert packed.num_frames == 0
    assert packed.detail


def test_a_segment_that_ends_after_the_file_has_what_there_is(tmp_path):
    path = write_video(tmp_path / "v.mkv", 30)
    packed, pictures = pack(path, tmp_path, Span(1.0, 9.0))
    assert packed.status == "ok"
    assert numbers(pictures) == list(range(10, 30))


def test_rate_stride_and_most(tmp_path):
    path = write_video(tmp_path / "v.mp4", 40)
    for sampling, expected in (
        (FrameSampling(48, fps=5), list(range(0, 40, 2))),
        (FrameSampling(48, fps=4), [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38]),
        (FrameSampling(48, fps=50), list(range(40))),
        (FrameSampling(48, stride=3), list(range(0, 40, 3))),
        (FrameSampling(48, max_frames=7), list(range(7))),
        (FrameSampling(48, fps=5, stride=2, max_frames=4), [0, 4, 8, 12]),
    ):
        packed, pictures = pack(path, tmp_path, sampling=sampling)
        assert numbers(pictures) == expected
        assert packed.status == "ok", packed.detail
    packed, _ = pack(path, tmp_path, sampling=FrameSampling(48, fps=5))
    assert packed.fps == pytest.approx(5, rel=1e-3)


def test_rate_of_a_segment_begins_with_it(tmp_path):
    path = write_video(tmp_path / "v.mp4", 40)
    _, pictures = pack(path, tmp_path, Span(1.5, 3.5), FrameSampling(48, fps=2))
    assert numbers(pictures) == [15, 20, 25, 30]


def test_uneven_times(tmp_path):
    times = [0, 1, 2, 10, 11, 30]
    path = write_video(tmp_path / "v.mkv", 6, times=times)
    packed, pictures = pack(path, tmp_path)
    assert numbers(pictures) == list(range(6))
    assert packed.fps == pytest.approx(5 / 3.0, rel=1e-2)
    _, pictures = pack(path, tmp_path, sampling=FrameSampling(48, fps=1))
    assert numbers(pictures) == [0, 3, 5]


def test_a_video_of_one_frame(tmp_path):
    packed, pictures = pack(write_video(tmp_path / "v.mp4", 1), tmp_path)
    assert (packed.status, packed.num_frames, packed.fps) == ("ok", 1, None)
    assert numbers(pictures) == [0]


def test_no_pictures(tmp_path):
    sound = write_media(tmp_path / "s.wav", Track(tone(1, 8000), 8000))
    assert pack(sound, tmp_path)[0].status == "no_video_stream"


def test_bad_files(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all" * 100)
    assert pack(tmp_path / "gone.mp4", tmp_path)[0].status == "missing_file"
    assert pack(tmp_path / "empty.mp4", tmp_path)[0].status == "decode_error"
    assert pack(tmp_path / "text.mp4", tmp_path)[0].status == "decode_error"
    assert pack(tmp_path, tmp_path)[0].status == "decode_error"


def test_a_file_that_is_cut_off_is_partial(tmp_path):
    whole = write_video(tmp_path / "v.mkv", 100).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(cut(whole, 0.5))
    packed, pictures = pack(path, tmp_path)
    assert packed.status == "partial"
    assert "before the file says" in packed.detail
    assert 20 < packed.num_frames < 80
    assert numbers(pictures)[:20] == list(range(20))


def test_a_playlist_opens_no_other_file(tmp_path):
    write_video(tmp_path / "v.mp4", 5)
    (tmp_path / "list.ffconcat").write_text("ffconcat version 1.0\nfile v.mp4\n")
    assert pack(tmp_path / "list.ffconcat", tmp_path)[0].status == "decode_error"


def test_damage_never_raises(tmp_path, guarded):
    """In children, as decoders may die of it; what is told of whole pictures is true."""
    whole = write_video(tmp_path / "v.mp4", 12).read_bytes()
    rng = np.random.default_rng(0)
    statuses = set()
    for number in range(40):
        path = tmp_path / f"d{number}.mp4"
        path.write_bytes(mutate(whole, rng))
        target = tmp_path / "packed"
        outcome = guarded.submit(pack_frames, str(path), str(target), Span(), SMALL).result()
        assert outcome.value is not None or outcome.failure in ("decoder_crash", "timeout")
        if outcome.value is not None:
            statuses.add(outcome.value.status)
            usable = outcome.value.status in ("ok", "partial")
            assert usable == (outcome.value.num_frames > 0)
            assert usable or outcome.value.detail
    assert {"ok", "decode_error"} <= statuses


def test_a_target_that_cannot_be_written_is_the_runs_trouble(tmp_path):
    path = write_video(tmp_path / "v.mp4", 3)
    with pytest.raises(WorkspaceError, match="cannot write"):
        pack_frames(str(path), str(path / "below-a-file"), Span(), SMALL)
    with pytest.raises(WorkspaceError, match="No space left"):
        pack_frames(str(path), "/dev/full", Span(), SMALL)


@pytest.mark.parametrize(
    ("name", "frames", "shape"),
    [
        ("ucf101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", 164, (128, 171)),
        ("ucf101/BaseballPitch/v_BaseballPitch_g01_c01.avi", 107, (128, 171)),
        ("formats/h264_10bits.mp4", 30, (128, 128)),
        ("formats/transparent.webm", 150, (128, 128)),
    ],
)
def test_real_videos(shared, tmp_path, name, frames, shape):
    """As many pictures as plain decoding gives, each like it: against scaling by Pillow."""
    path = shared / "data" / "clips" / name
    packed, pictures = pack(path, tmp_path, sampling=FrameSampling())
    assert (packed.status, packed.num_frames, (packed.height, packed.width)) == (
        "ok", frames, shape,
    )  # fmt: skip
    with av.open(str(path)) as container:
        decoded = [frame.to_image() for frame in container.decode(video=0)]
    assert len(decoded) == frames
    for number in (0, frames // 2, frames - 1):
        expected = np.asarray(decoded[number].resize(shape[::-1], Image.Resampling.BILINEAR), int)
        grey = pictures[number].mean(axis=-1)  # colours differ by where they are scaled
        assert np.abs(grey - expected.mean(axis=-1)).mean() < 3


def test_every_real_clip_ends_with_a_status(shared, tmp_path, guarded):
    clips = sorted((shared / "data" / "clips" / "formats").iterdir())
    sampling = FrameSampling(short_side=32, max_frames=20)
    found = {}
    for path in clips:
        task = (str(path), str(tmp_path / "packed"), Span(), sampling)
        found[path.name] = guarded.submit(pack_frames, *task).result().value
    assert found["result.webm"].status == "decode_error"
    assert found["corrupted.mp4"].num_frames > 10
    good = [one for name, one in found.items() if name != "result.webm"]
    assert all(one.status in ("ok", "partial") and one.num_frames for one in good)


def test_children_load_little():
    code = (
        "import sys, cca_tools.media.frames\n"
        "print(sorted({'torch', 'pandas', 'scipy', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
