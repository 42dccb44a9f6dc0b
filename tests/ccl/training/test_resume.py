"""A run that was killed or stopped goes on as if nothing had been, bit for bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_worker
from training_worker import KILLED_AT, config_for, resumable, study_of_13

from cca_tools.errors import DataError, UsageError, WorkspaceError
from cca_tools.workspace import Workspace, read_provenance, sha256_of
from ccl.evaluation.evaluate import EvaluationSettings, evaluate_student, write_results
from ccl.evaluation.evaluate import Place as Results
from ccl.evaluation.predictions import read_predictions
from ccl.export import export_run
from ccl.models.registry import build_student, student_spec
from ccl.models.teachers import load_image_teacher
from ccl.training.checkpoint import read_checkpoint
from ccl.training.job import Job
from ccl.training.run import Run
from ccl.training.train import Options, train

WORKER = Path(training_worker.__file__)
TIMES = ("seconds", "clips_per_s")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without interruption."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert resumable(folder).state == "done"
    return folder


def tensors(value, name=""):
    """All tensors and numbers in nested containers, by path."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: x for key, inner in items for k, x in tensors(inner, f"{name}/{key}").items()}
    return {name: value}


def assert_same(one, two):
    """Checkpoints, logs and predictions agree to the last bit; only times may differ."""
    for file in ("last.pt", "best.pt"):
        a, b = (tensors(read_checkpoint(folder / file)) for folder in (one, two))
        assert a.keys() == b.keys()
        assert sum(isinstance(x, torch.Tensor) for x in a.values()) > 20
        for name, value in a.items():
            same = torch.equal(value, b[name]) if isinstance(value, torch.Tensor) else None
            assert same if same is not None else value == b[name], name
    logs = [[json.loads(x) for x in (f / "metrics.jsonl").open()] for f in (one, two)]
    for a, b in zip(*logs, strict=True):
        assert {k: v for k, v in a.items() if k not in TIMES} == {
            k: v for k, v in b.items() if k not in TIMES
        }
    said = [read_predictions(folder / "predictions.parquet") for folder in (one, two)]
    assert (said[0].probs == said[1].probs).all()
    assert (said[0].embeddings == said[1].embeddings).all()


