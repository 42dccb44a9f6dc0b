"""The label store: append-only events over SQLite or PostgreSQL, and what stands now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.metadata import version
from types import TracebackType
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, select

from cca_tools.errors import UsageError
from cca_tools.labels import looks, orders, people
from cca_tools.labels.database import Database, open_database
from cca_tools.labels.events import ADJUDICATION, LABEL, UNDO, Event, NewLabel
from cca_tools.labels.items import ITEM_KINDS
from cca_tools.labels.restoring import restore
from cca_tools.labels.rows import CURRENT_COLUMNS, HISTORY_COLUMNS, frame_of, scope_of
from cca_tools.labels.schema import events, standing
from cca_tools.labels.standing import (
    append,
    append_undo,
    check_expected,
    last_id,
    last_of,
    standing_events,
    standing_labels,
)
from cca_tools.workspace import Workspace, utc_now

_APP_VERSION = version("cca-tools")  # once: it parses the metadata of the package


class LabelStore:
    """Every label ever made, by whom and knowing what; safe to use from several threads.

    Events are only ever added. What stands is derived from them in the same transaction:
    an annotator's last event on an item that he did not take back.

    Args:
        database: An open one; see `open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(
        cls, workspace: Workspace, database: str | None = None, *, make: bool = True
    ) -> LabelStore:
        """Open the store of a workspace, made where it is not there yet.

        Args:
            workspace: Whose ``labels.db`` is meant where no database is given.
            database: ``sqlite:///FILE`` or ``postgresql+psycopg://USER@HOST/NAME``.
            make: Whether a file that is not there is made, rather than refused.

        Raises:
            UsageError: The address is of no kind that is known.
            WorkspaceError: The database cannot be opened, reached or written.
            DataError: It is no label database, one of a newer version, or not there.
        """
        return cls(open_database(workspace.labels, database, make=make))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, labels: Sequence[NewLabel], expected: int | None = None) -> list[Event]:
        """Keep labels, all or none; what their annotators were shown joins their hints.

        Args:
            labels: In the order in which they were made.
            expected: The ``event_id`` that the page saw standing for the first label's annotator
                and item, 0 for none; None asks nothing.

        Returns:
            What was written, with its ids; on return it is on the disk.

        Raises:
            LabelConflictError: Another event stands by now; nothing is written.
            UsageError: Somebody is not listed as one who may label.
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        return self._append(LABEL, labels, expected)

    def adjudicate(self, labels: Sequence[NewLabel], expected: int | None = None) -> list[Event]:
        """Keep decisions that stand above all annotators' labels; see `add`.

        Args:
            labels: The annotator is the adjudicator.
            expected: The ``event_id`` of the decision that the page saw, whoever made it.

        Raises:
            LabelConflictError: Another decision stands by now; nothing is written.
            UsageError: Somebody is not listed as one who may adjudicate.
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        return self._append(ADJUDICATION, labels, expected)

    def add_imported(self, labels: Sequence[NewLabel]) -> list[Event]:
        """Keep labels from elsewhere, all or none; those that stand already are left out.

        Who is listed is not asked.

        Raises:
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        with self._database.writing() as connection:
            stand = standing_labels(connection)
            return self._write(connection, LABEL, [label for label in labels if label not in stand])

    def undo(self, annotator: str, roles: Collection[str] | None = None) -> Event | None:
        """Take back the annotator's last event that is not taken back yet, by an event of its own.

        Args:
            annotator: Whose event.
            roles: What he may do; None asks nothing.

        Returns:
            The undo, or None where there is nothing to take back.

        Raises:
            UsageError: None of the roles allows such events.
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        with self._database.writing() as connection:
            last = last_of(connection, annotator)
            if last is None:
                return None
            role = people.role_for(last.kind)
            if roles is not None and role not in roles:
                raise people.not_listed(annotator, role)
            taken = NewLabel(annotator, last.item, last.level, position=last.position)
            undo = _event(last_id(connection) + 1, UNDO, taken, utc_now("microseconds"), last.id)
            append_undo(connection, undo, last)
            return undo

    def current(
        self, kind: str = "class", annotator: str | None = None, class_name: str | None = None
    ) -> pd.DataFrame:
        """Return what stands of the annotators' labels.

        Args:
            kind: Of the items: ``class``, ``audio_class`` or ``frame``.
            annotator: Only his.
            class_name: Only what is of this class.

        Returns:
            ``annotator``, ``class_name``, ``key``, ``level``, ``note``, ``hints``, ``position``,
            ``event_id``, ``created_at``; by annotator, class and key.
        """
        query = standing_events(_check_kind(kind), class_name).where(events.c.kind == LABEL)
        if annotator is not None:
            query = query.where(standing.c.scope == scope_of(LABEL, annotator))
        return self._frame(query)

    def adjudicated(self, kind: str = "class", class_name: str | None = None) -> pd.DataFrame:
        """Return the decisions that stand; the annotator is the adjudicator. See `current`."""
        query = standing_events(_check_kind(kind), class_name)
        return self._frame(query.where(standing.c.scope == ADJUDICATION))

    def history(self, class_name: str | None = None, annotator: str | None = None) -> pd.DataFrame:
        """Return every event, oldest first, with the columns `HISTORY_COLUMNS`."""
        query = select(events).order_by(events.c.id)
        if class_name is not None:
            query = query.where(events.c.class_name == class_name)
        if annotator is not None:
            query = query.where(events.c.annotator == annotator)
        with self._database.reading() as connection:
            return frame_of(connection.execute(query), HISTORY_COLUMNS)

    def restore(self, past: Sequence[Event]) -> int:
        """Keep events as another store wrote them, with their times, all or none.

        See `cca_tools.labels.restoring`; who is listed is not asked.

        Returns:
            How many were new.

        Raises:
            DataError: An undo takes back what is not among the events before it.
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        with self._database.writing() as connection:
            return len(restore(connection, past))

    def order(self, annotator: str, class_names: Sequence[str]) -> list[str]:
        """Return the classes in this annotator's own order, drawn by his name and recorded.

        Classes that are new since the first call come after the others.
        """
        with self._database.reading() as connection:
            recorded = orders.recorded(connection, annotator)
        if not set(class_names) <= set(recorded):
            with self._database.writing() as connection:
                recorded = orders.extend(connection, annotator, class_names)
        wanted = set(class_names)
        return [name for name in recorded if name in wanted]

    def look(self, annotator: str, hints: Collection[str], class_name: str = "") -> None:
        """Record that somebody is shown hints of a class, or of all; call it before showing them.

        Every label that he gives from now on has them among its hints, whatever gives it.

        Raises:
            UsageError: A name is too long, or no text that every database can hold.
            WorkspaceError: The database is gone, locked, read-only or cannot be reached.
        """
        if not set(hints) <= self.seen(annotator, class_name):
            with self._database.writing() as connection:
                looks.record(connection, annotator, class_name, hints)

    def seen(self, annotator: str, class_name: str = "") -> set[str]:
        """Return what somebody was shown of a class, with what he was shown of all."""
        with self._database.reading() as connection:
            return looks.seen(connection, annotator, class_name)

    def annotators(self) -> list[str]:
        """Return everyone who ever labelled, by name."""
        query = select(events.c.annotator).where(events.c.kind == LABEL).distinct()
        with self._database.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def people(self) -> dict[str, tuple[str, ...]]:
        """Return who is listed, and for which roles; empty where nobody is."""
        with self._database.reading() as connection:
            return people.listed(connection)

    def list_person(self, name: str, *roles: str) -> None:
        """Let somebody ``label``, ``adjudicate``, both, or, without roles, neither.

        Raises:
            UsageError: There is no such role, or the name is empty or too long.
        """
        with self._database.writing() as connection:
            people.record(connection, name, roles)

    def allowed(self, annotator: str, role: str, *, listed_only: bool = False) -> bool:
        """Return whether somebody may ``label`` or ``adjudicate``.

        Args:
            annotator: The name, as it stands with every label.
            role: ``label`` or ``adjudicate``.
            listed_only: Nobody may where nobody is listed; else anyone may then.
        """
        listed = self.people()
        if not listed and not listed_only:
            return True
        return people.check_role(role) in listed.get(annotator, ())

    def _append(self, kind: str, labels: Sequence[NewLabel], expected: int | None) -> list[Event]:
        if not labels:
            return []
        with self._database.writing() as connection:
            people.check_listed(connection, {label.annotator for label in labels}, kind)
            if expected is not None:
                scope = scope_of(kind, labels[0].annotator)
                check_expected(connection, scope, labels[0].item, expected)
            if kind == LABEL:
                labels = [_with_looks(connection, label) for label in labels]
            return self._write(connection, kind, labels)

    @staticmethod
    def _write(connection: Connection, kind: str, labels: Sequence[NewLabel]) -> list[Event]:
        if not labels:
            return []
        first, now = last_id(connection) + 1, utc_now("microseconds")
        new = [_event(first + at, kind, label, now) for at, label in enumerate(labels)]
        append(connection, new)
        return new

    def _frame(self, query: Select[Any]) -> pd.DataFrame:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return frame_of(sorted(rows, key=lambda row: (row[0], row[1], row[2])), CURRENT_COLUMNS)


def _check_kind(kind: str) -> str:
    if kind not in ITEM_KINDS:
        raise UsageError(
            f"no items are of the kind {kind!r}", f"Give one of {', '.join(ITEM_KINDS)}"
        )
    return kind


def _with_looks(connection: Connection, label: NewLabel) -> NewLabel:
    seen = looks.seen(connection, label.annotator, label.item.class_name) - set(label.hints)
    return replace(label, hints=(*label.hints, *sorted(seen))) if seen else label


def _event(
    number: int, kind: str, label: NewLabel, created_at: str, undoes: int | None = None
) -> Event:
    return Event(
        id=number,
        kind=kind,
        annotator=label.annotator,
        item=label.item,
        level=label.level,
        note=label.note,
        hints=label.hints,
        position=label.position,
        undoes=undoes,
        app_version=_APP_VERSION,
        created_at=created_at,
    )
