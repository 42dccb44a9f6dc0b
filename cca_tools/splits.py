"""Levels of classes -> named sets of classes, which training takes by name."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Workspace, write_json

ALL = "all"
# name -> the levels whose classes it holds
RULES: dict[str, tuple[str, ...]] = {
    "highly_correlated": ("highly",),
    "weakly_correlated": ("weakly",),
    "not_correlated": ("not",),
    "weak_or_high": ("highly", "weakly"),
}


@dataclass(frozen=True)
class Split:
    """A named set of classes.

    Args:
        name: One of `RULES`.
        classes: In alphabetical order.
        rule: What makes a class one of them, in words.
    """

    name: str
    classes: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class SplitFile:
    """What ``splits.json`` holds.

    Args:
        splits: By name.
        levels: The level of each class; ``unsure`` or empty classes are in no split.
        labels_hash: SHA-256 of the answers that the levels were made of.
        tags_hash: SHA-256 of the tag run that people heard by; empty where there was none.
        manifest_hash: SHA-256 of the manifest; empty where there was none.
        levels_rule: How several people's answers became one level.
    """

    splits: dict[str, Split]
    levels: dict[str, str]
    labels_hash: str
    tags_hash: str
    manifest_hash: str
    levels_rule: str = ""


def make_splits(levels: Mapping[str, str]) -> dict[str, Split]:
    """Return the named splits of classes with these levels.

    Args:
        levels: ``highly``, ``weakly``, ``not``, or anything else for a class of no split.

    >>> make_splits({"b": "highly", "a": "weakly", "c": "unsure"})["weak_or_high"].classes
    ('a', 'b')
    """
    return {
        name: Split(
            name,
            tuple(sorted(class_name for class_name, level in levels.items() if level in wanted)),
            f"level is {' or '.join(wanted)}",
        )
        for name, wanted in RULES.items()
    }


def hash_rows(rows: Sequence[Sequence[object]]) -> str:
    """Return the SHA-256 of rows of plain values, whatever order they come in.

    >>> hash_rows([("b", 1), ("a", 2)]) == hash_rows([("a", 2), ("b", 1)])
    True
    """
    lines = sorted(json.dumps(list(row), ensure_ascii=False) for row in rows)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def write_splits(path: Path, content: SplitFile) -> None:
    """Write ``splits.json`` atomically.

    Raises:
        WorkspaceError: It cannot be written.
    """
    record = {
        "splits": {
            name: {"classes": list(split.classes), "rule": split.rule, "count": len(split.classes)}
            for name, split in content.splits.items()
        },
        "levels": dict(sorted(content.levels.items())),
        "counts": dict(sorted(Counter(content.levels.values()).items())),
        "levels_rule": content.levels_rule,
        "labels_hash": content.labels_hash,
        "tags_hash": content.tags_hash,
        "manifest_hash": content.manifest_hash,
    }
    write_json(path, record)


def read_splits(path: Path) -> SplitFile:
    """Read ``splits.json``.

    Raises:
        DataError: It is absent, no JSON, or not of that form.
    """
    if not path.is_file():
        raise DataError(f"the splits {path} are not there", "Make them with `cca-tools split`")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return SplitFile(
            splits={
                name: Split(name, tuple(map(str, split["classes"])), str(split["rule"]))
                for name, split in record["splits"].items()
            },
            levels={str(name): str(level) for name, level in record["levels"].items()},
            labels_hash=str(record["labels_hash"]),
            tags_hash=str(record["tags_hash"]),
            manifest_hash=str(record["manifest_hash"]),
            levels_rule=str(record["levels_rule"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of splits: {type(error).__name__} {error}",
            "Make it again with `cca-tools split`",
        ) from error


def split_classes(workspace: Workspace, name: str) -> tuple[str, ...]:
    """Return the classes of a split, in alphabetical order.

    Args:
        workspace: Whose ``splits.json``; ``all`` needs only its manifest.
        name: ``all`` for every class of the manifest, or the name of a split.

    Raises:
        UsageError: No split has that name; the message lists those there are.
        DataError: The split has no class, or the file is absent or damaged.
    """
    if name == ALL:
        return tuple(sorted(set(read_manifest(workspace.manifest)["class_name"])))
    splits = read_splits(workspace.splits).splits
    if name not in splits:
        raise UsageError(f"no split is called {name!r}", f"Give one of {', '.join((ALL, *splits))}")
    if not splits[name].classes:
        raise DataError(f"the split {name} has no class", "Label classes, or choose another split")
    return splits[name].classes
