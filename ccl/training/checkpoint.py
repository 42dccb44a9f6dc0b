"""Checkpoints: all state of a run, written atomically, read with ``weights_only=True``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import atomic_path
from ccl.training.config import as_dict, differences
from ccl.training.job import Job
from ccl.training.totals import Totals

LAST, BEST = "last.pt", "best.pt"
_FORMAT = 1


@dataclass
class Place:
    """How far a run is.

    Args:
        epoch: The present one, from 0.
        step: Batches of it that are done.
        totals: Of those batches.
        best: The best validation accuracy so far; None before the first, or without validation.
        best_loss: The validation loss at that time, which decides between equal accuracies.
        best_epoch: When that was; without validation the last epoch done; -1 before any.
    """

    epoch: int = 0
    step: int = 0
    totals: Totals = field(default_factory=Totals)
    best: float | None = None
    best_loss: float | None = None
    best_epoch: int = -1

    def is_improved_by(self, val: Mapping[str, float]) -> bool:
        """Return whether an epoch's validation is the best so far; without one, the last is.

        >>> place = Place(best=0.5, best_loss=1.0)
        >>> place.is_improved_by({"top1": 0.5, "loss": 0.9}), place.is_improved_by({})
        (True, True)
        """
        if not val or self.best is None or self.best_loss is None:
            return True
        return (val["top1"], -val["loss"]) > (self.best, -self.best_loss)

    def note_best(self, val: Mapping[str, float]) -> None:
        """Remember the present epoch as the best."""
        self.best, self.best_loss = val.get("top1"), val.get("loss")
        self.best_epoch = self.epoch

    def next_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.step, self.totals = self.epoch + 1, 0, Totals()


@dataclass
class Saver:
    """Writes the checkpoints of a run; only the first rank has one that does anything.

    The best student waits in memory until the run's state is saved with it, so that both files
    always tell of the same course of training.

    Args:
        folder: Of the run; None to write nothing.
        data_hash: What the run learns from.
        seconds: Between two checkpoints that nothing else asks for.
    """

    folder: Path | None
    data_hash: str
    seconds: float
    _saved: float = field(default_factory=time.monotonic)
    _best: dict[str, Any] | None = None

    def keep_best(self, job: Job, epoch: int) -> None:
        """Note the student as it is, to be evaluated."""
        if self.folder is not None:
            state = {k: v.to("cpu", copy=True) for k, v in job.student.state_dict().items()}
            self._best = {"format": _FORMAT, "epoch": epoch, "student": state}

    def save_if_due(self, job: Job, place: Place) -> None:
        """Save if the last time is long enough ago."""
        if time.monotonic() - self._saved >= self.seconds:
            self.save(job, place)

    def save(self, job: Job, place: Place) -> None:
        """Save all that the run needs to go on, and the best student if it is a new one."""
        if self.folder is None:
            return
        if self._best is not None:
            _write(self._best, self.folder / BEST)
            self._best = None
        _write(
            {
                "format": _FORMAT,
                "config": as_dict(job.config),
                "data": self.data_hash,
                "student": job.student.state_dict(),
                "method": job.method.state_dict(),
                "optimiser": job.optimiser.state_dict(),
                "place": {
                    "epoch": place.epoch,
                    "step": place.step,
                    "best": place.best,
                    "best_loss": place.best_loss,
                    "best_epoch": place.best_epoch,
                },
                "totals": place.totals.values,
            },
            self.folder / LAST,
        )
        self._saved = time.monotonic()


def _write(state: dict[str, Any], path: Path) -> None:
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, without running anything that may stand in it.

    Raises:
        DataError: It is absent, damaged, or of another format.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path}", "Run `cca-tools train` first")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the loader raises many kinds for a damaged file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"the checkpoint {path} cannot be read: {first}", "Train again with --restart"
        ) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise DataError(f"{path} is no checkpoint of this version", "Train again with --restart")
    return state


def load_last(folder: Path, job: Job, data_hash: str) -> Place:
    """Put a run back to where its last checkpoint left it.

    Raises:
        UsageError: It was made with other settings.
        DataError: It was made with other data, or cannot be read.
    """
    state = read_checkpoint(folder / LAST)
    changed = differences(state["config"], as_dict(job.config))
    if changed:
        shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if changed[3:] else "")
        raise UsageError(
            f"the run {folder} was begun with other settings: {shown}",
            "Give the same, or --restart to begin anew, or another --folder",
        )
    if state["data"] != data_hash:
        raise DataError(
            f"the run {folder} was begun with other data (videos, teachers, frames or files of "
            "weights changed)",
            "Restore them, or give --restart to begin anew",
        )
    job.student.load_state_dict(state["student"])
    job.method.load_state_dict(state["method"])
    job.optimiser.load_state_dict(state["optimiser"])
    totals = {name: value.to(job.ranks.device) for name, value in state["totals"].items()}
    return Place(totals=Totals(totals), **state["place"])
