"""Evaluate a finished run again: from its folder and its workspace to its results."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from cca_tools.errors import DataError
from cca_tools.splits import read_splits
from cca_tools.workspace import Workspace, read_provenance, sha256_of
from ccl.data.study import load_study
from ccl.evaluation.evaluate import (
    EvaluationSettings,
    Place,
    Watch,
    evaluate_student,
    unwatched,
    write_results,
)
from ccl.evaluation.summary import Evaluation, Intervals
from ccl.models.registry import student_spec
from ccl.training.checkpoint import BEST
from ccl.training.run import CONFIG, Run


@dataclass(frozen=True)
class Request:
    """What to evaluate a run on.

    Args:
        split: ``test`` or ``val``.
        clips_per_video: None for as many as the run says.
        intervals: How intervals are drawn.
        device: Where the student runs.
        pictures: Whether to draw confusion matrix and embeddings.
        command: The command line, for provenance.
    """

    split: str = "test"
    clips_per_video: int | None = None
    intervals: Intervals = field(default_factory=Intervals)
    device: str = "cpu"
    pictures: bool = True
    command: str = "ccl.evaluation.evaluate_run"


@dataclass(frozen=True)
class Outcome:
    """What `evaluate_run` returns: the evaluation, and the files written."""

    evaluation: Evaluation
    files: tuple[Path, ...]


def finished_run(folder: Path) -> Run:
    """Return the run in a folder.

    Raises:
        DataError: There is none, or it was not trained to its end.
    """
    run = Run.open(folder)
    if not run.is_done:
        state = run.status.get("state", "not begun")
        epochs = f"{run.status.get('epochs_done', 0)} of {run.config.optim.epochs} epochs"
        raise DataError(
            f"the run {folder} is not finished: {state}, {epochs}",
            "Go on with it by the same `cca-tools train` command",
        )
    return run


def evaluate_run(
    run: Run, workspace: Workspace, request: Request | None = None, watch: Watch = unwatched
) -> Outcome:
    """Evaluate the best student of a run and write the results into its folder.

    Teachers are not read: they are not needed any more.

    Args:
        run: A finished one.
        workspace: With the manifest and the frames; levels are taken from its splits.
        request: What to evaluate on.
        watch: See `evaluate_student`.

    Raises:
        DataError: The split has no video, or the workspace is not the one of the run.
    """
    request = request or Request()
    data = replace(run.config.data, distill=())
    study = load_study(workspace, data)
    if study.classes != run.classes:
        raise DataError(
            f"the run {run.folder} tells {len(run.classes)} classes, "
            f"the workspace {workspace.root} has {len(study.classes)} others",
            "Give the workspace that it was trained in with --workspace",
        )
    levels = read_splits(workspace.splits).levels if workspace.splits.exists() else {}
    clips = request.clips_per_video or data.clips_per_video
    settings = EvaluationSettings(
        request.split,
        replace(data, clips_per_video=clips),
        request.intervals,
        request.device,
        levels,
    )
    spec = student_spec(run.config.student.name)
    said, evaluation = evaluate_student(run.student(request.device), spec, study, settings, watch)
    notices = (*_changes(run, workspace), *study.notes, *evaluation.notices)
    evaluation = replace(evaluation, notices=notices)
    inputs = (*study.inputs, run.folder / CONFIG, run.folder / BEST)
    place = Place(run.folder, request.command, inputs, request.pictures)
    with Workspace(run.folder).lock(request.command):
        return Outcome(evaluation, write_results(said, evaluation, settings, place))


def _changes(run: Run, workspace: Workspace) -> list[str]:
    """Tell if the manifest is not the one that was trained on: videos may have changed sides."""
    name, inputs = workspace.manifest.name, read_provenance(run.folder / CONFIG).get("inputs", {})
    trained = {sha256 for path, sha256 in inputs.items() if Path(path).name == name}
    if not trained or sha256_of(workspace.manifest) in trained:
        return []
    return [
        f"{workspace.manifest} changed since the run was trained: videos asked about may have "
        "been trained on"
    ]
