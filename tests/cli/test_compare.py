from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cca_tools.cli.main import app
from cca_tools.errors import CcaError
from cca_tools.workspace import Provenance, Workspace, read_provenance, write_json

MEASURES = ("top1", "top5", "r1", "r5", "r10", "r20")
OTHER = tuple(f"{name}_other_groups" for name in MEASURES[2:])


def write_run(place: Workspace, name: str, values, seed=0, videos=4, method="ccl", classes=2):
    """What an evaluated run leaves: configuration, evaluation, predictions."""
    folder = place.runs / name
    metrics = {m: {"value": v} for m, v in zip((*MEASURES, *OTHER), values, strict=True)}
    config = {"method": {"name": method}, "data": {"seed": seed, "split": "all"}}
    names = [f"c{n}" for n in range(classes)]
    write_json(folder / "config.json", {"config": config, "classes": names, "data": "x"})
    found = {"split": "test", "gallery": "train", "metrics": metrics}
    write_json(folder / "evaluation.json", found)
    rows = [(f"v{n}", "test") for n in range(videos)] + [("t0", "train"), ("t1", "train")]
    frame = pd.DataFrame(rows, columns=["video_id", "split"])
    frame.to_parquet(folder / "predictions.parquet")
    return folder


@pytest.fixture
def place(tmp_path) -> Workspace:
    found = Workspace(tmp_path / "w")
    write_run(found, "baseline-none/all/seed0", np.arange(10) / 100, method="baseline")
    write_run(found, "ccl-audio/all/seed0", np.arange(10) / 50)
    write_run(found, "ccl-audio/all/seed1", np.arange(10) / 50 + 0.1, seed=1)
    return found


BASE, CCL0, CCL1 = "baseline-none/all/seed0", "ccl-audio/all/seed0", "ccl-audio/all/seed1"


def compare(place: Workspace, *more: str):
    command = ["compare", "-w", str(place.root), *more]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def test_table_c_has_a_row_a_run_in_percent(place):
    said = compare(place, BASE, CCL0)
    assert said.exit_code == 0
    header, *rows = [line.split() for line in said.stdout.splitlines()]
    assert header == ["Run", "Seeds", "Top-1", "Top-5", "R@1", "R@5", "R@10", "R@20"]
    assert rows == [
        [BASE, "1", "0.0", "1.0", "2.0", "3.0", "4.0", "5.0"],
        [CCL0, "1", "0.0", "2.0", "4.0", "6.0", "8.0", "10.0"],
    ]


def test_runs_may_be_given_by_folder(place):
    said = compare(place, str(place.runs / CCL0), CCL1, "--other-groups")
    assert said.exit_code == 0
    assert f"{CCL0} " in said.stdout
    assert "R@20 other groups" in said.stdout
    assert said.stdout.splitlines()[1].split()[-4:] == ["12.0", "14.0", "16.0", "18.0"]


def test_seeds_are_taken_together(place):
    said = compare(place, BASE, CCL0, CCL1, "--mean", "--json")
    rows = json.loads(said.stdout)["rows"]
    assert [(row["run"], row["seeds"]) for row in rows] == [(BASE, 1), ("ccl-audio/all", 2)]
    assert rows[1]["top5"] == pytest.approx(0.07)
    assert rows[1]["top5_sd"] == pytest.approx(0.1 / np.sqrt(2))
    assert rows[0]["top5_sd"] is None
    assert "ccl-audio/all  2      5.0 (7.1)" in compare(place, CCL0, CCL1, "--mean").stdout


def test_runs_of_other_test_videos_are_refused_by_name(place):
    write_run(place, "ccl-audio/few/seed0", np.zeros(10), videos=3)
    with pytest.raises(CcaError) as error:
        compare(place, BASE, CCL0, "ccl-audio/few/seed0")
    assert error.value.exit_code == 2
    assert (
        "different test videos: ccl-audio/few/seed0 has 0 videos that baseline-none/all/seed0 has "
        "not, and lacks 1 (such as v3)"
    ) in str(error.value)
    assert CCL0 not in str(error.value)
    said = compare(place, BASE, "ccl-audio/few/seed0", "--different-videos")
    assert said.exit_code == 0
    assert "note: not of the same videos: ccl-audio/few/seed0" in said.stderr


def test_another_gallery_is_noted(place):
    folder = write_run(place, "ccl-audio/more/seed0", np.zeros(10))
    rows = pd.read_parquet(folder / "predictions.parquet")
    rows.iloc[:-1].to_parquet(folder / "predictions.parquet")
    said = compare(place, BASE, "ccl-audio/more/seed0")
    assert said.exit_code == 0
    assert "note: ccl-audio/more/seed0 retrieves from 1 videos" in said.stderr


def test_published_rows_stand_below_runs_of_that_dataset(place):
    place.manifest.write_text("")
    Provenance("index", {"layout": "vggsound"}).write(place.manifest)
    write_run(place, "ccl-audio/vgg/seed0", np.zeros(10), classes=309)
    said = compare(place, "ccl-audio/vgg/seed0")
    assert "ccl (published)" in said.stdout
    line = next(line for line in said.stdout.splitlines() if "ccl (published)" in line)
    assert line.split()[2:] == ["-", "23.6", "46.2", "28.1", "45.0", "52.5", "60.2"]
    assert "published" not in compare(place, CCL0).stdout


def test_tables_are_written_with_their_provenance(place):
    compare(place, BASE, CCL0, "--name", "mine")
    for suffix in ("csv", "md", "tex"):
        assert (place.tables / f"mine.{suffix}").is_file()
    numbers = pd.read_csv(place.tables / "mine.csv")
    assert numbers["r20"].tolist() == [0.05, 0.1]
    inputs = [
        Path(path).parent.name for path in read_provenance(place.tables / "mine.csv")["inputs"]
    ]
    assert inputs == ["seed0", "seed0"]


def test_a_run_that_was_not_evaluated_is_refused(place):
    (place.runs / CCL0 / "evaluation.json").unlink()
    with pytest.raises(CcaError, match=f"Run `cca-tools evaluate {CCL0}` first"):
        compare(place, BASE, CCL0)


def test_an_unknown_run_is_refused_with_those_there_are(place):
    with pytest.raises(CcaError, match=CCL1):
        compare(place, "nothing")


def test_undefined_measures_are_dashes(place):
    values = np.full(10, 0.5).tolist()
    values[2] = None
    write_run(place, "ccl-audio/odd/seed0", values)
    said = compare(place, "ccl-audio/odd/seed0")
    assert said.stdout.splitlines()[1].split()[4] == "-"
    assert "NaN" not in compare(place, "ccl-audio/odd/seed0", "--json").stdout
