from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from cca_tools.cli.main import main
from cca_tools.workspace import Workspace, read_provenance, sha256_of
from ccl.data.batches import EvalBatches
from ccl.data.study import load_study
from ccl.export import load_student
from ccl.models.registry import student_spec
from ccl.training.run import Run

from .trained_runs import NAME, invoke, make_workspace, train


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    made = make_workspace(tmp_path_factory.mktemp("export"))
    train(made)
    return made


def test_the_files_give_the_runs_predictions(workspace: Workspace, tmp_path: Path) -> None:
    done = invoke(workspace, "export", NAME, "--out", str(tmp_path / "student"), "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    weights, network = map(Path, report["files"])
    assert report["difference"] < 1e-4
    assert report["bytes"] == [weights.stat().st_size, network.stat().st_size]
    folder = workspace.runs / NAME
    run, (student, card) = Run.open(folder), load_student(weights)
    assert card.classes == run.classes
    assert (card.num_frames, card.size) == (4, 16)
    assert card.config_hash == sha256_of(folder / "config.json")
    study = load_study(workspace, run.config.data)
    batches = EvalBatches(study.test, study.store, student_spec("tiny"), run.config.data)
    session = onnxruntime.InferenceSession(network)
    sums = np.zeros((2, len(study.test), 3))
    for batch in batches:
        with torch.inference_mode():
            ours = student(batch.clips).logits.softmax(dim=1).numpy()
        logits = torch.from_numpy(session.run(["logits"], {"clips": batch.clips.numpy()})[0])
        for place, probs in enumerate((ours, logits.softmax(dim=1).numpy())):
            np.add.at(sums[place], batch.index.numpy(), probs / 2)
    frame = pd.read_parquet(folder / "predictions.parquet")
    known = np.stack(frame.loc[frame["split"] == "test", "probs"].tolist())
    np.testing.assert_allclose(sums[0], known, atol=1e-5)
    np.testing.assert_allclose(sums[1], known, atol=1e-4)
    for path in (weights, network):
        assert read_provenance(path)["inputs"][str(folder / "best.pt")]


def test_it_writes_into_the_run_and_says_where(workspace: Workspace) -> None:
    done = invoke(workspace, "export", str(workspace.runs / NAME))
    folder = workspace.runs / NAME / "export"
    assert {path.name for path in folder.glob("student.*[xs]")} == {
        "student.onnx", "student.safetensors"
    }  # fmt: skip
    assert f"{folder / 'student.onnx'} (" in done.stdout
    assert "both agree" in done.stdout


def test_an_unfinished_run_is_refused_in_one_line(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    status = workspace.runs / NAME / "status.json"
    before = status.read_text()
    status.write_text(json.dumps({"state": "running", "epochs_done": 1}))
    try:
        with pytest.raises(SystemExit) as caught:
            main(["export", NAME, "-w", str(workspace.root)])
    finally:
        status.write_text(before)
    assert caught.value.code == 2
    error = capsys.readouterr().err.strip()
    assert "is not finished" in error
    assert "\n" not in error
