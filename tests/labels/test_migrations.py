"""Databases of every earlier version come up with all that is in them, or stay as they were."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from cca_tools.errors import CcaError, DataError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.migrations import upgrade as migrations
from cca_tools.labels.schema import HEAD, metadata
from cca_tools.labels.standing import rebuild
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

config = Config()
config.set_main_option("script_location", str(Path(migrations.__file__).parent))
REVISIONS = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]

EVENTS = [  # kind, annotator, class, key, level, undoes
    ("label", "Ada", "Dog", "", "highly", None),
    ("label", "Ada", "Dog", "", "not", None),
    ("label", "Bob", "Dog", "", "weakly", None),
    ("undo", "Ada", "Dog", "", "not", 2),
    ("label", "Ada", "Dog", "/m/1", "highly", None),
    ("label", "Ada", "Dog", "/m/1", "", None),
    ("label", "Bob", "Cat", "", "not", None),
    ("undo", "Bob", "Cat", "", "not", 7),
    ("adjudication", "Eve", "Dog", "", "not", None),
    ("adjudication", "Joe", "Dog", "", "weakly", None),
]


@pytest.fixture
def place(tmp_path: Path, address: str | None):
    """A workspace, the address of its database, and an engine beside the store's."""
    url = address or f"sqlite:///{tmp_path / 'labels.db'}"
    engine = create_engine(url)
    yield Workspace(tmp_path), address, engine
    engine.dispose()


def make_old(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        migrations.upgrade(connection, revision)
        for number, (kind, annotator, name, key, level, undoes) in enumerate(EVENTS, start=1):
            connection.execute(
                text(
                    "INSERT INTO events (id, kind, annotator, item_kind, class_name, item_key, "
                    "level, note, hints, position, undoes, app_version, created_at) VALUES (:id, "
                    ":kind, :annotator, :item, :name, :key, :level, 'a note', '[\"others\"]', 3, "
                    ":undoes, '0.0.9', '2026-01-02T03:04:05.000006+00:00')"
                ),
                {"id": number, "kind": kind, "annotator": annotator, "name": name, "key": key,
                 "level": level, "undoes": undoes, "item": "audio_class" if key else "class"},
            )  # fmt: skip
        connection.execute(text("INSERT INTO orders VALUES ('Ada', 'Dog', 0), ('Ada', 'Cat', 1)"))
        if revision > "0001":  # which kept up what stands with every event
            rebuild(connection)


def test_the_newest_version_is_the_one_that_the_package_reads():
    assert max(REVISIONS) == HEAD == REVISIONS[0]
    assert len(REVISIONS) >= 2


@pytest.mark.parametrize("revision", [name for name in REVISIONS if name != HEAD])
def test_an_earlier_version_comes_up_with_its_data(place, revision):
    workspace, address, engine = place
    make_old(engine, revision)
    with LabelStore.open(workspace, address) as store:
        history = store.history()
        assert history[["kind", "annotator", "class_name", "key", "level"]].to_numpy().tolist() == [
            list(row[:5]) for row in EVENTS
        ]
        assert history["undoes"].dropna().tolist() == [2, 7]
        assert set(history["hints"]) == {("others",)}
        assert set(history["note"]) == {"a note"}
        assert set(history["app_version"]) == {"0.0.9"}
        columns = ["annotator", "class_name", "level", "event_id"]
        assert store.current()[columns].to_numpy().tolist() == [
            ["Ada", "Dog", "highly", 1],
            ["Bob", "Dog", "weakly", 3],
        ]
        assert store.current("audio_class").empty
        assert store.adjudicated()[columns].to_numpy().tolist() == [["Joe", "Dog", "weakly", 10]]
        assert store.order("Ada", ["Cat", "Dog"]) == ["Dog", "Cat"]
        assert store.undo("Ada").undoes == 6
        assert store.current("audio_class")["event_id"].tolist() == [5]
        store.add([NewLabel("Ada", Item("class", "Dog"), "weakly")], expected=1)


def test_what_labels_of_earlier_versions_say_was_shown_is_known(place):
    workspace, address, engine = place
    make_old(engine, "0002")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE events SET hints = '[\"others\", \"results\"]' WHERE annotator = 'Bob'")
        )
        connection.execute(text("UPDATE events SET hints = '[]' WHERE id = 5"))
    with LabelStore.open(workspace, address) as store:
        assert store.seen("Ada", "Dog") == {"others"}
        assert store.seen("Ada", "Cat") == set()
        assert store.seen("Bob", "Cat") == {"others", "results"}
        assert store.seen("Bob", "of a class without labels") == {"results"}
        assert store.seen("Eve", "Dog") == set()  # a decision is never blind


def test_a_migration_that_fails_leaves_all_as_it_was(place):
    """A table that is in the way stops version 0002 halfway: nothing of it stays."""
    workspace, address, engine = place
    make_old(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (whatever INTEGER)"))
    with pytest.raises(CcaError):
        LabelStore.open(workspace, address)
    with engine.begin() as connection:
        assert not inspect(connection).has_table("standing")
        version = connection.execute(text("SELECT version_num FROM label_store_version")).scalar()
        assert version == "0001"
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == len(EVENTS)
        connection.execute(text("DROP TABLE people"))
    with LabelStore.open(workspace, address) as store:
        assert len(store.current()) == 2


def test_the_migrations_make_the_tables_that_the_package_uses(place):
    workspace, address, engine = place
    LabelStore.open(workspace, address).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": migrations.VERSION_TABLE, "compare_server_default": True},
        )
        assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_version_is_refused(place):
    workspace, address, engine = place
    store = LabelStore.open(workspace, address)
    with engine.begin() as connection:
        connection.execute(text("UPDATE label_store_version SET version_num = '9999'"))
    with pytest.raises(DataError, match=r"of version 9999, newer than .*\. Update cca-tools\.$"):
        LabelStore.open(workspace, address)
    with pytest.raises(DataError, match="newer"):
        store.add([NewLabel("Ada", Item("class", "Dog"), "not")])
    assert store.history().empty
    store.close()


def test_tables_of_somebody_else_are_left_alone(place):
    workspace, address, engine = place
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE events (whatever INTEGER)"))
    with pytest.raises(DataError, match="no label database, and has a table 'events' of its own"):
        LabelStore.open(workspace, address)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["events"]


PROGRAMS = 8


def _open_and_label(root: Path, address: str | None, begin: object, number: int) -> None:
    begin.wait(60)
    with LabelStore.open(Workspace(root), address) as store:
        store.add([NewLabel(f"person {number}", Item("class", "Dog"), "not")])


def test_several_programs_may_make_the_database_at_once(tmp_path, address):
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(PROGRAMS)
    programs = [
        context.Process(target=_open_and_label, args=(tmp_path, address, begin, number))
        for number in range(PROGRAMS)
    ]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0] * PROGRAMS
    with LabelStore.open(Workspace(tmp_path), address) as store:
        assert len(store.current()) == PROGRAMS
