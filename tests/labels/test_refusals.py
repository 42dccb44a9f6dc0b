"""A database that is locked, gone, read-only, full or damaged gives one clear line."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from privileges import obey_permissions
from sqlalchemy import create_engine, text

from cca_tools.errors import CcaError, DataError, UsageError, WorkspaceError
from cca_tools.labels import database
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

from .postgres import Postgres

DOG = [NewLabel("Ada", Item("class", "Dog"), "not")]


@pytest.fixture
def waits_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.2)


@pytest.fixture
def store(tmp_path: Path, address: str | None, waits_briefly: None):
    with LabelStore.open(Workspace(tmp_path), address) as opened:
        yield opened


def one_line(error: CcaError) -> str:
    assert "\n" not in str(error)
    return str(error)


def test_a_locked_database_says_so_and_takes_the_same_answer_later(store, tmp_path, address):
    engine = create_engine(address or f"sqlite:///{tmp_path / 'labels.db'}")
    with engine.connect() as other:
        if address is None:
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.execute(text("LOCK TABLE events IN EXCLUSIVE MODE"))
        with pytest.raises(WorkspaceError) as caught:
            store.add(DOG)
        assert "is locked by another program. Close the other program" in one_line(caught.value)
        assert store.current().empty  # reading goes on meanwhile
    engine.dispose()
    store.add(DOG)
    assert len(store.current()) == 1


@pytest.mark.parametrize("change", ["move", "replace"])
def test_a_file_that_is_gone_is_never_made_anew(tmp_path, change):
    workspace = Workspace(tmp_path)
    with LabelStore.open(workspace) as store:
        store.add(DOG)
        moved = tmp_path / "elsewhere.db"
        if change == "move":
            workspace.labels.rename(moved)
        else:
            shutil.copy(workspace.labels, moved)
            moved.replace(workspace.labels)
        for action in (lambda: store.add(DOG), store.current, lambda: store.undo("Ada")):
            with pytest.raises(WorkspaceError) as caught:
                action()
            assert "is gone: moved, removed or replaced" in one_line(caught.value)
        assert workspace.labels.exists() == (change == "replace")


def test_a_file_that_is_put_back_is_written_again(tmp_path):
    workspace = Workspace(tmp_path)
    with LabelStore.open(workspace) as store:
        workspace.labels.rename(tmp_path / "away.db")
        with pytest.raises(WorkspaceError):
            store.add(DOG)
        (tmp_path / "away.db").rename(workspace.labels)
        store.add(DOG)
        assert len(store.current()) == 1


def test_a_server_that_is_gone_says_so_and_may_come_back(postgres: Postgres, waits_briefly):
    address = postgres.database()
    name = address.rpartition("/")[2]
    with LabelStore.open(Workspace(Path("none")), address) as store:
        store.add(DOG)
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        postgres.run(ended)
        with pytest.raises(WorkspaceError) as caught:
            store.add(DOG)
        assert "does not answer" in one_line(caught.value)
        postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        store.add(DOG)
        assert len(store.history()) == 2


def test_a_server_that_does_not_run_says_so():
    address = "postgresql+psycopg://ada:secret@127.0.0.1:1/study"
    with pytest.raises(WorkspaceError) as caught:
        LabelStore.open(Workspace(Path("none")), address)
    line = one_line(caught.value)
    assert "postgresql+psycopg://ada:***@127.0.0.1:1/study does not answer" in line
    assert "secret" not in line


def test_a_database_that_does_not_exist_says_so(postgres: Postgres):
    with pytest.raises(WorkspaceError, match="does not exist"):
        LabelStore.open(Workspace(Path("none")), postgres.url("nowhere"))


def test_a_schema_that_is_not_there_says_so(postgres: Postgres):
    address = postgres.url("postgres?options=-csearch_path%3Dnowhere")
    with pytest.raises(WorkspaceError, match="has no schema that you may write: it is not there"):
        LabelStore.open(Workspace(), address)


def test_a_server_that_only_reads_says_so(postgres: Postgres):
    address = postgres.database()
    with LabelStore.open(Workspace(Path("none")), address) as store:
        store.add(DOG)
    name = address.rpartition("/")[2]
    postgres.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with LabelStore.open(Workspace(Path("none")), address) as store:
        assert len(store.current()) == 1
        with pytest.raises(WorkspaceError) as caught:
            store.add(DOG)
        assert "is read-only for you" in one_line(caught.value)


def test_somebody_without_rights_is_told_so(postgres: Postgres):
    address = postgres.database()
    name = address.rpartition("/")[2]
    LabelStore.open(Workspace(Path("none")), address).close()
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN")
    postgres.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    with LabelStore.open(Workspace(Path("none")), postgres.url(name, "reader")) as store:
        assert store.current().empty
        with pytest.raises(WorkspaceError, match="is read-only for you"):
            store.add(DOG)


READ_ONLY = """
import sys
from pathlib import Path
from cca_tools.errors import WorkspaceError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace
try:
    with LabelStore.open(Workspace(Path(sys.argv[1]))) as store:
        print(len(store.current()))
        store.add([NewLabel("Ada", Item("class", "Dog"), "not")])
