"""Real runs of the trainer in real processes, on a study that takes seconds."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

from cca_tools.cli.main import app
from cca_tools.errors import CcaError
from cca_tools.reports.ablation import read_ablation
from cca_tools.workspace import read_provenance, sha256_of

from ..ccl.ablation.small_workspace import EPOCHS, make_workspace, quick

SPLITS = ("--split", "highly_correlated,weakly_correlated")  # the second one is empty
ARGUMENTS = (*SPLITS, "--methods", "baseline,ccl", "--seeds", "1", "--no-measure", *quick())
FOLDERS = ("baseline-none/highly_correlated/seed0", "ccl-audio/highly_correlated/seed0")


def ablate(root: Path, *more: str):
    command = ["ablate", "-w", str(root), *ARGUMENTS, *more]
    return CliRunner().invoke(app, command, catch_exceptions=False, standalone_mode=False)


def table_of(root: Path) -> bytes:
    return (root / "ablation" / "within.json").read_bytes()


def times(root: Path) -> dict[str, int]:
    """When each weight of each run was written."""
    paths = sorted((root / "runs").glob("*/*/*/*.pt"))
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in paths}


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Path:
    """A workspace without runs."""
    return make_workspace(tmp_path_factory.mktemp("fresh")).root


@pytest.fixture(scope="session")
def finished(fresh, tmp_path_factory):
    """A finished ablation in a copy, and what the command said."""
    root = tmp_path_factory.mktemp("finished") / "w"
    shutil.copytree(fresh, root)
    return root, ablate(root)


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    shutil.copytree(finished[0], tmp_path / "w")
    return tmp_path / "w"


def test_the_table_is_that_of_the_runs_predictions(finished):
    root, said = finished
    assert said.return_value == 0, said.output
    report = read_ablation(root / "ablation" / "within.json")
    rows = report.rows.set_index("method")
    for method, folder in zip(("baseline", "ccl"), FOLDERS, strict=True):
        frame = pd.read_parquet(root / "runs" / folder / "predictions.parquet")
        frame = frame[frame["split"] == "test"]
        right = [top[0] == own for top, own in zip(frame["top5"], frame["class_name"], strict=True)]
        assert len(right) == 8
        assert rows.loc[method, "accuracy"] == pytest.approx(sum(right) / 8)
        evaluated = json.loads((root / "runs" / folder / "evaluation.json").read_text())
        assert rows.loc[method, "accuracy"] == pytest.approx(evaluated["metrics"]["top1"]["value"])
        assert f"{100 * sum(right) / 8:.1f}" in said.stdout
    assert report.runs["ccl on highly_correlated, seed 0"] == f"runs/{FOLDERS[1]}"
    assert set(report.classes["class_name"]) == {"c0", "c1"}
    assert report.classes["audio_accuracy"].tolist() == [0.9, 0.8]


def test_what_is_lacking_is_said(finished):
    said = finished[1].stderr
    assert "note: weakly_correlated: no class, and telling apart takes 2" in said
    assert "note: highly_correlated: 1 seed: nothing can be said of other seeds" in said
    assert "2 cells, 0 done, 2 to run: time unknown" in said


def test_tables_pictures_and_provenance_are_written(finished):
    root = finished[0]
    for name in ("ablation-within.csv", "ablation-within.md", "ablation-within.tex",
                 "ablation-within-classes.csv", "ablation-within-seeds.csv"):  # fmt: skip
        assert (root / "tables" / name).is_file(), name
    assert (root / "figures" / "ablation-within-accuracies.png").is_file()
    about = read_provenance(root / "ablation" / "within.json")
    inputs = {Path(path).relative_to(root).as_posix(): sha for path, sha in about["inputs"].items()}
    predictions = [f"runs/{folder}/predictions.parquet" for folder in FOLDERS]
    assert set(inputs) == {
        "manifest.parquet", "splits.json", "audio_probe.parquet", *predictions
    }  # fmt: skip
    assert inputs[predictions[0]] == sha256_of(root / predictions[0])
    assert about["parameters"]["settings"]["protocol"] == "within"


def test_what_is_done_is_never_run_again(copy):
    before, table = times(copy), table_of(copy)
    said = ablate(copy, "--json")
    assert said.return_value == 0
    assert times(copy) == before
    assert table_of(copy) == table
    assert len(json.loads(said.stdout)["rows"]) == 2


def test_a_cell_that_fails_is_named_and_the_others_reported(copy):
    before = times(copy)
    said = ablate(copy, "--variant", "wild=baseline,optim.lr=1e38", "--json")
    assert said.return_value == 1
    assert "failed: wild on highly_correlated, seed 0: " in said.stderr
    assert "is not finite" in said.stderr
    report = json.loads(said.stdout)
    assert set(report["failed"]) == {"wild on highly_correlated, seed 0"}
    assert [row["method"] for row in report["rows"]] == ["baseline", "ccl"]
    assert "wild on highly_correlated, seed 0: not done" in report["lacks"]
    assert {name: at for name, at in times(copy).items() if "wild" not in name} == before


def test_the_plan_tells_what_is_done_and_estimates_from_earlier_runs(copy):
    said = ablate(copy, "--methods", "baseline,ccl", "--seeds", "2", "--dry-run", "--json")
    assert said.return_value == 0
    cells = json.loads(said.stdout)["cells"]
    assert [cell["state"] for cell in cells] == ["done", "done", "to run", "to run"]
    for cell in cells:
        assert cell["basis"] == "earlier runs"
        assert 0.1 < cell["seconds"] < 600
        size = sum(f.stat().st_size for f in (copy / "runs" / FOLDERS[0]).rglob("*"))
        assert cell["bytes"] == pytest.approx(size, rel=0.5)
        assert (cell["epochs"], cell["train"], cell["test"]) == (EPOCHS, 8, 8)
    assert "4 cells, 2 done, 2 to run: about " in ablate(copy, "--seeds", "2", "--dry-run").stdout


def test_the_plan_measures_a_few_steps_where_there_is_no_earlier_run(fresh):
    said = ablate(fresh, "--methods", "ccl", "--measure", "--dry-run", "--json")
    (cell,) = json.loads(said.stdout)["cells"]
    assert cell["basis"] == "a few measured steps"
    assert 0.1 < cell["seconds"] < 600
    weights = 4 * 3 * 300_000  # what the tiny student keeps is some megabytes
    assert weights / 10 < cell["bytes"] < 100 * weights
    assert not (fresh / "runs").exists()


def test_only_the_table_can_be_made_anew(copy):
    shutil.rmtree(copy / "runs" / FOLDERS[1])
    said = ablate(copy, "--table-only", "--no-figures", "--name", "part", "--json")
    assert said.return_value == 0
    report = json.loads(said.stdout)
    assert [row["method"] for row in report["rows"]] == ["baseline"]
    assert "ccl on highly_correlated, seed 0: not done" in report["lacks"]
    assert (copy / "ablation" / "part.json").is_file()
    assert not (copy / "figures" / "ablation-part-accuracies.png").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--seeds", "few"), "--seeds 'few' are no whole numbers"),
        (("--split", "elsewhere"), "no split is called 'elsewhere'"),
        (("--methods", "guess"), "no method 'guess'"),
        (("--set", "data.seed=4"), "data.seed is what the ablation itself varies"),
        (("--distill", "smell"), "cannot distil 'smell'"),
    ],
)
def test_wrong_use_is_one_line(fresh, wrong, said):
    with pytest.raises(CcaError) as error:
        ablate(fresh, *wrong)
    assert said in str(error.value)
    assert error.value.exit_code == 2


def test_killed_or_stopped_anywhere_it_goes_on_to_the_same_table(fresh, finished, tmp_path):
    """Killed in the first cell, stopped in the second, then let to its end."""
    root = tmp_path / "w"
    shutil.copytree(fresh, root)
    first, second = (root / "runs" / folder for folder in FOLDERS)
    running = start(root)
    wait_for(lambda: lines(first / "metrics.jsonl") >= 2, running)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    wait_for(lambda: not cells_below(root))
    assert not (first / "evaluation.json").exists()

    running = start(root)
    wait_for(lambda: lines(second / "metrics.jsonl") >= 1, running)
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=120)[1]
    assert running.returncode == 130
    assert b"run the same command to go on" in said
    assert json.loads((second / "status.json").read_text())["state"] == "stopped"
    assert not cells_below(root)

    before = times(root)
    assert ablate(root).return_value == 0
    own = [path for path in before if FOLDERS[0] in path]
    assert own
    assert all(times(root)[path] == before[path] for path in own)  # done, and not run again
    assert table_of(root) == table_of(finished[0])
    for folder in FOLDERS:
        ours, theirs = (
            pd.read_parquet(w / "runs" / folder / "predictions.parquet")
            for w in (root, finished[0])
        )
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def start(root: Path, *more: str) -> subprocess.Popen[bytes]:
    code = "from cca_tools.cli.main import main; main()"
    command = [sys.executable, "-c", code, "ablate", "-w", str(root), *ARGUMENTS, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def cells_below(root: Path) -> list[int]:
    """The processes that train below ``root``."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "ccl.ablation.cell" in words and any(str(root) in word for word in words):
            found.append(process.pid)
    return found


def wait_for(condition, running: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        assert running is None or running.poll() is None, running.communicate()
        time.sleep(0.02)
