"""The database under the store: connections, transactions, and its refusals in plain words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from cca_tools.errors import DataError, UsageError, WorkspaceError
from cca_tools.labels.migrations.upgrade import check_version, prepare
from cca_tools.labels.refusals import refused
from cca_tools.workspace import writing_to

WAIT_S = 15  # for others who write
_CONNECT_S = 10
_SECRETS = ("password", "sslpassword")  # of PostgreSQL, where they stand behind a question mark
_WRITES = "cca_writes"


class Database:
    """A label database of this version: open, and safe to use from several threads.

    Args:
        engine: SQLAlchemy's.
        name: The file, or the address without password, for messages.
        file: The file of SQLite; None for a server.
    """

    def __init__(self, engine: Engine, name: str, file: Path | None = None) -> None:
        self._engine, self._name, self._file = engine, name, file
        self._identity = _identity(file) if file else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in a transaction that sees one state of the database.

        Raises:
            WorkspaceError: The database is gone, locked or cannot be reached.
        """
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that no other writer runs beside.

        Raises:
            WorkspaceError: The database is gone, locked, read-only, full or cannot be reached.
            DataError: It has become newer than this package since it was opened.
        """
        with self._transaction(writes=True) as connection:
            check_version(connection, self._name)
            if self._file is None:
                connection.execute(text("LOCK TABLE events IN EXCLUSIVE MODE"))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        if self._file and _identity(self._file) != self._identity:
            raise WorkspaceError(
                f"the label database {self._name} is gone: moved, removed or replaced",
                "Put the file back, then try again",
            )
        with _in_plain_words(self._name), self._engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: writes})
            with connection.begin():
                yield connection


def open_database(file: Path, address: str | None = None, *, make: bool = True) -> Database:
    """Open a label database, made or brought to this version where needed.

    Args:
        file: The SQLite file where no address is given.
        address: ``sqlite:///FILE`` or ``postgresql+psycopg://USER@HOST/NAME``.
        make: Whether an SQLite file that is not there is made, rather than refused.

    Raises:
        UsageError: The address is of no kind that is known.
        WorkspaceError: The database cannot be opened, reached or written.
        DataError: It is no label database, one of a newer version, or not there.
    """
    url = None if address is None else _parsed(address)
    if url is not None and url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        url = None
    if url is None:
        return _open_file(file, make=make)
    name = url.difference_update_query(_SECRETS).render_as_string(hide_password=True)
    given = " ".join(url.normalized_query.get("options", ()))  # such as a search_path
    waits = f"{given} -c lock_timeout={int(WAIT_S * 1000)}".strip()
    with _in_plain_words(name):
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_S, "options": waits},
        )
        prepare(engine, name)
    return Database(engine, name)


def _parsed(address: str) -> Any:
    try:
        url = make_url(address)
        known = url.get_backend_name() == "postgresql" or (
            url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        )
    except (ArgumentError, NoSuchModuleError, ValueError):
        known = False
    if not known:
        raise UsageError(
            "the address of the database is of no kind that is known",
            "Give sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
        )
    return url


def _open_file(file: Path, *, make: bool) -> Database:
    file = file.absolute()
    if file.is_dir() or not (make or file.exists()):
        raise DataError(
            f"the label database {file} is {'a folder' if file.is_dir() else 'not there'}",
            "Check the address given by --database",
        )
    with writing_to(file), _in_plain_words(str(file)):
        if not file.exists() or file.stat().st_size == 0:
            file.parent.mkdir(parents=True, exist_ok=True)
            _make_file(file)
        engine = create_engine("sqlite://", creator=_connector(file), poolclass=QueuePool)
        event.listen(engine, "begin", _begin_sqlite)
        prepare(engine, str(file))
    return Database(engine, str(file), file)


def _make_file(file: Path) -> None:
    """Make an empty database with a write-ahead log, which the file keeps.

    SQLite does not wait for a lock when the log changes, so we do: others may open the file too.
    """
    connection = sqlite3.connect(file, timeout=WAIT_S)
    give_up = time.monotonic() + WAIT_S
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
    finally:
        connection.close()


def _connector(file: Path) -> Any:
    """Return what connects to an existing file: a file that is gone is never made anew."""
    address = f"file:{quote(str(file))}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # some builds sync a WAL only now and then
        return connection

    return connect


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _in_plain_words(name: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise refused(error, name) from error
