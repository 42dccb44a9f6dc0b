"""A run on disk: its folder, what it was told, how it stands, and its trained student."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cca_tools.errors import DataError
from cca_tools.workspace import Workspace
from ccl.models.registry import build_student
from ccl.models.student import VideoStudent
from ccl.training.checkpoint import BEST, read_checkpoint
from ccl.training.config import TrainConfig
from ccl.training.configure import validated
from ccl.training.record import STATUS, read_metrics

CONFIG = "config.json"
DONE, EARLY = "done", "early"


def run_folder(workspace: Workspace, config: TrainConfig) -> Path:
    """Return where a run of this configuration lies.

    >>> run_folder(Workspace(Path("outputs")), TrainConfig()).as_posix()
    'outputs/runs/ccl-none/all/seed0'
    """
    return workspace.runs / config.name / config.data.split / f"seed{config.seed}"


@dataclass(frozen=True)
class Run:
    """What a folder holds.

    Args:
        folder: Of the run.
        config: Its settings.
        classes: Their names, in the order of the student's outputs.
        status: What ``status.json`` says: ``state`` is ``running``, ``stopped``, ``failed``,
            ``early`` or ``done``; beside it ``epochs_done``, ``best_epoch``, ``val_top1``.
    """

    folder: Path
    config: TrainConfig
    classes: tuple[str, ...]
    status: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read what there is to know of a run, but not its weights.

        Raises:
            DataError: The folder holds no run, or what it holds cannot be read.
        """
        about = _read_json(folder / CONFIG)
        try:
            config, classes = validated(about["config"]), tuple(about["classes"])
        except (KeyError, TypeError) as error:
            raise DataError(f"{folder / CONFIG} is of no run", "Train it again") from error
        path = folder / STATUS
        return cls(folder, config, classes, _read_json(path) if path.exists() else {})

    @property
    def is_done(self) -> bool:
        """Whether it was trained to its end."""
        return self.status.get("state") in (DONE, EARLY)

    def metrics(self) -> list[dict[str, Any]]:
        """Return its epochs, as ``metrics.jsonl`` has them."""
        return read_metrics(self.folder)

    def student(self, device: torch.device | str = "cpu") -> VideoStudent:
        """Return the student of the best epoch by validation, in evaluation mode.

        Raises:
            DataError: There is no checkpoint of it yet, or it cannot be read.
        """
        state = read_checkpoint(self.folder / BEST)
        student = build_student(self.config.student.name, len(self.classes), seed=0)
        student.load_state_dict(state["student"])
        return student.to(device).eval()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"there is no run at {path.parent}", "Run `cca-tools train` first"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "Train the run again") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} is of no run", "Train the run again")
    return value
