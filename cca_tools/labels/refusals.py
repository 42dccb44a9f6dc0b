"""What a database says when it refuses, and what that means in plain words."""

from __future__ import annotations

from cca_tools.errors import CcaError, DataError, WorkspaceError

# words of SQLite, PostgreSQL or psycopg -> kind of error, what is wrong, what to do
_REFUSALS: tuple[tuple[tuple[str, ...], type[CcaError], str, str], ...] = (
    (
        ("is locked", "lock timeout", "deadlock detected"),
        WorkspaceError,
        "is locked by another program",
        "Close the other program or wait, then try again",
    ),
    (
        ("no schema has been selected",),
        WorkspaceError,
        "has no schema that you may write: it is not there, or not yours",
        "Make it with `CREATE SCHEMA`, or check the search_path in the address",
    ),
    (
        ("readonly database", "read-only", "permission denied"),
        WorkspaceError,
        "is read-only for you",
        "Ask for the right to write it, or copy it and name the copy by --database",
    ),
    (
        ("database or disk is full", "no space left", "disk full"),
        WorkspaceError,
        "cannot grow: the disk is full",
        "Free some space and try again",
    ),
    (
        ("unable to open database file", "disk i/o error"),
        WorkspaceError,
        "cannot be opened",
        "Check that its folder is there and may be written",
    ),
    (
        ("file is not a database", "malformed"),
        DataError,
        "is damaged, or no SQLite database",
        "Restore it from an export by `cca-tools labels import` into a new one",
    ),
    (
        ("no such table", "no such column", "undefinedtable", "undefinedcolumn"),
        DataError,
        "lacks tables that its version has",
        "Restore it from an export by `cca-tools labels import` into a new one",
    ),
    (
        ("password authentication failed", "no password supplied"),
        WorkspaceError,
        "refuses the name or the password",
        "Check the address given by --database",
    ),
    (
        ("does not exist",),
        WorkspaceError,
        "does not exist",
        "Make it with `createdb`, or check the address given by --database",
    ),
)


def refused(error: Exception, name: str) -> CcaError:
    """Return the error that a user can read for what a database driver raised.

    Args:
        error: As SQLAlchemy passed it on, or the driver raised it.
        name: The file or the address, for the message.
    """
    said = f"{type(getattr(error, 'orig', None)).__name__} {error}".lower()
    for words, kind, problem, remedy in _REFUSALS:
        if any(word in said for word in words):
            return kind(f"the label database {name} {problem}", remedy)
    first = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
    return WorkspaceError(
        f"the label database {name} does not answer: {first[0]}",
        "Check that it runs and can be reached, then try again",
    )
