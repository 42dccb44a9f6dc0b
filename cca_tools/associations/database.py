"""DuckDB with a bounded memory: what does not fit goes to a folder of temporary files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from cca_tools.errors import WorkspaceError
from cca_tools.workspace import writing_to

MEMORY_MB = 600
_MAX_THREADS = 4  # more of them hold more memory, and reading is the limit by then
_PREFIX = ".counting-"


@contextmanager
def open_database(folder: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database in a temporary folder, which goes when it is closed.

    Args:
        folder: Where the temporary folder is made; None means the system's.

    Raises:
        WorkspaceError: The folder cannot be written, or its disk is full.
    """
    if folder is not None:
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
    with writing_to(folder or Path(tempfile.gettempdir())):
        temporary = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
    try:
        with duckdb.connect(str(Path(temporary) / "counts.duckdb")) as database:
            database.execute(f"SET memory_limit = '{MEMORY_MB}MB'")
            database.execute(f"SET threads = {usable_threads()}")
            database.execute("SET temp_directory = " + quote(str(Path(temporary) / "spill")))
            database.execute("SET preserve_insertion_order = false")
            database.execute("SET enable_progress_bar = false")
            yield database
    except duckdb.Error as error:
        if "No space left" not in str(error) and not isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise WorkspaceError(
            f"cannot count in {temporary}: {str(error).splitlines()[0]}",
            "Free some space and run the same command again",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def usable_threads() -> int:
    """Return how many threads to work with: those of this process, within reason."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(_MAX_THREADS, mine or 1)


def remove_old_databases(folder: Path) -> None:
    """Remove what a killed run left in ``folder``; hold the workspace's lock for it."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def quote(text: str) -> str:
    """Return ``text`` as a literal of SQL.

    >>> quote("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
