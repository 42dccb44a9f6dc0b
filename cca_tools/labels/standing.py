"""What stands: each scope's last event on an item that is not taken back, kept as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
)

from cca_tools.labels.events import LABEL, UNDO, Event, LabelConflictError, NewLabel
from cca_tools.labels.items import CLEARED, Item
from cca_tools.labels.rows import event_of, row_of, scope_of
from cca_tools.labels.schema import events, standing

_NOTHING = 0  # the id that a page gives where it saw nothing
_undoing = events.alias("undoing")
_NOT_TAKEN_BACK = and_(events.c.kind != UNDO, ~exists().where(_undoing.c.undoes == events.c.id))
_SCOPE = case(
    (events.c.kind == LABEL, literal(f"{LABEL}:") + events.c.annotator), else_=events.c.kind
)


def last_id(connection: Connection) -> int:
    """Return the id of the newest event, 0 where there is none."""
    return connection.execute(select(func.max(events.c.id))).scalar() or 0


def append(connection: Connection, new: Sequence[Event]) -> None:
    """Add labels or decisions, which then stand."""
    connection.execute(insert(events), [row_of(event) for event in new])
    last = {(scope_of(event.kind, event.annotator), event.item): event for event in new}
    _stand(connection, last)


def append_undo(connection: Connection, undo: Event, undone: Event) -> None:
    """Add an undo; what stood before the event that it takes back stands again."""
    connection.execute(insert(events), [row_of(undo)])
    scope, item = scope_of(undone.kind, undone.annotator), undone.item
    query = _kept().where(events.c.kind == undone.kind, *_is_item(events, item))
    if undone.kind == LABEL:
        query = query.where(events.c.annotator == undone.annotator)
    row = connection.execute(query.order_by(events.c.id.desc()).limit(1)).first()
    _stand(connection, {(scope, item): event_of(row) if row else None})


def last_of(connection: Connection, annotator: str) -> Event | None:
    """Return an annotator's last event that is not taken back."""
    query = _kept().where(events.c.annotator == annotator).order_by(events.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    return event_of(row) if row else None


def check_expected(connection: Connection, scope: str, item: Item, expected: int) -> None:
    """Refuse to go on where something else stands than a page saw.

    Args:
        connection: One that no other writer runs beside.
        scope: Whose answer; see `scope_of`.
        item: To what.
        expected: The id that the page saw, 0 for none.

    Raises:
        LabelConflictError: The message names what stands now.
    """
    query = select(events).join(standing, standing.c.event_id == events.c.id)
    row = connection.execute(
        query.where(standing.c.scope == scope, *_is_item(standing, item))
    ).first()
    newer = event_of(row) if row else None
    if (newer.id if newer else _NOTHING) != expected:
        raise LabelConflictError(newer, item)


def standing_events(kind: str, class_name: str | None) -> Select[Any]:
    """Return the query for what stands on items of a kind, with the columns of ``current``."""
    query = (
        select(
            events.c.annotator,
            events.c.class_name,
            events.c.item_key,
            events.c.level,
            events.c.note,
            events.c.hints,
            events.c.position,
            events.c.id,
            events.c.created_at,
        )
        .join(standing, standing.c.event_id == events.c.id)
        .where(standing.c.item_kind == kind)
    )
    return query if class_name is None else query.where(standing.c.class_name == class_name)


def standing_labels(connection: Connection) -> set[NewLabel]:
    """Return every annotator's labels that stand, as they were given."""
    query = select(events).join(standing, standing.c.event_id == events.c.id)
    found = [event_of(row) for row in connection.execute(query.where(events.c.kind == LABEL))]
    return {
        NewLabel(event.annotator, event.item, event.level, event.note, event.hints, event.position)
        for event in found
    }


def rebuild(connection: Connection) -> None:
    """Make the table of what stands anew from the events alone."""
    age = func.row_number().over(
        partition_by=[events.c.item_kind, events.c.class_name, events.c.item_key, _SCOPE],
        order_by=events.c.id.desc(),
    )
    kept = _kept().add_columns(_SCOPE.label("scope"), age.label("age")).subquery()
    columns = ["item_kind", "class_name", "item_key", "scope", "event_id"]
    newest = select(kept.c.item_kind, kept.c.class_name, kept.c.item_key, kept.c.scope, kept.c.id)
    connection.execute(delete(standing))
    connection.execute(
        insert(standing).from_select(
            columns, newest.where(kept.c.age == 1, kept.c.level != CLEARED)
        )
    )


def _kept() -> Select[Any]:
    return select(events).where(_NOT_TAKEN_BACK)


def _is_item(table: Any, item: Item) -> tuple[Any, ...]:
    return (
        table.c.item_kind == item.kind,
        table.c.class_name == item.class_name,
        table.c.item_key == item.key,
    )


def _stand(connection: Connection, last: Mapping[tuple[str, Item], Event | None]) -> None:
    """Let each event stand in its scope; none, or a cleared mark, leaves the item open."""
    keys = [
        {"a_scope": scope, "a_kind": item.kind, "a_class": item.class_name, "a_key": item.key}
        for scope, item in last
    ]
    connection.execute(
        delete(standing).where(
            standing.c.scope == bindparam("a_scope"),
            standing.c.item_kind == bindparam("a_kind"),
            standing.c.class_name == bindparam("a_class"),
            standing.c.item_key == bindparam("a_key"),
        ),
        keys,
    )
    rows = [
        {
            "item_kind": item.kind,
            "class_name": item.class_name,
            "item_key": item.key,
            "scope": scope,
            "event_id": event.id,
        }
        for (scope, item), event in last.items()
        if event is not None and event.level != CLEARED
    ]
    if rows:
        connection.execute(insert(standing), rows)
