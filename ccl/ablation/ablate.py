"""Run the cells of a plan that are not done, and gather what all of them say."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cca_tools.splits import read_splits
from cca_tools.workspace import Workspace, write_json
from ccl.ablation.cell import SPEC
from ccl.ablation.comparison import Settings
from ccl.ablation.engine import Engine, Job
from ccl.ablation.identity import PREDICTIONS
from ccl.ablation.outcomes import Run as RunKey
from ccl.ablation.plan import Cell, Place, Plan
from ccl.ablation.runner import Standing, run_jobs
from ccl.ablation.table import Analysis, ClassEvidence, Part, analyse
from ccl.training.config import as_dict
from ccl.training.record import read_metrics

LOG = "log.txt"
_LOOK_EVERY_S = 1.0
_READ = ["video_id", "class_name", "split", "group", "top5"]  # of the predictions


@dataclass(frozen=True)
class Progress:
    """How far the cells are that had to be run.

    Args:
        running: Names of cells.
        done: Number of cells.
        failed: Number of cells.
        epochs: Epochs done, of all cells that have to be run; more than in reality once a cell
            stopped early.
    """

    running: tuple[str, ...]
    done: int
    failed: int
    epochs: int


Watch = Callable[[Progress], None]


def run_cells(
    plan: Plan, workspace: Workspace, engine: Engine, watch: Watch, command: str
) -> dict[Place, str]:
    """Run the cells that are not done, and return why some failed.

    What is done is never run again; what was begun goes on where it was left. A cell that fails
    leaves the others alone. Those whose data were refused are among the failed.

    Args:
        plan: Of the ablation.
        workspace: Where the runs lie.
        engine: Where they are run.
        watch: Called with the progress, about once a second.
        command: The command line, for provenance.
    """
    cells = [cell for cell in plan.cells if not cell.is_done]
    jobs = [_job(cell, workspace, command) for cell in cells]
    look = _Looker(cells, watch)
    failed = run_jobs(jobs, engine, look)
    reasons = {place: why for n, why in failed.items() for place in cells[n].places}
    return dict(plan.refused) | reasons


def _job(cell: Cell, workspace: Workspace, command: str) -> Job:
    """Write down what the cell is, for the process that runs it."""
    spec = {
        "config": as_dict(cell.config),
        "workspace": str(workspace.root),
        "folder": str(cell.folder),
        "command": command,
    }
    write_json(cell.folder / SPEC, spec)
    program = (sys.executable, "-m", "ccl.ablation.cell", str(cell.folder / SPEC))
    return Job(cell.name, program, cell.folder / LOG)


class _Looker:
    """Turns how the jobs stand into progress, looking into the logs of running cells."""

    def __init__(self, cells: list[Cell], watch: Watch) -> None:
        self._cells, self._watch = cells, watch
        self._epochs = [0] * len(cells)
        self._looked = 0.0
        self._before: tuple[int, ...] = ()

    def __call__(self, standing: Standing) -> None:
        changed = standing.running != self._before
        if not changed and time.monotonic() - self._looked < _LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        for number in standing.running:
            self._epochs[number] = len(read_metrics(self._cells[number].folder))
        for number in set(self._before) - set(standing.running):
            self._epochs[number] = self._cells[number].config.optim.epochs
        self._before = standing.running
        names = tuple(self._cells[number].name for number in standing.running)
        failed = len(standing.failed)
        self._watch(Progress(names, standing.done, failed, sum(self._epochs)))


@dataclass(frozen=True)
class Gathered:
    """What the cells that are done say.

    Args:
        analysis: Tables, and what is lacking.
        folders: Place -> folder of the run, of those that are done.
    """

    analysis: Analysis
    folders: Mapping[Place, Path]


def gather(plan: Plan, workspace: Workspace, settings: Settings | None = None) -> Gathered:
    """Compare the methods on all cells that are done.

    Args:
        plan: Of the ablation.
        workspace: Its splits for the levels of classes, and ``audio_probe.parquet`` for how well
            each is told from its sound, where they are there.
        settings: Of the statistics.

    Raises:
        DataError: Predictions that are damaged or do not belong together.
    """
    folders = {place: cell.folder for cell in plan.cells if cell.is_done for place in cell.places}
    parts = [_part(plan, split, folders) for split in plan.classes]
    analysis = analyse(parts, read_evidence(workspace), settings)
    missing = [str(place) for place in _places(plan) if place not in folders]
    lacks = [*plan.lacks, *(f"{name}: not done" for name in missing), *analysis.lacks]
    return Gathered(replace(analysis, lacks=tuple(lacks)), folders)


def _places(plan: Plan) -> list[Place]:
    settings = plan.settings
    return [
        Place(split, variant.label, seed)
        for split in plan.classes
        for variant in settings.variants
        for seed in settings.seeds
    ]


def _part(plan: Plan, split: str, folders: Mapping[Place, Path]) -> Part:
    predictions: dict[RunKey, pd.DataFrame] = {
        (place.method, place.seed): pd.read_parquet(folders[place] / PREDICTIONS, columns=_READ)
        for place in _places(plan)
        if place.split == split and place in folders
    }
    return Part(split, plan.classes[split], plan.strata[split], predictions)


def read_evidence(workspace: Workspace) -> ClassEvidence:
    """Return what the workspace knows of the sound of each class, empty where nothing."""
    levels = read_splits(workspace.splits).levels if workspace.splits.is_file() else {}
    probe = audio_probe_path(workspace)
    accuracy: dict[str, float] = {}
    if probe.is_file():
        table = pd.read_parquet(probe, columns=["class_name", "accuracy"])
        accuracy = dict(zip(table["class_name"], table["accuracy"], strict=True))
    return ClassEvidence(levels, accuracy)


def audio_probe_path(workspace: Workspace) -> Path:
    """Return where ``cca-tools suggest`` writes how well each class is told from its sound."""
    return workspace.root / "audio_probe.parquet"
