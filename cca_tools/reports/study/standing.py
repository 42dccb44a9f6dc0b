"""The level of each class and the marks of its audio classes, as they stand for the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pandas as pd

from cca_tools.errors import DataError
from cca_tools.labels.study import FROM_FILE, LevelSource, open_labels, study_levels
from cca_tools.reports.levels import LEVELS, read_levels
from cca_tools.splits import SplitFile, hash_rows, read_splits
from cca_tools.workspace import Workspace


@dataclass(frozen=True)
class Levels:
    """Which level each class has, and by whose word.

    Args:
        levels: By class name; empty where none is known.
        origin: Where they come from, in words.
        sources: The artefacts that they come from.
        marks: ``highly`` or ``weakly`` by (class name, MID): what most annotators mark.
        answers: Every annotator's level that stands, one row each; None without a label store.
        answers_hash: SHA-256 of every event of the label store.
        answers_from: The workspace's own label store, where that is the one.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    sources: tuple[Path, ...] = ()
    marks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    answers: pd.DataFrame | None = None
    answers_hash: str = ""
    answers_from: tuple[Path, ...] = ()

    @property
    def known(self) -> bool:
        """Whether any class has one."""
        return any(self.levels.values())

    def of(self, name: str) -> str:
        """Return the level of a class, empty where it has none."""
        return self.levels.get(name, "")

    def mark(self, name: str, mid: str) -> str:
        """Return how annotators relate an audio class to a video class."""
        return self.marks.get((name, mid), "")


def standing_levels(
    workspace: Workspace, source: str | None = None, database: str | None = None
) -> Levels:
    """Return the levels that a report shows: of the source, else of the splits, else the labels.

    Args:
        workspace: The folder of the study.
        source: A file of levels, as `read_levels` takes it.
        database: The address of the labels, where they are not in the workspace.

    Raises:
        DataError: Something cannot be read, or the splits were made of other labels.
    """
    has_labels = database is not None or workspace.labels.is_file()
    levels = Levels()
    if source is not None:
        file = Path(source)
        sources = (file,) if file.is_file() else ()
        levels = Levels(read_levels(source), f"levels of {source}", sources)
    elif workspace.splits.is_file():
        content = read_splits(workspace.splits)
        _refuse_stale(content, workspace, database)
        levels = Levels(content.levels, content.levels_rule, (workspace.splits,))
    elif has_labels:
        found = study_levels(workspace, LevelSource(database))
        levels = Levels(
            found.levels,
            found.rule,
            () if database else (workspace.labels,),
        )
    if not has_labels:
        return levels
    with open_labels(workspace, database) as store:
        return replace(
            levels,
            marks=majority_marks(store.current("audio_class")),
            answers=store.current(),
            answers_hash=hash_rows(store.history().astype(str).to_numpy().tolist()),
            answers_from=() if database else (workspace.labels,),
        )


def _refuse_stale(content: SplitFile, workspace: Workspace, database: str | None) -> None:
    has_labels = database is not None or workspace.labels.is_file()
    if not has_labels or content.levels_rule.startswith(FROM_FILE):
        return
    now = study_levels(workspace, LevelSource(database))  # the hash is of answers, not of the rule
    if now.labels_hash != content.labels_hash:
        raise DataError(
            f"{workspace.splits} was made of other labels than there are now",
            "Run `cca-tools split` again, and what was trained on the old splits",
        )


def majority_marks(current: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the mark that more than half of those who marked an audio class agree on.

    Args:
        current: ``class_name``, ``key`` (the MID) and ``level`` of each annotator's marks.

    >>> rows = [("Dog", "bark", "highly"), ("Dog", "bark", "highly"), ("Dog", "bark", "weakly")]
    >>> majority_marks(pd.DataFrame(rows, columns=["class_name", "key", "level"]))
    {('Dog', 'bark'): 'highly'}
    """
    marks: dict[tuple[str, str], str] = {}
    for (name, mid), given in current.groupby(["class_name", "key"])["level"]:
        counts = given.value_counts()
        if counts.iloc[0] * 2 > len(given) and counts.index[0] in LEVELS[:2]:
            marks[str(name), str(mid)] = str(counts.index[0])
    return marks


def anchor(name: str) -> str:
    """Return the address of a class page within the report, distinct for distinct names.

    >>> anchor("PlayingCello")
    'class-PlayingCello'
    """
    safe = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    return f"class-{safe}" if safe == name else f"class-{sha256(name.encode()).hexdigest()[:12]}"
