"""``cca-tools tag-audio``: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from makers import Track, noise, tone, write_media
from tagging.fakes import load_fake

from cca_tools.cli.main import app
from cca_tools.tagging.rows import STATUSES


@pytest.fixture
def folder(tmp_path):
    """Two class folders; one video has no sound."""
    made = tmp_path / "videos"
    for name in ("cat", "dog"):
        (made / name).mkdir(parents=True)
    write_media(made / "cat" / "purr.wav", Track(tone(1, 16_000, hz=100), 16_000))
    write_media(made / "dog" / "bark.mp4", Track(noise(1, 22_050), 22_050, "aac"), picture_s=1)
    write_media(made / "dog" / "mute.mp4", picture_s=1)
    return made


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a function that runs ``tag-audio`` with the fake tagger in the workspace ``out``."""
    monkeypatch.setattr("cca_tools.tagging.run.load_tagger", load_fake)

    def invoke(*arguments, workspace=tmp_path / "out"):
        argv = ["tag-audio", "-w", str(workspace), *map(str, arguments)]
        return CliRunner().invoke(app, argv, standalone_mode=False)

    return invoke


def code_of(done):
    """The exit code, also where the command ended in one of our errors."""
    return getattr(done.exception, "exit_code", None) or done.return_value or 0


def test_a_folder_ends_in_a_summary(run, folder, tmp_path):
    done = run(folder)
    assert code_of(done) == 0
    flat = " ".join(done.stdout.split())
    assert "no_audio_stream" in flat
    assert f"tags: {tmp_path / 'out' / 'tags'}/yamnet-" in done.stdout
    assert "h an hour" in done.stdout
    assert "failed" not in done.stdout
    rows = pd.read_parquet(tmp_path / "out" / "tags").set_index("video_id")
    assert rows["status"].to_dict() == {
        "cat/purr": "ok", "dog/bark": "ok", "dog/mute": "no_audio_stream"
    }  # fmt: skip


def test_no_bar_in_a_log(run, folder):
    """On a terminal there is one; see the tests of the bar itself."""
    done = run(folder)
    assert done.stderr == ""
    assert "%" not in done.stdout


def test_failures_are_counted_told_and_make_exit_code_1(run, folder, tmp_path):
    (folder / "dog" / "broken.mp4").write_bytes(b"not a video" * 9)
    done = run(folder)
    assert code_of(done) == 1
    assert "1 video failed: `cca-tools tags failures -w " in done.stdout
    again = run(folder)
    assert code_of(again) == 1
    assert "4 videos were tagged before" in again.stdout


def test_json_is_all_that_goes_to_standard_output(run, folder, tmp_path):
    report = json.loads(run(folder, "--json").stdout)
    assert list(report["counts"]) == list(STATUSES)
    assert report["counts"]["ok"] == 2
    assert report["tags"] == str(tmp_path / "out" / "tags")
    assert report["heard_s"] == pytest.approx(2, abs=0.1)
    assert report["done_before"] == 0
    assert json.loads(run("--json").stdout)["done_before"] == 3


def test_other_settings_are_told_on_standard_error(run, folder):
    run(folder)
    done = run("--top-k", 3)
    assert code_of(done) == 0
    assert "note: the settings differ from yamnet-" in done.stderr
    assert "(top_k 10 -> 3): the new tags are kept apart, as yamnet-" in done.stderr
    assert "note:" not in run("--top-k", 3).stderr


def test_restart_and_retry(run, folder):
    run(folder)
    assert json.loads(run("--json").stdout)["done_before"] == 3
    assert json.loads(run("--json", "--restart").stdout)["done_before"] == 0
    assert json.loads(run("--json", "--retry-failed").stdout)["done_before"] == 3
    assert json.loads(run("--json", "--resume").stdout)["done_before"] == 3


def test_files_by_name(run, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder / "dog")
    (folder / "dog" / "bark.mp4").rename("-bark.mp4")
    done = run("--json", "../cat/purr.wav", "--", "-bark.mp4")
    assert code_of(done) == 0, done.exception
    rows = pd.read_parquet(tmp_path / "out" / "tags")
    assert sorted(rows["video_id"]) == ["-bark", "purr"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--top-k", "0"], "--top-k must be at least 1, got 0"),
        (["--top-k", "14"], "--top-k is 14, but yamnet has 13 classes"),
        (["--top-k", "x"], "'x' is not a valid integer"),
        (["--keep", "scores,all"], "--keep cannot be 'all'. It takes any of scores, embedding"),
        (["--pooling", "sum"], "'sum' is not one of 'mean', 'max'"),
        (["--precision", "fp8"], "'fp8' is not one of 'fp32', 'bf16'"),
        (["--workers", "-1"], "must be at least 1 or auto, got -1"),
        (["--workers", "many"], "'many' is neither a whole number nor auto"),
        (["--batch-size", "0"], "must be at least 1 or auto, got 0"),
        (["--timeout", "0"], "--timeout must be above 0, got 0"),
        (["--timeout", "soon"], "'soon' is not a valid float"),
        (["gone.mp4"], "gone.mp4 is not there. Check the name"),
        (["gone/dir/x.mp4"], "gone/dir/x.mp4 is not there"),
    ],
)
def test_wrong_use_is_told_and_leaves_nothing_behind(run, tmp_path, folder, arguments, words):
    done = run(*arguments, *([folder] if arguments[0].startswith("--") else []))
    assert code_of(done) == 2
    told = str(getattr(done.exception, "message", done.exception))
    assert words in told
    assert list((tmp_path / "out").glob("tags/*.parquet")) == []


def test_no_manifest_names_the_command_that_makes_one(run, tmp_path):
    done = run()
    assert code_of(done) == 2
    assert "Run `cca-tools index VIDEOS --workspace" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_an_empty_folder(run, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run(tmp_path / "empty")
    assert code_of(done) == 2
    assert "no video was found" in str(done.exception)


def test_settings_reach_the_tags(run, folder, tmp_path):
    run(folder, "--top-k", 4, "--keep", "scores, embedding", "--pooling", "max", "--workers", 1)
    rows = pd.read_parquet(tmp_path / "out" / "tags").set_index("video_id")
    assert len(rows.loc["cat/purr", "mids"]) == 4
    assert len(rows.loc["cat/purr", "scores_all"]) == 13
    assert len(rows.loc["cat/purr", "embedding"]) == 4
    (description,) = (
        path for path in (tmp_path / "out" / "tags").glob("_*.json") if "prov" not in path.name
    )
    assert json.loads(description.read_text())["settings"]["pooling"] == "max"


def test_the_real_command_with_the_bundled_tagger(shared, tmp_path):
    """Everything real: the script, a process of its own, YAMNet, real clips."""
    clips = [
        shared / "data/clips/labelled" / name
        for name in ("3qesirWAGt4_20000_30000.mp4", "nLKEdmVu3FY_000040.mp4", "birthday.mp4")
    ]
    script = Path(sys.executable).with_name("cca-tools")
    done = subprocess.run(
        [script, "tag-audio", "-w", tmp_path / "out", "--json", *clips],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["ok"] == 2
    shown = subprocess.run(
        [script, "tags", "show", "nLKEdmVu3FY_000040", "-w", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Orchestra" in shown.stdout
