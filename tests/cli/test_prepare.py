"""``cca-tools prepare`` on real and damaged files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from media.videos import write_video

from cca_tools.cli.main import app, main


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def study(tmp_path):
    """A workspace of five good videos and a corrupt one."""
    for number in range(5):
        folder = tmp_path / "videos" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        write_video(folder / f"v{number}.mp4", 6)
    (tmp_path / "videos" / "class0" / "bad.mp4").write_bytes(b"no video" * 20)
    place = tmp_path / "w"
    run("index", str(tmp_path / "videos"), "-w", str(place))
    return place


def test_packs_names_failures_and_goes_on(study):
    done = run("prepare", "-w", str(study), "--short-side", "32", "--workers", "1")
    assert done.return_value == 1
    assert "class0/bad" in done.stdout
    assert "30 frames" in done.stdout
    assert "GB are free" in done.stderr
    again = run("prepare", "-w", str(study), "--short-side", "32", "--json")
    report = json.loads(again.stdout)
    assert again.return_value == 1
    assert report["counts"] == {"ok": 5, "decode_error": 1}
    assert report["done_before"] == 6
    assert report["num_frames"] == 30
    assert [row["video_id"] for row in report["failures"]] == ["class0/bad"]
    assert (study / "frames" / "index.jsonl.provenance.json").is_file()


def test_other_settings_need_a_restart(study, capsys):
    run("prepare", "-w", str(study), "--short-side", "32", "--workers", "1")
    with pytest.raises(SystemExit) as end:
        main(["prepare", "-w", str(study), "--short-side", "48"])
    assert end.value.code == 2
    assert "short_side was 32, now 48" in capsys.readouterr().err
    done = run(
        "prepare", "-w", str(study), "--short-side", "48", "--stride", "2", "--restart", "--json",
        "--workers", "1",
    )  # fmt: skip
    assert json.loads(done.stdout)["num_frames"] == 15


def test_without_a_manifest(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["prepare", "-w", str(tmp_path)])
    assert end.value.code == 2
    assert "cca-tools index" in capsys.readouterr().err


@pytest.mark.parametrize("fps", ["0", "-3", "nan"])
def test_a_rate_must_be_positive(study, capsys, fps):
    with pytest.raises(SystemExit) as end:
        main(["prepare", "-w", str(study), "--fps", fps])
    assert end.value.code == 2
    assert "--fps" in capsys.readouterr().err
    assert not np.isfinite(float(fps)) or float(fps) <= 0
