"""Where a workspace's cache goes that may not be written: one temporary folder a process."""

from __future__ import annotations

import hashlib
import tempfile
from functools import cache
from pathlib import Path

from cca_tools.errors import WorkspaceError
from cca_tools.workspace import writing_to


def writable(folder: Path) -> Path:
    """Return ``folder``, made if need be, or what takes its place until the process ends.

    The same folder has the same place each time; at exit it is removed with all that is in it.
    """
    try:
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except WorkspaceError:
        name = hashlib.sha256(bytes(folder.absolute())).hexdigest()[:16]
        folder = Path(_temporary().name) / name
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Make it once; kept here, it is removed at exit."""
    return tempfile.TemporaryDirectory(prefix="cca-labels-", ignore_cleanup_errors=True)