except WorkspaceError as error:
    print(error)
"""


def as_somebody_else(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(folder)],
        capture_output=True, text=True, check=False, preexec_fn=obey_permissions,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_file_that_may_not_be_written_says_so(tmp_path):
    workspace = Workspace(tmp_path)
    with LabelStore.open(workspace) as store:
        store.add(DOG)
    workspace.labels.chmod(0o444)
    count, line = as_somebody_else(tmp_path)
    assert count == "1"
    assert line.startswith(f"the label database {workspace.labels} is read-only for you. Ask")


def test_a_folder_that_may_not_be_written_says_so(tmp_path):
    folder = tmp_path / "w"
    folder.mkdir()
    folder.chmod(0o555)
    (line,) = as_somebody_else(folder)
    assert line == (
        f"the label database {folder / 'labels.db'} cannot be opened. "
        "Check that its folder is there and may be written."
    )
    folder.chmod(0o755)


def test_a_full_database_says_so_and_keeps_nothing_of_the_page(tmp_path):
    """SQLite's own limit on pages stands for the disk's."""
    with LabelStore.open(Workspace(tmp_path)) as store:
        with store._database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 20")
        long = [NewLabel("Ada", Item("class", f"c{n}"), "not", "x" * 5000) for n in range(50)]
        with pytest.raises(WorkspaceError, match="the disk is full"):
            store.add(long)
        assert store.history().empty
        store.add(DOG)


def test_what_is_no_database_says_so(tmp_path):
    Workspace(tmp_path).labels.write_text("class_name,level\n" * 100)
    with pytest.raises(DataError, match="is damaged, or no SQLite database"):
        LabelStore.open(Workspace(tmp_path))
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE standing (x)")
    with pytest.raises(DataError, match="'standing' of its own"):
        LabelStore.open(Workspace(tmp_path), f"sqlite:///{tmp_path / 'other.db'}")


def test_a_file_of_another_program_is_left_alone(tmp_path):
    file = tmp_path / "places.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE places (x)")
    before = file.read_bytes()
    with pytest.raises(DataError, match="no label database, and has a table 'places' of its own"):
        LabelStore.open(Workspace(tmp_path), f"sqlite:///{file}")
    assert file.read_bytes() == before


@pytest.mark.parametrize("begun", [False, True])
def test_a_file_is_synced_and_read_while_another_writes(tmp_path, begun):
    workspace = Workspace(tmp_path)
    if begun:
        workspace.labels.touch()
    with LabelStore.open(workspace) as store, store._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        LabelStore.open(Workspace(tmp_path), f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://me:SECRET@127.0.0.1:1/x",
        "postgresql+psycopg://me@127.0.0.1:1/x?password=SECRET&sslpassword=SECRET",
        "postgresql+psycopg://me:SECRET@127.0.0.1:1/x?no_such=1",
    ],
)
def test_no_error_tells_a_password(address, tmp_path):
    with pytest.raises(WorkspaceError, match=r"me(:.*)?@127\.0\.0\.1:1/x") as caught:
        LabelStore.open(Workspace(tmp_path), address)
    assert "SECRET" not in one_line(caught.value)


@pytest.mark.parametrize(
    "address", ["", "labels.db", "mysql://me@host/x", "sqlite://", "sqlite:///:memory:", "http://x"]
)
def test_an_address_of_no_known_kind_names_the_known(address, tmp_path):
    with pytest.raises(UsageError, match="sqlite:///FILE or postgresql"):
        LabelStore.open(Workspace(tmp_path), address)
    assert list(tmp_path.iterdir()) == []


def test_another_file_can_be_named(tmp_path):
    file = tmp_path / "a b" / "100% #1.db"
    with LabelStore.open(Workspace(tmp_path / "w"), f"sqlite:///{file}") as store:
        store.add(DOG)
    assert file.is_file()
    assert not (tmp_path / "w").exists()
