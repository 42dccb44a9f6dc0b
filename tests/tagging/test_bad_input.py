"""Whatever the files are like: one row for each, with the right status, and the run goes on."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from makers import Track, noise, tone, write_media
from tagging.comparing import check_rows
from tagging.conftest import manifest_of

from cca_tools.taggers.registry import load_tagger

FORMATS = {
    "-video-with-dash-": ("no_audio_stream", "there is no audio stream"),
    "av1_video": ("no_audio_stream", "there is no audio stream"),
    "big_buck_bunny_432_433": ("ok", ""),
    "chaplin": ("ok", ""),
    "corrupted": ("no_audio_stream", "there is no audio stream"),
    "flipping_a_pancake": ("ok", ""),
    "h264_10bits": ("no_audio_stream", "there is no audio stream"),
    "h265_video": ("no_audio_stream", "there is no audio stream"),
    "mmaction2_demo_no_audio": ("no_audio_stream", "there is no audio stream"),
    "nasa_13013": ("ok", "2 audio streams, the first is used"),
    "no_duration": ("silent", "all below -60 dBFS"),
    "result": ("decode_error", "the file is empty (0 bytes)"),
    "transparent": ("silent", "all below -60 dBFS"),
    "video_with_failing_audio": ("ok", ""),
}


def test_the_real_formats_with_yamnet(shared, study_of):
    folder = shared / "data/clips/formats"
    study = study_of(manifest_of(sorted(folder.iterdir()), folder))
    study.tag(load_tagger("yamnet", device="cpu"))
    rows = study.rows()
    check_rows(rows, FORMATS)
    assert {name: (row["status"], row["detail"]) for name, row in rows.iterrows()} == FORMATS
    names = load_tagger("yamnet").labels
    assert names.name_of(rows.loc["nasa_13013", "mids"][0]) in ("Speech", "Music")


def test_short_silent_and_empty_clips_with_yamnet(study_of, tmp_path):
    loud = noise(1.0, 16_000, amplitude=0.2)
    cases = {
        "empty": (loud[:0], "silent", "no samples"),
        "one": (loud[:1] * 0 + 0.5, "ok", ""),
        "three-hundred-twenty": (loud[:320], "ok", ""),
        "nearly-two-seconds": (np.resize(loud, 31_999), "ok", ""),
        "zeros": (loud * 0, "silent", "all below -60 dBFS"),
        "just-below": (loud * 0 + 0.00099, "silent", "all below -60 dBFS"),
        "just-above": (loud * 0 + 0.00101, "ok", ""),
    }
    paths = [
        write_media(tmp_path / f"{name}.wav", Track(sound, 16_000, "pcm_f32le"))
        for name, (sound, _, _) in cases.items()
    ]
    study = study_of(manifest_of(paths, tmp_path))
    study.tag(load_tagger("yamnet", device="cpu"))
    rows = study.rows()
    check_rows(rows, cases)
    for name, (sound, status, detail) in cases.items():
        row = rows.loc[name]
        assert (row["status"], row["detail"]) == (status, detail), name
        assert row["seconds"] == len(sound) / 16_000
        peak = np.abs(sound).max(initial=0.0)
        if len(sound):
            rms = np.sqrt(np.mean(sound.astype(np.float64) ** 2))
            assert row["peak_dbfs"] == pytest.approx(
                max(-120, 20 * np.log10(peak + 1e-30)), abs=1e-4
            )
            assert row["rms_dbfs"] == pytest.approx(max(-120, 20 * np.log10(rms + 1e-30)), abs=1e-4)
        else:
            assert np.isnan(row["peak_dbfs"])
            assert np.isnan(row["rms_dbfs"])


def test_what_is_no_readable_file(obedient_cli, study_of, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    good = write_media(folder / "good.wav", Track(tone(1, 16_000), 16_000))
    (folder / "folder.mp4").mkdir()
    os.mkfifo(folder / "fifo.mp4")
    (folder / "around.mp4").symlink_to(folder / "about.mp4")
    (folder / "about.mp4").symlink_to(folder / "around.mp4")
    (folder / "dangling.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / "link.wav").symlink_to(good)
    (folder / "empty.mp4").touch()
    (folder / "locked.wav").write_bytes(good.read_bytes())
    (folder / "locked.wav").chmod(0)
    (folder / "shut").mkdir()
    (folder / "shut" / "in.wav").write_bytes(good.read_bytes())
    (folder / "below.mp4").write_bytes(b"x")
    (folder / "text.mp4").write_text("#EXTM3U\nhttp://127.0.0.1:9/x\n")
    expected = {
        "good": ("ok", ""),
        "folder": ("decode_error", "it is a folder"),
        "fifo": ("decode_error", "it is no regular file"),
        "around": ("decode_error", "Too many levels of symbolic links"),
        "dangling": ("missing_file", "there is no such file"),
        "link": ("ok", ""),
        "empty": ("decode_error", "the file is empty (0 bytes)"),
        "locked": ("decode_error", "permission denied"),
        "shut/in": ("decode_error", "Permission denied"),
        "below.mp4/x": ("missing_file", "there is no such file"),
        "text": ("decode_error", "Invalid data found when processing input"),
        "zero\x00byte": ("decode_error", "embedded null byte"),
        "long" * 100: ("decode_error", "File name too long"),
    }
    suffixes = {"good": ".wav", "link": ".wav", "locked": ".wav", "shut/in": ".wav"}
    paths = [folder / f"{name}{suffixes.get(name, '.mp4')}" for name in expected]
    study = study_of(manifest_of(paths, folder))
    (folder / "shut").chmod(0)
    code, text = obedient_cli.run(
        "tag-audio", "-w", study.workspace.root, "--top-k", 5, "--workers", 1
    )
    (folder / "shut").chmod(0o755)
    rows = study.rows()
    check_rows(rows, expected)
    assert {name: (row["status"], row["detail"]) for name, row in rows.iterrows()} == expected
    assert code == 1
    assert "11 videos failed" in text


ODD_NAMES = (
    "-y.wav", "--help.wav", "with space.wav", "žluťoučký 猫 🐱.wav", "a'b\"c.wav", "two\nlines.wav",
    "tab\tname.wav", "concat:a|b.wav", "http:..", "http:example.org.wav", "pipe:0.wav", "%03d.wav",
    "a*?[x].wav", "$(touch x).wav", "back\\slash.wav", ".hidden.wav", "UPPER.WAV", "no-suffix",
    "e\u0301.wav", "\u202egnp.wav", "[red]bold[.wav",
)  # fmt: skip


def test_names_are_names(cli, tmp_path):
    """Each holds another tone: a name that was taken for something else would show."""
    folder = tmp_path / "clips"
    folder.mkdir()
    plain = {}
    for number, name in enumerate(ODD_NAMES):
        sound = Track(tone(1, 16_000, amplitude=(number + 1) / 40), 16_000)
        write_media(tmp_path / "made.wav", sound)
        (tmp_path / "made.wav").rename(folder / name)
        plain[name] = 20 * np.log10((number + 1) / 40)
    workspace = tmp_path / "out"
    names = [os.path.relpath(folder / name) for name in ODD_NAMES]
    code, text = cli.run("tag-audio", "-w", workspace, "--top-k", 5, "--", *names)
    assert code == 0, text
    rows = pd.read_parquet(workspace / "tags").set_index("video_id")
    manifest = pd.read_parquet(workspace / "manifest.parquet").set_index("video_id")
    assert sorted(manifest["path"]) == sorted(ODD_NAMES)
    for video_id, row in rows.iterrows():
        name = manifest.loc[video_id, "path"]
        assert row["status"] == "ok", name
        assert row["peak_dbfs"] == pytest.approx(plain[name], abs=0.05), name
    for name in ("two\nlines.wav", "[red]bold[.wav", "-y.wav"):
        code, text = cli.run("tags", "show", "-w", workspace, "--", name)
        assert code == 0, text
        assert "Traceback" not in text


def test_a_name_that_is_no_text_is_refused_in_one_line(cli, tmp_path):
    """Such names cannot stand in a Parquet file; `index` passes over them and says so."""
    good = write_media(tmp_path / "good.wav", Track(tone(1, 16_000), 16_000))
    bad = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    good.rename(bad)
    code, text = cli.run("tag-audio", "-w", tmp_path / "out", bad)
    assert code == 2
    (line,) = text.splitlines()
    assert "caf\\xe9.wav" in line
    assert "Rename it" in line
    folder = tmp_path / "study" / "dog"
    folder.mkdir(parents=True)
    write_media(folder / "good.wav", Track(tone(1, 16_000), 16_000))
    os.rename(bad, os.fsencode(folder) + b"/caf\xe9.wav")  # noqa: PTH104  bytes are the point
    code, text = cli.run("tag-audio", "-w", tmp_path / "out2", tmp_path / "study")
    assert "Traceback" not in text
    assert list(pd.read_parquet(tmp_path / "out2" / "tags")["video_id"]) == ["dog/good"]


def test_decoders_that_hang_crash_or_raise(study_of, tmp_path, monkeypatch):
    from tagging import decoders

    monkeypatch.setattr("cca_tools.tagging.decoding.decode_audio", decoders.misbehave)
    names = [
        "a",
        "hang1",
        "b",
        "crash",
        "c",
        "leave",
        "d",
        "raise",
        "e",
        "swell",
        "f",
        "hang2",
        "g",
    ]
    paths = [
        write_media(tmp_path / f"{name}.wav", Track(noise(1, 16_000), 16_000)) for name in names
    ]
    long = Track(noise(130, 8000), 8000)
    paths.append(write_media(tmp_path / "late.wav", long))
    study = study_of(manifest_of(paths, tmp_path))
    study.tag(timeout_s=8.0)
    rows = study.rows()
    check_rows(rows, [*names, "late"])
    expected = dict.fromkeys("abcdefg", ("ok", "")) | {
        "hang1": ("timeout", "not done after 8 s"),
        "hang2": ("timeout", "not done after 8 s"),
        "crash": ("decoder_crash", "the decoder was ended by SIGSEGV"),
        "leave": ("decoder_crash", "the decoder ended with exit code 3"),
        "raise": ("decode_error", "KeyError: 'a bug of a decoder'"),
        "swell": ("decoder_crash", "needs more memory than 4 GiB"),
        "late": ("partial", "stopped after 120 s: decode_error: "
                            "OSError: the disk was pulled out"),
    }  # fmt: skip
    assert {name: (row["status"], row["detail"]) for name, row in rows.iterrows()} == expected
    assert rows.loc["late", "seconds"] == pytest.approx(120, abs=0.2)


def test_segments_beyond_the_end_are_no_silence(study_of, tmp_path):
    path = write_media(tmp_path / "a.wav", Track(noise(5, 16_000), 16_000))
    spans = {
        "inside": (1.0, 3.0),
        "across": (3.0, 8.0),
        "beyond": (6.0, 9.0),
        "tail": (4.0, np.nan),
        "empty": (2.0, 2.0),
    }
    manifest = pd.concat([manifest_of([path], tmp_path)] * len(spans), ignore_index=True)
    manifest["video_id"] = list(spans)
    manifest["start_s"], manifest["end_s"] = zip(*spans.values(), strict=True)
    study = study_of(manifest)
    study.tag()
    rows = study.rows()
    assert rows["seconds"].to_dict() == {
        "inside": 2.0, "across": 2.0, "beyond": 0.0, "tail": 1.0, "empty": 0.0
    }  # fmt: skip
    assert rows["status"].to_dict() == {
        "inside": "ok", "across": "ok", "beyond": "decode_error", "tail": "ok",
        "empty": "silent",
    }  # fmt: skip
    assert rows.loc["beyond", "detail"] == "the sound ends at 5.00 s, before the segment begins"
