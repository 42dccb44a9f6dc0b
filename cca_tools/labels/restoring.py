"""Bring events of an export into a store: each once, with its time, whatever its id was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select

from cca_tools.errors import DataError
from cca_tools.labels.events import Event
from cca_tools.labels.rows import event_of, row_of
from cca_tools.labels.schema import events
from cca_tools.labels.standing import last_id, rebuild


def restore(connection: Connection, past: Sequence[Event]) -> list[Event]:
    """Add the events that are not here yet, and return them as they were written.

    An event is here already if one of the same kind, person, item, answer and time is. Ids stay
    what they were in an empty store that gets a whole history, and are given anew elsewhere: what
    comes in stands after what is here. What both stores took back is taken back once.

    Raises:
        DataError: An undo takes back what is not among the events before it.
    """
    here = [event_of(row) for row in connection.execute(select(events).order_by(events.c.id))]
    ids_here = {event.id: event.id for event in here}
    known = {_content(event, ids_here): event.id for event in here}
    undone = {event.undoes: event.id for event in here if event.undoes is not None}
    next_id, ids, new = last_id(connection) + 1, dict[int, int](), list[Event]()
    for event in past:
        if event.undoes is not None and event.undoes not in ids:
            raise DataError(
                f"event {event.id} takes back event {event.undoes}, which does not stand before it",
                "Import the whole history, oldest first",
            )
        content = _content(event, ids)
        if content.undoes in undone:  # taken back here already, perhaps at another time
            ids[event.id] = undone[content.undoes]
            continue
        if content not in known:
            known[content] = next_id
            new.append(replace(event, id=next_id, undoes=content.undoes))
            if content.undoes is not None:
                undone[content.undoes] = next_id
            next_id += 1
        ids[event.id] = known[content]
    if new:
        connection.execute(insert(events), [row_of(event) for event in new])
        rebuild(connection)
    return new


def _content(event: Event, ids: dict[int, int]) -> Event:
    """Return the event without its own id, and with the id that its undone event has here."""
    return replace(event, id=0, undoes=None if event.undoes is None else ids[event.undoes])
