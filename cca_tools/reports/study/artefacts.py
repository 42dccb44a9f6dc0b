"""What a workspace holds of a study, read once for the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.associations.writing import classes_path
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.tagging.store import RunInfo, list_runs
from cca_tools.workspace import Workspace, read_provenance


@dataclass(frozen=True)
class TrainedRun:
    """One finished run of the trainer.

    Args:
        folder: Where it lies.
        config: What it was told.
        evaluation: What came out on the test videos.
        epochs: One row an epoch: ``epoch``, ``train_loss`` (of classification), ``train_top1``,
            and ``val_top1`` where there is a validation split.
    """

    folder: Path
    config: dict[str, Any]
    evaluation: dict[str, Any]
    epochs: pd.DataFrame


class Study:
    """The artefacts of a workspace; what is absent is None or empty.

    Args:
        workspace: The folder of the study; it needs a manifest at least.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        workspace.require(workspace.manifest, "cca-tools index")

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row a video."""
        return read_manifest(self.workspace.manifest)

    @cached_property
    def pairs(self) -> pd.DataFrame | None:
        """One row a pair of video class and audio class."""
        return self.frame(self.workspace.associations)

    @property
    def classes_path(self) -> Path:
        """Where the counts of each class lie."""
        return classes_path(self.workspace)

    @cached_property
    def classes(self) -> pd.DataFrame | None:
        """One row a video class: its videos, and how many of them count."""
        return self.frame(self.classes_path)

    @cached_property
    def tag_run(self) -> RunInfo | None:
        """The tags that were counted."""
        counted = read_provenance(self.workspace.associations).get("parameters", {}).get("tags")
        return next((run for run in list_runs(self.workspace.tags) if run.name == counted), None)

    @cached_property
    def suggestions(self) -> pd.DataFrame | None:
        """One row a class: the level that the tool proposes."""
        return self.frame(self.workspace.suggestions)

    @property
    def probe_path(self) -> Path:
        """Where the accuracy by sound alone lies."""
        return self.workspace.root / "audio_probe.parquet"

    @cached_property
    def probe(self) -> pd.DataFrame | None:
        """One row a class: how well it is told by its sound alone."""
        return self.frame(self.probe_path)

    @cached_property
    def runs(self) -> tuple[TrainedRun, ...]:
        """The finished runs, by path."""
        found = sorted(self.workspace.runs.glob("*/*/*/evaluation.json"))
        return tuple(read_run(path.parent) for path in found)

    def frame(self, path: Path) -> pd.DataFrame | None:
        """Return a Parquet artefact, or None where it is absent.

        Raises:
            DataError: It is there and cannot be read.
        """
        if not path.is_file():
            return None
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}", "Make it anew") from error


def read_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "Make it anew") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} holds no object", "Make it anew")
    return value


def read_run(folder: Path) -> TrainedRun:
    """Read a finished run.

    Raises:
        DataError: One of its files cannot be read.
    """
    log = folder / "metrics.jsonl"
    try:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{log} cannot be read: {error}", "Train this run again") from error
    epochs = pd.DataFrame([_flat(line) for line in lines])
    return TrainedRun(
        folder,
        read_object(folder / "config.json"),
        read_object(folder / "evaluation.json"),
        epochs,
    )


def _flat(line: dict[str, Any]) -> dict[str, float | None]:
    return {
        "epoch": line["epoch"],
        "train_loss": line.get("terms", {}).get("ce_video"),
        "train_top1": line.get("train_top1"),
        "val_top1": line.get("val", {}).get("top1"),
    }
