from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cca_tools.cli.associate import associate_command
from cca_tools.cli.main import app, main

from ..associations.study import LABELS, MALE, SPEECH, Video, random_study, write_study, write_tags

FAST = ("--top-k", "3", "--bootstrap", "20", "--permutations", "50", "--no-figures")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "w", random_study(np.random.default_rng(0)))


def run(study: Path, *more: str) -> Result:
    return CliRunner().invoke(
        app, ["associate", "-w", str(study), *FAST, *more], catch_exceptions=False
    )


def test_says_what_each_class_sounds_like_and_where_the_files_lie(study: Path) -> None:
    done = run(study)
    assert done.exit_code == 0
    frame = pd.read_parquet(study / "associations.parquet")
    first = frame[frame["rank"] == 1].set_index("class_name")
    flat = " ".join(done.stdout.replace("│", " ").split())
    for name in first.index:
        assert name in flat
    best = first.loc["class 0"]
    assert f"{best['tag'].split(',')[0]}" in flat
    assert f"{best['share']:.0%}" in flat
    assert "left out" in flat
    assert "associations.parquet" in flat
    assert "associations.tex" in flat


def test_notices_go_to_standard_error(study: Path) -> None:
    done = run(study)
    assert "note: " in done.stderr
    assert "videos do not count" in done.stderr
    assert "note: " not in done.stdout


def test_json_holds_every_class_and_all_that_was_left_out(study: Path) -> None:
    report = json.loads(run(study, "--json").stdout)
    assert report["tags"] == "efficientat-mn04-aaaaaaaaaaaa"
    assert report["label_space"]["hash"] == LABELS.hash
    assert report["p_values"] == "50 permutations"
    assert any("do not count" in notice for notice in report["notices"])
    videos = random_study(np.random.default_rng(0))
    for row in report["classes"]:
        mine = [video for video in videos if video.class_name == row["class_name"]]
        for status in ("silent", "timeout", "untagged"):
            assert row[status] == sum(video.status == status for video in mine)
        assert [pair["rank"] for pair in row["top"]] == list(range(1, len(row["top"]) + 1))
        assert {"mid", "tag", "videos", "share", "npmi", "q_value"} <= set(row["top"][0])
    assert all(Path(path).is_file() for path in report["files"])


def test_json_has_null_for_the_undefined(study: Path) -> None:
    done = CliRunner().invoke(
        associate_command,
        ["-w", str(study), *FAST, "--permutations", "0", "--bootstrap", "0", "--json"],
    )
    assert "NaN" not in done.stdout
    assert json.loads(done.stdout)["classes"][0]["top"][0]["p_value"] is None


def test_charts_and_levels(study: Path, tmp_path: Path) -> None:
    levels = tmp_path / "levels.csv"
    levels.write_text("class_name,level\nclass 0,highly\n")
    done = run(study, "--levels", str(levels), "--chart-class", "class 1", "--chart-class", "all")
    assert done.exit_code == 0
    table = pd.read_csv(study / "tables" / "associations.csv", keep_default_na=False)
    assert table["Correlated"].tolist() == ["highly", "", "", ""]
    assert len(list((study / "figures").glob("chart_*.pdf"))) == 4
    assert not list((study / "figures").glob("heatmap*"))


def test_figures_are_drawn_unless_told_otherwise(study: Path) -> None:
    CliRunner().invoke(associate_command, ["-w", str(study), *FAST[:-1]])
    assert len(list((study / "figures").glob("heatmap_*"))) == 4


def test_another_run_is_chosen_by_name(study: Path) -> None:
    write_tags(
        study / "tags",
        [Video("c0/g1_0", "class 0", (SPEECH, MALE, LABELS.mids[9]))],
        tagger="yamnet",
        fingerprint="c" * 64,
        about={"updated_utc": "2026-09-09T00:00:00+00:00"},
    )
    newest = run(study)
    assert "counted are the tags yamnet-cccccccccccc" in newest.stderr
    chosen = run(study, "--tags", "efficientat", "--json")
    assert json.loads(chosen.stdout)["tags"] == "efficientat-mn04-aaaaaaaaaaaa"


def test_many_classes_are_cut_on_the_screen_only(tmp_path: Path) -> None:
    videos = [Video(str(number), f"class {number:03d}", (SPEECH,)) for number in range(70)]
    study = write_study(tmp_path / "w", videos)
    done = run(study, "--top-k", "1")
    assert "class 059" in done.stdout
    assert "class 060" not in done.stdout
    assert "... and 10 classes more" in done.stdout
    assert len(json.loads(run(study, "--top-k", "1", "--json").stdout)["classes"]) == 70


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--top-k", "9"), "--top-k is 9, but only 3"),
        (("--top-k", "0"), "--top-k must be a whole number, at least 1"),
        (("--tags", "nothing"), "no tags are called 'nothing'"),
        (("--chart-class", "nobody"), "there is no video class 'nobody'"),
        (("--levels", "absent.csv"), "absent.csv cannot be read"),
        (("--rank-by", "beauty"), "'beauty' is not one of"),
        (("--permutations", "-1"), "-1 is not in the range"),
    ],
)
def test_wrong_use_ends_with_code_2_and_what_to_do(
    study: Path,
    more: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["associate", "-w", str(study), *FAST, *more])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_empty_workspace_says_which_command_comes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["associate", "-w", str(tmp_path / "none")])
    assert ended.value.code == 2
    assert "cca-tools index" in capsys.readouterr().err


def test_help_has_an_example() -> None:
    done = CliRunner().invoke(associate_command, ["--help"])
    assert done.exit_code == 0
    assert "cca-tools associate --rank-by log-odds" in done.stdout
