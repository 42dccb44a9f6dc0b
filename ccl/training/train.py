"""Train one run from its configuration to its evaluation."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from cca_tools.splits import read_splits
from cca_tools.workspace import Provenance, Workspace, provenance_path, write_json
from ccl.data.study import Study, load_study
from ccl.evaluation.evaluate import EvaluationSettings, evaluate_student, write_results
from ccl.evaluation.evaluate import Place as Results
from ccl.models.registry import student_spec
from ccl.training.checkpoint import BEST, LAST, Place, Saver, load_last
from ccl.training.checks import usable_device
from ccl.training.config import TrainConfig, as_dict
from ccl.training.curves import CURVES, write_curves
from ccl.training.job import build_job, open_image_teacher, products
from ccl.training.loop import Course, End, fit
from ccl.training.ranks import Ranks, joined
from ccl.training.record import BOARD, METRICS, STATUS, Record, read_metrics
from ccl.training.run import CONFIG, DONE, EARLY, Run, run_folder
from ccl.training.signals import stop_signal
from ccl.training.weights import data_hash, weight_files

log = logging.getLogger(__name__)

EVALUATION = "evaluation.json"
EXPORT = "export"
_RESULTS = tuple(
    f"{name}{part}{suffix}"
    for part in ("", "-val")
    for name, suffix in (
        ("evaluation", ".json"), ("evaluation", ".md"), ("predictions", ".parquet"),
        ("confusion", ".png"), ("embeddings", ".png"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What does not shape the result of a run.

    Args:
        resume: Go on with what lies in the folder; else begin anew.
        progress: Show a bar on standard error.
        evaluate: Evaluate the best student on the test videos at the end.
        device: Where to compute; None for a GPU where there is one.
        command: The command line, for provenance.
        tell: Given the notes on the data before anything is learnt.
    """

    resume: bool = True
    progress: bool = True
    evaluate: bool = True
    device: str | None = None
    command: str = "ccl.training.train"
    tell: Callable[[tuple[str, ...]], None] | None = None


@dataclass(frozen=True)
class RunSummary:
    """How a run came out.

    Args:
        folder: Where it lies.
        state: ``done``, ``early`` (stopped for want of progress), or ``stopped`` by a signal.
        epochs: Epochs done.
        best_epoch: Of the student kept, from 0.
        val_top1: Its accuracy on validation videos; None without them.
        metrics: Of the evaluation on test videos, where defined; empty without one.
        counts: Rows and degenerate cases of the last epoch.
        seconds: Spent now.
        exit_code: What a command returns.
        notes: What a reader should know.
    """

    folder: Path
    state: str
    epochs: int
    best_epoch: int
    val_top1: float | None
    metrics: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    exit_code: int = 0
    notes: tuple[str, ...] = ()


def train(
    config: TrainConfig,
    workspace: Workspace,
    *,
    folder: Path | None = None,
    study: Study | None = None,
    options: Options | None = None,
) -> RunSummary:
    """Train a run, or go on with it, and evaluate it; one that is done is returned as it is.

    Under ``torchrun`` every process calls it, and they work as one.

    Args:
        config: All settings.
        workspace: Where data are read from, and the run is written.
        folder: Of the run, in place of the usual one.
        study: Other data than the workspace's.
        options: How to go about it.

    Raises:
        CcaError: Wrong data, or a run begun with other settings; a diverged one keeps its last
            good checkpoint.
    """
    options = options or Options()
    began = time.monotonic()
    device = usable_device(options.device) if options.device else None
    study = study or load_study(workspace, config.data)
    folder = folder or run_folder(workspace, config)
    with ExitStack() as stack:
        ranks = stack.enter_context(joined(device))
        if ranks.is_first:
            stack.enter_context(Workspace(folder).lock(options.command))
            if options.tell is not None:
                options.tell(study.notes)
        used = [ranks.device] if ranks.device.type == "cuda" else []
        stack.enter_context(torch.random.fork_rng(used))
        stack.enter_context(products(config.run.precision))
        state, exit_code = _train(config, study, folder, ranks, options)
        metrics = _known_metrics(folder) if state in (DONE, EARLY) else {}
        if state in (DONE, EARLY) and options.evaluate and not metrics:
            metrics = _evaluate(study, Run.open(folder), workspace, ranks, options.command)
        ranks.wait()
        summary = _summary(Run.open(folder), state, metrics)
    seconds = time.monotonic() - began
    return replace(summary, seconds=seconds, exit_code=exit_code, notes=study.notes)