def test_killed_in_the_middle_of_an_epoch(tmp_path, whole):
    folder = tmp_path / "run"
    paths = os.pathsep.join([str(WORKER.parents[1]), str(WORKER.parent)])
    process = subprocess.run(
        [sys.executable, str(WORKER), "killed", "-", str(folder)],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert process.returncode == -signal.SIGKILL
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], status["epochs_done"]) == ("running", 1)
    place = read_checkpoint(folder / "last.pt")["place"]
    assert (place["epoch"], place["step"]) == (1, 2)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    assert resumable(folder).state == "done"
    assert_same(folder, whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_asked_to_stop(tmp_path, whole, monkeypatch, number, code):
    folder, step, calls = tmp_path / "run", Job.step, []

    def asking(job, *args):
        calls.append(1)
        if len(calls) == KILLED_AT:
            os.kill(os.getpid(), number)
        step(job, *args)

    monkeypatch.setattr(Job, "step", asking)
    before = signal.getsignal(number)
    summary = resumable(folder)
    assert (summary.state, summary.exit_code, summary.epochs) == ("stopped", code, 1)
    assert signal.getsignal(number) == before
    assert Run.open(folder).status["state"] == "stopped"
    assert not (folder / "evaluation.json").exists()
    place = read_checkpoint(folder / "last.pt")["place"]
    assert (place["epoch"], place["step"]) == (1, 3)
    assert resumable(folder).exit_code == 0
    assert_same(folder, whole)


def test_a_line_cut_off_by_a_crash_is_written_anew(tmp_path, whole, monkeypatch):
    folder, step = tmp_path / "run", Job.step
    calls = []

    def failing(job, *args):
        calls.append(1)
        if len(calls) == KILLED_AT:
            raise RuntimeError("the machine broke")
        step(job, *args)

    monkeypatch.setattr(Job, "step", failing)
    with pytest.raises(RuntimeError, match="broke"):
        resumable(folder)
    status = Run.open(folder).status
    assert (status["state"], status["reason"]) == ("failed", "the machine broke")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 1, "te')
    monkeypatch.undo()
    resumable(folder)
    assert_same(folder, whole)


def test_a_run_that_is_done_is_not_touched(whole):
    before = {p.name: p.stat().st_mtime_ns for p in whole.iterdir() if not p.name.startswith(".")}
    again = resumable(whole)
    assert (again.state, again.exit_code) == ("done", 0)
    assert 0 <= again.metrics["top1"] <= 1
    after = {p.name: p.stat().st_mtime_ns for p in whole.iterdir() if not p.name.startswith(".")}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == set()


def test_an_evaluation_that_was_lost_is_made_again(whole, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / "evaluation.json").unlink()
    assert resumable(folder).metrics == resumable(whole).metrics
    assert (folder / "evaluation.json").exists()


def test_other_settings_are_refused_and_named(whole):
    with pytest.raises(UsageError, match=r"other settings: optim.epochs 3 -> 9.*--restart"):
        resumable(whole, **{"optim.epochs": 9})


def test_settings_that_change_no_result_may_differ(whole):
    assert resumable(whole, **{"data.cache": "disk", "run.checkpoint_seconds": 5}).state == "done"


def test_other_data_are_refused(whole, monkeypatch):
    monkeypatch.setitem(training_worker.STUDY, "seed", 5)
    with pytest.raises(DataError, match=r"other data.*--restart"):
        resumable(whole)


def test_a_damaged_checkpoint_is_named(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "last.pt").write_bytes(b"PK\x03\x04 no checkpoint")
    with pytest.raises(DataError, match=r"last.pt cannot be read.*--restart"):
        resumable(folder)
    torch.save({"something": 1}, folder / "last.pt")
    with pytest.raises(DataError, match="no checkpoint of this version"):
        resumable(folder)


def test_a_checkpoint_runs_nothing(tmp_path):
    """A pickle that would run a command is refused by the safe loader."""

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    torch.save({"format": 1, "student": Evil()}, tmp_path / "last.pt")
    with pytest.raises(DataError):
        read_checkpoint(tmp_path / "last.pt")
    assert not (tmp_path / "ran").exists()


def test_a_folder_in_use_is_refused(tmp_path):
    folder = tmp_path / "run"
    with Workspace(folder).lock("another"), pytest.raises(WorkspaceError, match="another"):
        resumable(folder)


def test_the_student_of_a_run(whole):
    run = Run.open(whole)
    assert run.is_done
    assert run.config.method.name == "crd"
    assert run.classes == study_of_13().classes
    assert run.status["epochs_done"] == 3
    student = run.student()
    assert not student.training
    best = read_checkpoint(whole / "best.pt")
    assert best["epoch"] == run.status["best_epoch"]
    for name, value in student.state_dict().items():
        assert torch.equal(value, best["student"][name])


def test_no_run(tmp_path):
    with pytest.raises(DataError, match=r"no run at.*cca-tools train"):
        Run.open(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(DataError, match="of no run"):
        Run.open(tmp_path)


@pytest.mark.parametrize("what", ["student", "image"])
def test_other_files_of_weights_are_other_data(tmp_path, what):
    """They are kept by hash, so that a run never goes on from, or is taken for, another."""
    paths = [tmp_path / "weights.pt", tmp_path / "same.pt", tmp_path / "run"]
    more = {"optim.epochs": 1}
    if what == "student":
        config = {"student.weights": str(paths[0])}
        states = [build_student("tiny", 3, seed=s).state_dict() for s in (1, 2)]
    else:
        config = {"data.image_teacher": str(paths[0]), "data.distill": ("audio", "image")}
        teachers = [load_image_teacher("resnet34-random", seed=s) for s in (1, 2)]
        states = [teacher.backbone.state_dict() for teacher in teachers]
    torch.save(states[0], paths[0])
    first = resumable(paths[2], **config, **more)
    inputs = read_provenance(paths[2] / "config.json")["inputs"]
    assert inputs[str(paths[0])] == sha256_of(paths[0])
    assert resumable(paths[2], **config, **more).metrics == first.metrics  # unchanged: taken up
    torch.save(states[1], paths[0])
    with pytest.raises(DataError, match=r"other data \(.*files of weights changed"):
        resumable(paths[2], **config, **more)


def test_restart_leaves_nothing_of_the_old_student(tmp_path):
    """What was said by it, or made of it, goes; what others put there stays."""
    folder = tmp_path / "run"
    resumable(folder, **{"optim.epochs": 1})
    run, workspace = Run.open(folder), Workspace(tmp_path)
    study, spec = study_of_13(), student_spec(run.config.student.name)
    settings = EvaluationSettings("val", data=run.config.data, device="cpu")
    said, evaluation = evaluate_student(run.student(), spec, study, settings)
    write_results(said, evaluation, settings, Results(folder, "test", ()))
    export_run(run, folder / "export", "test")
    (folder / "notes.txt").write_text("mine")
    old = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {"predictions-val.parquet", "evaluation-val.json"} < {path.name for path in old}
    config = config_for("crd", "audio", **{"data.batch_size": 4, "optim.epochs": 1})
    options = Options(resume=False, evaluate=False, progress=False, device="cpu")
    train(config, workspace, folder=folder, study=study, options=options)
    kept = {p.name for p, changed in old.items() if p.exists() and p.stat().st_mtime_ns == changed}
    assert kept <= {"notes.txt", ".lock"}, kept
    assert "notes.txt" in kept
    assert not list(folder.glob("*-val*"))
