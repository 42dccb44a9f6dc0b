"""Probing many files: each exactly once, whatever some of them do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cca_tools.datasets import probing
from cca_tools.datasets.probing import ProbeSettings, probe_all
from cca_tools.errors import UsageError

QUIET = ProbeSettings(progress=False)


def test_one_answer_a_file_in_batches(tmp_path, wav):
    paths = [wav(tmp_path / f"{n}.wav", seconds=n / 100) for n in range(1, 101)]
    infos = probe_all([*paths, *paths, tmp_path / "gone.wav"], QUIET)
    assert set(infos) == {*paths, tmp_path / "gone.wav"}
    for n, path in enumerate(paths, 1):
        assert infos[path].duration_s == pytest.approx(n / 100, abs=1e-4)
    assert infos[tmp_path / "gone.wav"].status == "missing_file"


def test_crash_and_hang_fail_alone_though_they_come_in_batches(tmp_path, wav, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import crashing_probe

    monkeypatch.setattr(probing, "probe", crashing_probe.probe)
    monkeypatch.setattr(probing, "probe_many", crashing_probe.probe_many)
    good = [wav(tmp_path / f"{n:02d}.wav") for n in range(60)]
    bad = [wav(tmp_path / name) for name in ("07crash.wav", "08crash.wav", "30hang.wav")]
    infos = probe_all(sorted(good + bad), ProbeSettings(workers=2, timeout_s=2, progress=False))
    assert {path.name: infos[path].status for path in bad} == {
        "07crash.wav": "decoder_crash",
        "08crash.wav": "decoder_crash",
        "30hang.wav": "timeout",
    }
    assert {infos[path].status for path in good} == {"ok"}
    assert infos[bad[0]].detail == "the decoder ended with exit code 139"
    assert infos[bad[0]].bytes == bad[0].stat().st_size


def test_without_probing_files_are_looked_up_only(tmp_path, monkeypatch):
    def forbidden(*_):
        raise AssertionError("no process is needed")

    monkeypatch.setattr(probing, "GuardedPool", forbidden)
    (tmp_path / "a.mp4").write_text("no video at all")
    (tmp_path / "b.mp3").write_text("no sound at all")
    (tmp_path / "empty.mp4").touch()
    names = ["a.mp4", "b.mp3", "empty.mp4", "gone.mp4"]
    infos = probe_all([tmp_path / n for n in names], ProbeSettings(enabled=False))
    told = {p.name: (i.status, i.has_audio, i.has_video, i.bytes) for p, i in infos.items()}
    assert told == {
        "a.mp4": ("ok", True, True, 15),
        "b.mp3": ("ok", True, False, 15),
        "empty.mp4": ("decode_error", False, False, 0),
        "gone.mp4": ("missing_file", False, False, 0),
    }


def test_progress_goes_to_a_terminal_and_can_be_turned_off(tmp_path, wav, capsys, monkeypatch):
    path = wav(tmp_path / "a.wav")
    probe_all([path], ProbeSettings())
    assert capsys.readouterr().err == ""  # nobody watches
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    probe_all([path], ProbeSettings())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1/1" in captured.err
    probe_all([path], QUIET)
    assert capsys.readouterr().err == ""


def test_no_file_needs_no_process(capsys):
    assert probe_all([], QUIET) == {}


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"timeout_s": 0}, {"timeout_s": float("nan")}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(UsageError, match="cannot probe anything"):
        ProbeSettings(**wrong)


def test_damaged_files_get_one_answer_each(shared, tmp_path):
    """Seeded bytes changed, seeded cuts: whatever comes of it, a status and never a hang."""
    clips = shared / "data/clips"
    sources = [
        clips / "labelled/aEYwqY-Zt_k_000011.mp4",
        clips / "formats/no_duration.webm",
        clips / "formats/flipping_a_pancake.mkv",
        clips / "ucf101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
        shared / "data/sounds/dog_audio.wav",
    ]
    rng = np.random.default_rng(0)
    paths = []
    for number in range(120):
        source = sources[number % len(sources)]
        data = bytearray(source.read_bytes())
        if number % 3 == 0:
            data = data[: rng.integers(1, len(data))]
        else:
            for place in rng.integers(0, min(len(data), 3000), 20):
                data[place] = rng.integers(256)
        paths.append(tmp_path / f"{number}{source.suffix}")
        paths[-1].write_bytes(data)
    infos = probe_all(paths, ProbeSettings(timeout_s=20, progress=False))
    assert list(map(infos.__contains__, paths)) == [True] * 120
    statuses = {info.status for info in infos.values()}
    assert {"ok", "decode_error"} <= statuses <= {"ok", "decode_error", "decoder_crash"}
    assert all(bool(info.detail) == (info.status != "ok") for info in infos.values())
