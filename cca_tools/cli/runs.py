"""Runs by what a user calls them."""

from __future__ import annotations

from pathlib import Path

from cca_tools.errors import DataError
from cca_tools.workspace import Workspace

_CONFIG = "config.json"
_MOST_NAMED = 8


def find_run(workspace: Workspace, name: str) -> Path:
    """Return the folder of a run.

    Args:
        workspace: Whose runs are looked through.
        name: A folder, or what follows ``runs/`` in the workspace.

    Raises:
        DataError: There is no such run; the message lists those there are.
    """
    for folder in (Path(name), workspace.runs / name):
        if (folder / _CONFIG).is_file():
            return folder
    known = sorted(
        path.parent.relative_to(workspace.runs).as_posix()
        for path in workspace.runs.glob(f"*/*/*/{_CONFIG}")
    )
    more = f", and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    remedy = (
        f"Known are {', '.join(known[:_MOST_NAMED])}{more}"
        if known
        else "Make one with `cca-tools train`"
    )
    raise DataError(f"there is no run {name!r} in {workspace.runs}", remedy)
