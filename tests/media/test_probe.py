"""The probe: streams and lengths of real and of awkward files, and light children."""

from __future__ import annotations

import math
import os
import sys
import wave
from pathlib import Path

import pytest

from cca_tools.media.guard import GuardedPool
from cca_tools.media.probe import MediaInfo, probe, probe_many


def write_wav(path, seconds=0.5, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\x00\x10" * int(seconds * rate))
    return path


# name -> (seconds, audio streams, picture), as the boxes of the files have it
REAL = {
    "-video-with-dash-.mp4": (5.0, 0, True),
    "av1_video.mkv": (5.0, 0, True),
    "big_buck_bunny_432_433.webm": (1.0, 1, True),
    "chaplin.mp4": (9.64, 1, True),
    "nasa_13013.mp4": (13.056, 2, True),
    "no_duration.webm": (4.94, 1, True),
    "video_with_failing_audio.mp4": (11.23, 1, True),
}


@pytest.mark.parametrize("name", REAL)
def test_real_formats(shared, name):
    seconds, streams, picture = REAL[name]
    path = shared / "data/clips/formats" / name
    info = probe(path)
    assert (info.status, info.detail) == ("ok", "")
    assert info.duration_s == pytest.approx(seconds, abs=0.02)
    assert (info.num_audio_streams, info.has_video) == (streams, picture)
    assert info.has_audio == (streams > 0)
    assert info.bytes == path.stat().st_size


def test_empty_file_of_the_formats(shared):
    info = probe(shared / "data/clips/formats/result.webm")
    assert info == MediaInfo("decode_error", "the file is empty (0 bytes)", info.duration_s)
    assert math.isnan(info.duration_s)


def test_ucf101_with_and_without_sound(shared):
    clips = shared / "data/clips/ucf101"
    assert probe(clips / "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi").has_audio
    silent = probe(clips / "BaseballPitch/v_BaseballPitch_g01_c01.avi")
    assert (silent.status, silent.has_audio, silent.has_video) == ("ok", False, True)


@pytest.mark.parametrize(
    "name",
    [
        "-y.wav",
        "--.wav",
        "with space.wav",
        "žluťoučký 猫 🐱.wav",
        "a'b\"c.wav",
        "concat:x|y.wav",
        "pipe:0",
        "data:text,x",
        "http:example.org",
        "subfile,,start,0,end,9,,:x.wav",
        "100%d.wav",
        "%03d.wav",
        "a*?.wav",
        "two\nlines.wav",
    ],
)
def test_names_are_names_and_never_addresses(tmp_path, monkeypatch, name):
    info = probe(write_wav(tmp_path / name))
    assert (info.status, info.num_audio_streams) == ("ok", 1)
    assert info.duration_s == pytest.approx(0.5)
    monkeypatch.chdir(tmp_path)
    assert probe(name) == info


def test_what_is_no_file_is_told(tmp_path):
    (tmp_path / "x.mp4").mkdir()
    (tmp_path / "text.mp4").write_text("hello " * 1000)
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "gone.mp4")
    os.mkfifo(tmp_path / "fifo.mp4")
    expected = {
        "x.mp4": ("decode_error", "it is a folder"),
        "gone.mp4": ("missing_file", "there is no such file"),
        "broken.mp4": ("missing_file", "there is no such file"),
        "fifo.mp4": ("decode_error", "it is no regular file"),
    }
    for name, answer in expected.items():
        info = probe(tmp_path / name)
        assert (info.status, info.detail) == answer
        assert not info.has_audio
    text = probe(tmp_path / "text.mp4")
    assert text.status == "decode_error"
    assert "Invalid data" in text.detail
    assert text.bytes == 6000


def test_a_playlist_opens_nothing_else(tmp_path):
    """A text file may tell FFmpeg to read other files or addresses; it must not be obeyed."""
    target = write_wav(tmp_path / "secret.wav")
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{target}\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.mkv").write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    for name in ("list.mp4", "list.mkv"):
        assert probe(tmp_path / name).status == "decode_error"


def test_a_cut_file_keeps_its_row(shared, tmp_path):
    whole = (shared / "data/clips/formats/no_duration.webm").read_bytes()
    cut = tmp_path / "cut.webm"
    cut.write_bytes(whole[: len(whole) // 2])
    info = probe(cut)
    assert info.status == "ok"
    assert 1.0 < info.duration_s < 4.0


def test_several_files_in_one_task(tmp_path):
    paths = [str(write_wav(tmp_path / f"{n}.wav", seconds=n / 10)) for n in (1, 2, 3)]
    infos = probe_many([*paths, str(tmp_path / "gone.wav")])
    assert [info.status for info in infos] == ["ok", "ok", "ok", "missing_file"]
    assert [info.duration_s for info in infos[:3]] == pytest.approx([0.1, 0.2, 0.3])


def test_probing_loads_nothing_heavy_in_the_child(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import guard_tasks

    with GuardedPool(1, 30) as pool:
        assert pool.submit(probe, write_wav(tmp_path / "a.wav")).result().value.has_audio
        modules = pool.submit(guard_tasks.modules, 0).result().value
    assert "av" in modules
    assert {"torch", "pandas", "scipy", "pyarrow", "pytest"}.isdisjoint(modules)
    assert "pytest" in sys.modules
