"""What makes two runs the same run: their configuration and the data they learn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cca_tools.errors import CcaError
from cca_tools.workspace import Workspace
from ccl.data.settings import DataSettings, is_drawn
from ccl.data.study import load_study
from ccl.training.config import FREE, TrainConfig, as_dict, flat
from ccl.training.configure import validated
from ccl.training.run import CONFIG, Run

PREDICTIONS, EVALUATION = "predictions.parquet", "evaluation.json"
_LENGTH_IN_NAME = 8
_SHAPING_DATA = (
    "split", "teacher_split", "distill", "audio_teacher", "val_fraction", "val_seed", "on_missing",
)  # fmt: skip


@dataclass(frozen=True)
class DataSummary:
    """The data of a run, without the data.

    Args:
        fingerprint: Hash over videos, groups, targets, frames and teacher embeddings.
        train: Number of videos to learn from.
        val: To choose a model by.
        test: To report on.
        classes: Number of classes.
        notes: What is to be known of how the data came out.
    """

    fingerprint: str
    train: int
    val: int
    test: int
    classes: int
    notes: tuple[str, ...]


class DataSummaries:
    """Summaries of the data by settings, each loaded once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[DataSettings, DataSummary] = {}

    def of(self, settings: DataSettings) -> DataSummary:
        """Return the summary of what a run with these settings learns from.

        Raises:
            DataError, UsageError: See `load_study`.
        """
        key = _what_matters(settings)
        if key not in self._known:
            study = load_study(self._workspace, key)
            sizes = (len(study.train), len(study.val), len(study.test), len(study.classes))
            self._known[key] = DataSummary(study.fingerprint(), *sizes, study.notes)
        return self._known[key]


def _what_matters(settings: DataSettings) -> DataSettings:
    """Return the settings with all that does not change which videos and teachers there are."""
    plain = DataSettings()
    chosen = {name: getattr(settings, name) for name in _SHAPING_DATA}
    return replace(
        plain, **chosen, seed=settings.seed if is_drawn(settings.audio_teacher) else plain.seed
    )


def identity_of(config: TrainConfig, fingerprint: str) -> str:
    """Return the hash of all that shapes a run.

    Settings that change no result are left out: where frames are kept, how often it saves.

    Args:
        config: Of the run.
        fingerprint: Of its data.
    """
    shaping = {name: value for name, value in flat(as_dict(config)).items() if name not in FREE}
    text = json.dumps([shaping, fingerprint], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def find_folder(folder: Path, identity: str) -> Path:
    """Return where the run of an identity lies, or is to lie.

    That is ``folder``, unless another run lies there: then the identity stands in the name.
    """
    apart = folder.with_name(f"{folder.name}-{identity[:_LENGTH_IN_NAME]}")
    for candidate in (folder, apart):
        if written_identity(candidate) == identity:
            return candidate
    return apart if (folder / CONFIG).exists() else folder


def written_identity(folder: Path) -> str | None:
    """Return the identity of the run that lies in a folder; None where none can be read."""
    try:
        about: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return identity_of(validated(about["config"]), str(about["data"]))
    except (OSError, ValueError, KeyError, TypeError, CcaError):
        return None


def is_done(folder: Path, identity: str) -> bool:
    """Tell whether the run of this identity was trained to its end and evaluated."""
    if written_identity(folder) != identity or not Run.open(folder).is_done:
        return False
    return all((folder / name).is_file() for name in (PREDICTIONS, EVALUATION))