def _summary(run: Run, state: str, metrics: dict[str, float]) -> RunSummary:
    epochs = run.metrics()
    return RunSummary(
        folder=run.folder,
        state=state,
        epochs=int(run.status["epochs_done"]),
        best_epoch=int(run.status["best_epoch"]),
        val_top1=run.status["val_top1"],
        metrics=metrics,
        counts=epochs[-1]["counts"] if epochs else {},
    )


def _train(
    config: TrainConfig, study: Study, folder: Path, ranks: Ranks, options: Options
) -> tuple[str, int]:
    """Return how training ended, and the exit code for it."""
    job = build_job(config, study, ranks, open_image_teacher(config, ranks.device))
    learnt_from = data_hash(study.fingerprint(), config)
    if not options.resume and ranks.is_first:
        _clear(folder)
    ranks.wait()
    begun = (folder / LAST).exists()
    place = load_last(folder, job, learnt_from) if begun else Place()
    if begun and Run.open(folder).is_done:
        return str(Run.open(folder).status["state"]), 0
    if ranks.is_first:
        _write_config(config, study, folder, options.command, learnt_from)
    mine = folder if ranks.is_first else None
    steps = len(job.batches)
    with (
        stop_signal() as stop,
        closing(
            Record(mine, place, (steps, steps * config.optim.epochs), show=options.progress)
        ) as record,
    ):
        saver = Saver(mine, learnt_from, config.run.checkpoint_seconds)
        course = Course(job, place, record, saver, stop)
        state = _fit_recorded(course)
    if state != "stopped":
        saver.save(job, place)
        record.status(state, place)
    if ranks.is_first and (epochs := read_metrics(folder)):
        title = f"{config.name}, {config.data.split}, seed {config.seed}"
        write_curves(folder, epochs, title, chance=1 / len(study.classes))
    ranks.wait()
    return state, stop.exit_code if state == "stopped" else 0


def _fit_recorded(course: Course) -> End:
    """Train, and say in the status how that went, whatever happens."""
    course.record.status("running", course.place)
    try:
        state = fit(course)
    except BaseException as error:
        course.record.status("failed", course.place, reason=str(error) or type(error).__name__)
        raise
    if state == "stopped":
        course.record.status(state, course.place)
    return state


def _clear(folder: Path) -> None:
    """Remove what an earlier run left, and what was made of its student."""
    for name in (LAST, BEST, CONFIG, METRICS, STATUS, CURVES, *_RESULTS):
        (folder / name).unlink(missing_ok=True)
        provenance_path(folder / name).unlink(missing_ok=True)
    for name in (BOARD, EXPORT):
        shutil.rmtree(folder / name, ignore_errors=True)


def _write_config(
    config: TrainConfig, study: Study, folder: Path, command: str, learnt_from: str
) -> None:
    about = {"config": as_dict(config), "classes": study.classes, "data": learnt_from}
    write_json(folder / CONFIG, about | {"notes": study.notes})
    inputs = (*study.inputs, *weight_files(config))
    Provenance(command, as_dict(config), inputs).write(folder / CONFIG)


def _known_metrics(folder: Path) -> dict[str, float]:
    path = folder / EVALUATION
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))["metrics"]
    return {name: m["value"] for name, m in found.items() if m["value"] is not None}


def _evaluate(
    study: Study, run: Run, workspace: Workspace, ranks: Ranks, command: str
) -> dict[str, float]:
    """Evaluate the best student on the test videos and write what comes out."""
    if not len(study.test):
        log.warning("there are no test videos: nothing is evaluated")
        return {}
    levels = read_splits(workspace.splits).levels if workspace.splits.exists() else {}
    settings = EvaluationSettings(data=run.config.data, device=str(ranks.device), levels=levels)
    spec = student_spec(run.config.student.name)
    said, evaluation = evaluate_student(run.student(ranks.device), spec, study, settings)
    if ranks.is_first:
        inputs = (*study.inputs, run.folder / CONFIG, run.folder / BEST)
        write_results(said, evaluation, settings, Results(run.folder, command, inputs))
    values = {name: evaluation.value(name) for name in evaluation.metrics}
    return {name: value for name, value in values.items() if math.isfinite(value)}
