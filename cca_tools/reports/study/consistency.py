"""Whether the artefacts of a workspace belong together, told by what each was made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cca_tools.errors import DataError
from cca_tools.workspace import Workspace, provenance_path, read_provenance, sha256_of

_SHOWN = 5
_MADE_BY = {
    "manifest.parquet": "cca-tools index",
    "associations.parquet": "cca-tools associate",
    "associations_classes.parquet": "cca-tools associate",
    "suggestions.parquet": "cca-tools suggest",
    "audio_probe.parquet": "cca-tools suggest",
    "splits.json": "cca-tools split",
    "evaluation.json": "cca-tools evaluate",
}


@dataclass(frozen=True)
class Traced:
    """An artefact and where it comes from.

    Args:
        path: Where it lies.
        sha256: Of its bytes now.
        record: Its sidecar.
    """

    path: Path
    sha256: str
    record: Mapping[str, Any]


def shown_path(path: Path, root: Path) -> str:
    """Return a path as the report shows it: below the workspace, where it lies there.

    >>> shown_path(Path("outputs/runs/a"), Path("outputs"))
    'runs/a'
    """
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def artefacts_of(workspace: Workspace) -> list[Path]:
    """Return what a report may take numbers from: every file with a sidecar, but no table."""
    written = (workspace.tables, workspace.figures, workspace.report)
    return sorted(
        path
        for sidecar in workspace.root.rglob("*.provenance.json")
        if (path := sidecar.with_name(sidecar.name.removesuffix(".provenance.json"))).is_file()
        and not any(path.is_relative_to(place) for place in written)
    )


def trace(workspace: Workspace) -> list[Traced]:
    """Return every artefact with its hash and its origin; refuse those that do not fit.

    An artefact fits if it has the bytes that were written, if each file of this workspace that it
    was made from still has those that it had, and if its audio classes are of the label space of
    the associations.

    Raises:
        DataError: Some do not; the message names them and what to run.
    """
    traced = [Traced(path, sha256_of(path), _sidecar(path)) for path in artefacts_of(workspace)]
    checks = (_changed, _stale, _other_label_space)
    problems = [problem for check in checks for problem in check(workspace, traced)]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise DataError(
            "the artefacts do not belong together: " + "; ".join(problems[:_SHOWN]) + more,
            "Make the older ones anew, in the order of the study",
        )
    return traced


def _sidecar(artefact: Path) -> Mapping[str, Any]:
    """Return the sidecar of an artefact; one that cannot be read would let anything pass."""
    path = provenance_path(artefact)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(record.get(name, {}), dict) for name in ("inputs", "parameters")):
            return dict(record)
    except (OSError, ValueError, AttributeError):
        pass
    raise DataError(f"{path} is damaged, so nothing tells where {artefact.name} comes from",
                    f"Make {artefact.name} anew")  # fmt: skip


def untold(workspace: Workspace, traced: Iterable[Traced], shown: Iterable[Path]) -> list[str]:
    """Return what cannot be checked: artefacts without a sidecar, and inputs that are gone.

    Args:
        workspace: Of the study.
        traced: Its artefacts with sidecars.
        shown: The artefacts that the report takes numbers from.
    """
    known = {item.path: item for item in traced}
    root = workspace.root
    bare = [path for path in shown if path not in known and path.name in _MADE_BY]
    bare += [path for path in shown if path not in known and path.parent == root / "ablation"]
    lines = [
        f"{shown_path(path, root)} has no {provenance_path(path).name}: nothing tells whether it "
        "belongs to this study."
        for path in dict.fromkeys(bare)
    ]
    for path in dict.fromkeys(path for path in shown if path in known):
        inputs = known[path].record.get("inputs", {})
        gone = [name for name in inputs if _is_gone(workspace, Path(name))]
        if gone:
            lines.append(
                f"{shown_path(path, root)} was made from what is gone: {', '.join(gone[:_SHOWN])}"
                + (f" and {len(gone) - _SHOWN} more." if len(gone) > _SHOWN else ".")
            )
    return lines


def _is_gone(workspace: Workspace, recorded: Path) -> bool:
    return found_here(workspace, recorded) is None and not recorded.is_file()


def _changed(workspace: Workspace, traced: Iterable[Traced]) -> list[str]:
    """Name what was changed since; logs of tags and frames grow before their sidecar does."""
    growing = (workspace.tags, workspace.frames)
    return [
        f"{item.path.relative_to(workspace.root)} was changed after it was made "
        f"(`{_made_by(item)}` makes it anew)"
        for item in traced
        if item.record.get("sha256") not in (None, item.sha256)
        and not any(item.path.is_relative_to(place) for place in growing)
    ]


def _made_by(item: Traced) -> str:
    return _MADE_BY.get(item.path.name, str(item.record.get("command", "")))


def _stale(workspace: Workspace, traced: Iterable[Traced]) -> list[str]:
    digest = cache(sha256_of)
    problems = []
    for item in traced:
        for name, recorded in item.record.get("inputs", {}).items():
            path = found_here(workspace, Path(name))
            if path is None or digest(path) == recorded:
                continue
            shown = item.path.relative_to(workspace.root)
            problems.append(
                f"{shown} was made from another {path.relative_to(workspace.root)} "
                f"(`{_made_by(item)}` makes it anew)"
            )
    return problems


def found_here(workspace: Workspace, recorded: Path) -> Path | None:
    """Return the file of this workspace that a sidecar means, also after the folder has moved."""
    parts = recorded.parts[1:] if recorded.is_absolute() else recorded.parts
    below = (workspace.root.joinpath(*parts[begin:]) for begin in range(len(parts)))
    return next((path for path in below if path.is_file()), None)


def _other_label_space(workspace: Workspace, traced: Iterable[Traced]) -> list[str]:
    counted = read_provenance(workspace.associations).get("label_space")
    return [
        f"{item.path.name} is of another label space of audio classes than the associations"
        for item in traced
        if item.path == workspace.suggestions
        and counted
        and item.record.get("label_space") not in (None, counted)
    ]
