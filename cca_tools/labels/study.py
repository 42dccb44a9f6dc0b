"""The levels of a study's classes, wherever they come from, and the splits made of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.labels.adjudication import final_levels
from cca_tools.labels.store import LabelStore
from cca_tools.reports.levels import LEVELS, read_levels
from cca_tools.splits import SplitFile, hash_rows, make_splits
from cca_tools.tagging.lookup import choose_run
from cca_tools.tagging.store import shard_paths
from cca_tools.workspace import Workspace, sha256_of

DEFAULT_RULE = "adjudicated"
FROM_FILE = "given by "  # how the rule begins where levels come from a file
_RULES_IN_WORDS = {"adjudicated": "adjudicated, else majority"}
_NAMED = 40  # classes in a message


@dataclass(frozen=True)
class LevelSource:
    """Where levels come from.

    Args:
        database: The address of the label database; None is the workspace's own.
        rule: How several answers become one level; see `final_levels`.
        file: A CSV file of levels, or ``published-ucf51``, instead of a database.
    """

    database: str | None = None
    rule: str = DEFAULT_RULE
    file: str | None = None


@dataclass(frozen=True)
class StudyLevels:
    """The level of every class of a study.

    Args:
        levels: By class; empty where it has none. The classes are the manifest's, or where there
            is none those that have labels.
        rule: How they came about.
        labels_hash: SHA-256 of all answers and decisions that they were made of.
        left_out: Classes that have labels and no video.
    """

    levels: dict[str, str]
    rule: str
    labels_hash: str
    left_out: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The classes that have no level of the three: open, or unsure."""
        return tuple(name for name, level in self.levels.items() if level not in LEVELS[:3])


def open_labels(workspace: Workspace, database: str | None = None) -> LabelStore:
    """Open labels that are there already: reading never makes an empty database.

    Raises:
        DataError: There are none yet.
    """
    if database is None:
        workspace.require(workspace.labels, "cca-tools label")
    return LabelStore.open(workspace, database, make=False)


def study_levels(workspace: Workspace, source: LevelSource) -> StudyLevels:
    """Return the level of every class of a workspace.

    Raises:
        DataError: There are no labels, or the file cannot be read.
        UsageError: There is no such rule.
        WorkspaceError: The database is gone, locked or cannot be reached.
    """
    if source.file is not None:
        found = read_levels(source.file)
        rule = f"{FROM_FILE}{source.file}"
        labels_hash = hash_rows(list(found.items()))
    else:
        with open_labels(workspace, source.database) as store:
            labels, decisions = store.current(), store.adjudicated()
        table = final_levels(labels, source.rule, decisions)
        labels_hash = _hash_of(labels, decisions)
        found = dict(zip(table["class_name"], table["level"], strict=True))
        rule = _RULES_IN_WORDS.get(source.rule, source.rule)
    classes = set(found)
    if workspace.manifest.is_file():
        classes = set(read_manifest(workspace.manifest)["class_name"])
    return StudyLevels(
        levels={str(name): found.get(name, "") for name in sorted(classes)},
        rule=rule,
        labels_hash=labels_hash,
        left_out=tuple(sorted(set(found) - classes)),
    )


def split_study(
    workspace: Workspace, levels: StudyLevels, *, tags: str | None, allow_incomplete: bool
) -> SplitFile:
    """Return the splits of a study and what they are made of.

    Args:
        workspace: Of the study.
        levels: See `study_levels`.
        tags: The tag run by which people heard; None is the newest, or none where none is.
        allow_incomplete: Leave classes without level out, instead of refusing.

    Raises:
        DataError: Classes have no level; the message names them. Or there is no class at all.
        UsageError: No tag run has that name.
    """
    if not levels.levels:
        raise DataError("no class has a label", "Run `cca-tools label` first")
    if levels.missing and not allow_incomplete:
        raise DataError(
            f"{len(levels.missing)} of {len(levels.levels)} classes have no level: "
            + _named(levels.missing),
            "Label or adjudicate them, or leave them out by --allow-incomplete",
        )
    has_manifest = workspace.manifest.is_file()
    return SplitFile(
        splits=make_splits(levels.levels),
        levels=levels.levels,
        labels_hash=levels.labels_hash,
        tags_hash=_tags_hash(workspace, tags),
        manifest_hash=sha256_of(workspace.manifest) if has_manifest else "",
        levels_rule=levels.rule,
    )


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more, see `cca-tools labels list --open`"
    return ", ".join(names[:_NAMED]) + (more if len(names) > _NAMED else "")


def _hash_of(labels: pd.DataFrame, decisions: pd.DataFrame) -> str:
    kinds = {"label": labels, "adjudication": decisions}
    columns = ["annotator", "class_name", "level"]
    return hash_rows(
        [(*row, kind) for kind, frame in kinds.items() for row in frame[columns].to_numpy()]
    )


def _tags_hash(workspace: Workspace, tags: str | None) -> str:
    if tags is None and not any(workspace.tags.glob("_*.json")):
        return ""
    run = choose_run(workspace, tags)
    shards = shard_paths(workspace.tags, run.name)
    return hash_rows([(path.name, sha256_of(path)) for path in shards])
