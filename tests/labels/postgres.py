"""A real PostgreSQL server for tests: started once a session, a schema of its own a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_names = count()


class Postgres:
    """A running server.

    ``address()`` makes a new empty schema, ``database()`` a whole database (which takes longer);
    both return where it is.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> None:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def address(self) -> str:
        name = f"study_{next(_names)}"
        self.run(f'CREATE SCHEMA "{name}"')
        return self.url(f"postgres?options=-csearch_path%3D{name}")

    def database(self) -> str:
        name = f"study_{next(_names)}"
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Start PostgreSQL in a folder of its own; as user postgres where the tests run as root."""
    binaries = shutil.which("initdb")
    folder = Path(binaries).parent if binaries else next(iter(_FOLDERS), None)
    if folder is None:
        reason = "PostgreSQL is not installed (no initdb)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    place = Path(tempfile.mkdtemp(prefix="cca-postgres-"))
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(place, **user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def control(*arguments: str) -> None:
        done = subprocess.run(
            arguments, cwd=place, capture_output=True, text=True, check=False, timeout=60, **user
        )
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(place / "data")
    control(f"{folder}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8")
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off"
    )
    start = ("start", "-D", data, "-w", "-l", str(place / "log"), "-o", options)
    control(f"{folder}/pg_ctl", *start)
    try:
        yield Postgres(port)
    finally:
        control(f"{folder}/pg_ctl", "stop", "-D", data, "-m", "immediate")
        shutil.rmtree(place)
