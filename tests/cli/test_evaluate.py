from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cca_tools.cli.main import main
from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.workspace import Workspace, read_provenance, sha256_of
from ccl.evaluation.predictions import read_predictions

from .trained_runs import NAME, invoke, make_workspace, train

FAST = ("--device", "cpu", "--bootstrap", "50")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    made = make_workspace(tmp_path_factory.mktemp("evaluate"))
    train(made)
    return made


def stopped(workspace: Workspace, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which a command ends."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *arguments, "-w", str(workspace.root), "--device", "cpu"])
    assert caught.value.code == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    return error


def test_it_gives_what_training_gave_at_its_end(workspace: Workspace) -> None:
    folder = workspace.runs / NAME
    before = json.loads((folder / "evaluation.json").read_text())
    said = read_predictions(folder / "predictions.parquet")
    done = invoke(workspace, "evaluate", NAME, "--device", "cpu", "--json")
    assert done.exit_code == 0
    after = json.loads(done.stdout)
    assert after["metrics"] == before["metrics"]
    assert after["levels"] == before["levels"]
    again = read_predictions(folder / "predictions.parquet")
    np.testing.assert_array_equal(again.probs, said.probs)
    assert {Path(name).name for name in after["files"]} == {
        "predictions.parquet", "evaluation.json", "evaluation.md", "confusion.png",
        "embeddings.png",
    }  # fmt: skip


def test_numbers_are_those_of_the_predictions(workspace: Workspace) -> None:
    done = invoke(workspace, "evaluate", NAME, *FAST, "--json")
    report = json.loads(done.stdout)
    frame = pd.read_parquet(workspace.runs / NAME / "predictions.parquet")
    manifest = read_manifest(workspace.manifest).set_index("video_id")
    test, gallery = (frame[frame["split"] == name] for name in ("test", "train"))
    assert set(test["video_id"]) == set(manifest.index[manifest["split"] == "test"])
    assert (report["sizes"]["videos"], report["sizes"]["gallery_videos"]) == (9, len(gallery))
    assert (frame["clips"] == 2).all()
    right = test["top5"].map(lambda names: names[0]) == test["class_name"]
    assert report["metrics"]["top1"]["value"] == pytest.approx(right.mean())
    vectors = [np.stack(part["embedding"].tolist()).astype(float) for part in (test, gallery)]
    units = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in vectors]
    nearest = gallery["class_name"].to_numpy()[(units[0] @ units[1].T).argmax(axis=1)]
    hits = nearest == test["class_name"].to_numpy()
    assert report["metrics"]["r1"]["value"] == pytest.approx(hits.mean(), abs=1e-6)
    by_level = {row["level"]: row for row in report["levels"]}
    highly = (test["class_name"] == "fast").to_numpy()
    value = by_level["highly"]["metrics"]["top1"]["value"]
    assert value == pytest.approx(right[highly].mean())


def test_the_table_says_what_the_json_says(workspace: Workspace) -> None:
    done = invoke(workspace, "evaluate", NAME, *FAST, "--no-figures")
    assert done.exit_code == 0
    report = json.loads((workspace.runs / NAME / "evaluation.json").read_text())
    lines = {line.split("  ")[0].strip(): line for line in done.stdout.splitlines()}
    assert f"{100 * report['metrics']['top1']['value']:.1f}" in lines["top-1 per video"]
    assert "R@20 without own group" in lines
    assert "highly" in lines
    assert "note: top-5 of 3 classes" in done.stderr
    assert "confusion.png" not in done.stdout
    assert "note:" not in done.stdout


def test_validation_lies_beside_and_leaves_the_rest(workspace: Workspace) -> None:
    folder = workspace.runs / NAME
    before = (folder / "predictions.parquet").read_bytes()
    done = invoke(workspace, "evaluate", str(folder), "--split", "val", *FAST, "--clips", "3")
    assert done.exit_code == 0
    frame = pd.read_parquet(folder / "predictions-val.parquet")
    assert set(frame["split"]) == {"val", "train"}
    assert (frame["clips"] == 3).all()
    parts = {name: set(part["group"]) for name, part in frame.groupby("split")}
    assert not parts["val"] & parts["train"]
    assert json.loads((folder / "evaluation-val.json").read_text())["split"] == "val"
    assert (folder / "predictions.parquet").read_bytes() == before


def test_the_sidecar_names_what_it_was_made_of(workspace: Workspace) -> None:
    folder = workspace.runs / NAME
    invoke(workspace, "evaluate", NAME, *FAST, "--no-figures")
    record = read_provenance(folder / "evaluation.json")
    inputs = record["inputs"]
    for path in (workspace.manifest, folder / "best.pt", folder / "config.json"):
        assert inputs[str(path)] == sha256_of(path)
    assert any(name.endswith("index.jsonl") for name in inputs)
    assert record["parameters"]["intervals"]["resamples"] == 50


def test_an_unknown_run_lists_the_known_ones(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"Known are {NAME}" in stopped(workspace, capsys, "nothing")
    empty = Workspace(workspace.root.parent / "empty")
    assert "cca-tools train" in stopped(empty, capsys, "nothing")


@pytest.mark.parametrize("state", ["running", "stopped", None])
def test_an_unfinished_run_says_so_in_one_line(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str | None
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(workspace.runs / NAME, copy)
    (copy / "status.json").unlink()
    if state:
        (copy / "status.json").write_text(json.dumps({"state": state, "epochs_done": 1}))
    error = stopped(workspace, capsys, str(copy))
    assert "is not finished" in error
    assert ("1 of 2 epochs" in error) is bool(state)


def test_a_run_without_test_videos_says_so_in_one_line(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Workspace(tmp_path / "w")
    shutil.copytree(workspace.root, other.root)
    frame = read_manifest(other.manifest)
    write_manifest(frame[frame["split"] == "train"], other.manifest)
    config = json.loads((other.runs / NAME / "config.json").read_text())
    config["config"]["data"]["on_missing"] = "skip"
    (other.runs / NAME / "config.json").write_text(json.dumps(config))
    error = stopped(other, capsys, NAME)
    assert "no test videos of the run's 3 classes" in error
    assert "--split val" in error


def test_another_workspace_is_refused(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Workspace(tmp_path / "w")
    shutil.copytree(workspace.root, other.root)
    frame = read_manifest(other.manifest)
    write_manifest(frame[frame["class_name"] != "still"], other.manifest)
    error = stopped(other, capsys, NAME)
    assert "tells 3 classes" in error
    assert "--workspace" in error


def test_a_manifest_that_changed_since_training_is_noted(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "w")
    shutil.copytree(workspace.root, other.root)
    assert "changed since" not in invoke(other, "evaluate", NAME, *FAST, "--no-figures").stderr
    frame = read_manifest(other.manifest)
    learnt = frame["video_id"] == "fast1"
    write_manifest(frame.assign(split=frame["split"].mask(learnt, "test")), other.manifest)
    done = invoke(other, "evaluate", NAME, *FAST, "--no-figures")
    assert "manifest.parquet changed since the run was trained" in done.stderr
    report = json.loads((other.runs / NAME / "evaluation.json").read_text())
    assert "changed since" in report["notices"][0]
