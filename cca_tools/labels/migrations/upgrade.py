"""Bring a label database to the version of this package, in one transaction, or refuse it."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text

from cca_tools.errors import DataError
from cca_tools.labels.schema import HEAD, metadata

VERSION_TABLE = "label_store_version"
_LOCK = 0x6C6162656C73  # of PostgreSQL, while tables are made: any number that nobody else takes

_log = logging.getLogger(__name__)
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


def prepare(engine: Engine, name: str) -> None:
    """Make the tables of an empty database, or bring those of an earlier version up.

    What is of this version already is only read.

    Args:
        engine: A connection that writes holds the database's lock from its beginning.
        name: Of the database, for messages.

    Raises:
        DataError: The database is of a newer version, or has tables of the same names but none
            that tells the version.
    """
    with engine.connect() as connection:
        if inspect(connection).has_table(VERSION_TABLE):
            check_version(connection, name)
            if _version_in(connection) == HEAD:
                return
    with engine.connect().execution_options(cca_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = version_of(connection, name)  # under the lock: nobody makes tables meanwhile
        if before != HEAD:  # else another process was quicker
            upgrade(connection)
            _log.info("brought %s from version %s to %s", name, before or "none", HEAD)


def version_of(connection: Connection, name: str) -> str | None:
    """Return the version of the database's tables, None where it has none of ours.

    Raises:
        DataError: See `prepare`.
    """
    tables = inspect(connection)
    if not tables.has_table(VERSION_TABLE):
        taken = [table for table in metadata.tables if tables.has_table(table)]
        if connection.dialect.name == "sqlite":  # a server may hold what is of several programs
            taken += tables.get_table_names()
        if taken:
            raise DataError(
                f"{name} is no label database, and has a table {taken[0]!r} of its own",
                "Name another database by --database",
            )
        return None
    check_version(connection, name)
    return _version_in(connection)


def check_version(connection: Connection, name: str) -> None:
    """Refuse a database that a newer package has brought up.

    Raises:
        DataError: Its version is newer than the newest that this package knows.
    """
    version = _version_in(connection)
    if version is not None and version > HEAD:
        raise DataError(
            f"the label database {name} is of version {version}, newer than {HEAD}, "
            "the newest that this cca-tools knows",
            "Update cca-tools",
        )


def _version_in(connection: Connection) -> str | None:
    return connection.execute(select(_version.c.version_num)).scalar()


def upgrade(connection: Connection, revision: str = HEAD) -> None:
    """Run the migrations up to ``revision`` in the transaction of ``connection``.

    Each migration and its record are kept together or not at all: the transaction is the caller's.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config,
        script,
        fn=lambda current, _context: script._upgrade_revs(revision, current),
        destination_rev=revision,
    ) as environment:
        environment.configure(
            connection=connection,
            target_metadata=metadata,
            version_table=VERSION_TABLE,
            transactional_ddl=True,
        )
        environment.run_migrations()
