"""How long an ablation will take, and how much disk: from earlier runs, or from a few steps."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from cca_tools.errors import CcaError
from cca_tools.workspace import Workspace, write_json
from ccl.ablation.cell import SPEC
from ccl.ablation.engine import Job, LocalEngine
from ccl.ablation.plan import Cell, Plan
from ccl.ablation.runner import run_jobs
from ccl.training.config import TrainConfig, as_dict
from ccl.training.run import CONFIG, Run

EARLIER, MEASURED, UNKNOWN = "earlier runs", "a few measured steps", "nothing"
_FORWARD = 1 / 3  # of the time of a step: the backward pass takes twice as long
_PICTURES = 2_000_000  # bytes of curves, logs, confusion matrix and embeddings
_WIDTH = 512  # of most students' embeddings, which stand in the predictions with the softmax


@dataclass(frozen=True)
class Estimate:
    """What a cell will take.

    Args:
        seconds: Of one process; NaN where it is not known.
        bytes: On disk; NaN where it is not known.
        basis: ``EARLIER``, ``MEASURED`` or ``UNKNOWN``.
    """

    seconds: float
    bytes: float
    basis: str


@dataclass(frozen=True)
class _Speed:
    clips_per_s: float
    bytes: float
    overhead_s: float
    basis: str


def estimate_cells(plan: Plan, workspace: Workspace, *, measure: bool = True) -> list[Estimate]:
    """Return what each cell will take, in the order of the plan.

    From runs of the workspace with the same method, student, clips and batches; where there is
    none, from a few steps that are taken now, without a cache of frames, in a process of its own.
    An epoch is taken as its training clips and a forward pass over the validation clips; at the
    end comes a forward pass over all training and test clips. To this is added what a cell takes
    besides, to start and to draw its pictures, as far as it was measured.

    Args:
        plan: Of the ablation.
        workspace: Its runs.
        measure: Whether steps may be taken; else what no earlier run tells is NaN.
    """
    known = _earlier(workspace)
    wanted = {_kind(cell.config): cell for cell in plan.cells if not cell.is_done}
    missing = [cell for kind, cell in wanted.items() if kind not in known]
    if measure and missing:
        for cell, speed in zip(missing, _measured(missing, workspace), strict=True):
            known[_kind(cell.config)] = speed
    nothing = _Speed(math.nan, math.nan, math.nan, UNKNOWN)
    return [_of(cell, known.get(_kind(cell.config), nothing)) for cell in plan.cells]


def _kind(config: TrainConfig) -> tuple[object, ...]:
    """Return what the speed of a run depends on."""
    data = config.data
    return (
        config.method.name, data.distill, config.student.name, config.run.precision,
        config.run.compile, data.num_frames, data.size, data.batch_size,
    )  # fmt: skip


def _earlier(workspace: Workspace) -> dict[tuple[object, ...], _Speed]:
    found: dict[tuple[object, ...], _Speed] = {}
    for path in sorted(workspace.runs.glob(f"*/*/*/{CONFIG}")):
        try:
            run = Run.open(path.parent)
            speeds = [float(epoch["clips_per_s"]) for epoch in run.metrics()]
        except (CcaError, KeyError, TypeError, ValueError):
            continue
        if run.is_done and speeds:
            size = float(sum(file.stat().st_size for file in path.parent.rglob("*")))
            overhead = float(_read_json(path.with_name(SPEC)).get("overhead_s", 0.0))
            found[_kind(run.config)] = _Speed(median(speeds), size, overhead, EARLIER)
    return found


def _measured(cells: Sequence[Cell], workspace: Workspace) -> list[_Speed]:
    """Take a few steps of each cell, one after another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = []
        for number, cell in enumerate(cells):
            spec = folder / f"{number}.json"
            write_json(spec, {"config": as_dict(cell.config), "workspace": str(workspace.root)})
            command = (sys.executable, "-m", "ccl.ablation.measure", str(spec))
            jobs.append(
                Job(f"measuring {cell.places[0].method}", command, folder / f"{number}.log")
            )
        run_jobs(jobs, LocalEngine(1), lambda standing: None)
        return [_read_speed(job.log) for job in jobs]


def _read_speed(log: Path) -> _Speed:
    found = _read_json(log)
    if not found:
        return _Speed(math.nan, math.nan, math.nan, UNKNOWN)
    return _Speed(found["clips_per_s"], found["bytes"], found["overhead_s"], MEASURED)


def _read_json(path: Path) -> dict[str, Any]:
    """Return what a file holds, or its last line; empty where that is no JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text if path.suffix == ".json" else text.splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def _of(cell: Cell, speed: _Speed) -> Estimate:
    data, config = cell.data, cell.config
    epoch = data.train + _FORWARD * data.val * config.run.val_clips
    final = _FORWARD * (data.train + data.test) * config.data.clips_per_video
    clips = epoch * config.optim.epochs + final
    predictions = 4 * data.test * (data.classes + _WIDTH)
    size = speed.bytes + (0 if speed.basis == EARLIER else predictions + _PICTURES)
    return Estimate(clips / speed.clips_per_s + speed.overhead_s, size, speed.basis)
