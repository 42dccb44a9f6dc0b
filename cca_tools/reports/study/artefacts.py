"""What a workspace holds of a study, read once for the report."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.associations.counting import UNTAGGED
from cca_tools.associations.writing import classes_path
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.reference.ucf51 import LEVELS
from cca_tools.tagging.rows import NOT_COUNTED
from cca_tools.tagging.store import RunInfo, list_runs
from cca_tools.workspace import Workspace, read_provenance

# what the report reads of each
_PAIRS = ("class_name", "rank", "mid", "tag", "videos", "share", "base_share", "log_odds_z")
_CLASSES = ("class_name", "videos", "support", "groups", *NOT_COUNTED, UNTAGGED)
_SUGGESTIONS = ("class_name", "level", "reasons", *(f"p_{level}" for level in LEVELS))
_PROBE = ("class_name", "accuracy")


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
        return self.frame(self.workspace.associations, _PAIRS)

    @property
    def classes_path(self) -> Path:
        """Where the counts of each class lie."""
        return classes_path(self.workspace)

    @cached_property
    def classes(self) -> pd.DataFrame | None:
        """One row a video class: its videos, and how many of them count."""
        return self.frame(self.classes_path, _CLASSES)

    @cached_property
    def tag_run(self) -> RunInfo | None:
        """The tags that were counted."""
        counted = read_provenance(self.workspace.associations).get("parameters", {}).get("tags")
        return next((run for run in list_runs(self.workspace.tags) if run.name == counted), None)

    @cached_property
    def suggestions(self) -> pd.DataFrame | None:
        """One row a class: the level that the tool proposes."""
        return self.frame(self.workspace.suggestions, _SUGGESTIONS)

    @property
    def probe_path(self) -> Path:
        """Where the accuracy by sound alone lies."""
        return self.workspace.root / "audio_probe.parquet"

    @cached_property
    def probe(self) -> pd.DataFrame | None:
        """One row a class: how well it is told by its sound alone."""
        return self.frame(self.probe_path, _PROBE)

    @cached_property
    def runs(self) -> tuple[TrainedRun, ...]:
        """The finished runs, by path."""
        found = sorted(self.workspace.runs.glob("*/*/*/evaluation.json"))
        return tuple(read_run(path.parent) for path in found)

    def frame(self, path: Path, needed: Collection[str]) -> pd.DataFrame | None:
        """Return a Parquet artefact, or None where it is absent.

        Raises:
            DataError: It is there and cannot be read, or lacks a column that is needed.
        """
        if not path.is_file():
            return None
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}", "Make it anew") from error
        missing = sorted(set(needed) - set(table.columns))
        if missing:
            raise DataError(f"{path} has no column {', '.join(missing)}", "Make it anew")
        return table


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
        epochs = pd.DataFrame([_flat(line) for line in lines], columns=list(_EPOCH))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{log} cannot be read: {error!r}", "Train this run again") from error
    config, evaluation = (
        _with_groups(folder / name, groups) for name, groups in _GROUPS_OF_RUN.items()
    )
    return TrainedRun(folder, config, evaluation, epochs)


_EPOCH = ("epoch", "train_loss", "train_top1", "val_top1")
_GROUPS_OF_RUN = {"config.json": ("config",), "evaluation.json": ("metrics", "sizes")}


def _with_groups(path: Path, groups: tuple[str, ...]) -> dict[str, Any]:
    found = read_object(path)
    missing = [name for name in groups if not isinstance(found.get(name), dict)]
    if missing:
        raise DataError(f"{path} does not tell {', '.join(missing)}", "Evaluate this run again")
    return found


def _flat(line: dict[str, Any]) -> dict[str, float | None]:
    return {
        "epoch": line["epoch"],
        "train_loss": line.get("terms", {}).get("ce_video"),
        "train_top1": line.get("train_top1"),
        "val_top1": line.get("val", {}).get("top1"),
    }
