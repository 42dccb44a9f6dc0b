"""Events as rows of the database, and rows as events and frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Row

from cca_tools.labels.events import LABEL, Event
from cca_tools.labels.items import Item

HISTORY_COLUMNS = (
    "event_id",
    "kind",
    "annotator",
    "item_kind",
    "class_name",
    "key",
    "level",
    "note",
    "hints",
    "position",
    "undoes",
    "app_version",
    "created_at",
)
CURRENT_COLUMNS = (
    "annotator",
    "class_name",
    "key",
    "level",
    "note",
    "hints",
    "position",
    "event_id",
    "created_at",
)


def scope_of(kind: str, annotator: str) -> str:
    """Return in whose name an event stands: each annotator for himself, adjudicators for all."""
    return f"{LABEL}:{annotator}" if kind == LABEL else kind


def row_of(event: Event) -> dict[str, Any]:
    """Return the database row of an event."""
    return {
        "id": event.id,
        "kind": event.kind,
        "annotator": event.annotator,
        "item_kind": event.item.kind,
        "class_name": event.item.class_name,
        "item_key": event.item.key,
        "level": event.level,
        "note": event.note,
        "hints": json.dumps(event.hints, ensure_ascii=False),
        "position": event.position,
        "undoes": event.undoes,
        "app_version": event.app_version,
        "created_at": event.created_at,
    }


def event_of(row: Row[Any]) -> Event:
    """Return the event of a database row."""
    values = dict(row._mapping)
    item = Item(values.pop("item_kind"), values.pop("class_name"), values.pop("item_key"))
    return Event(**{**values, "hints": hints_of(values["hints"]), "item": item})


def hints_of(text: str) -> tuple[str, ...]:
    """Return the hints of their JSON text."""
    return () if text == "[]" else tuple(json.loads(text))


def frame_of(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame with whole numbers that may be missing, and hints as tuples."""
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(columns))
    for name in columns:
        if name in ("event_id", "position", "undoes"):
            frame[name] = frame[name].astype("int64" if name == "event_id" else "Int64")
        elif name == "hints":
            frame[name] = pd.Series([hints_of(text) for text in frame[name]], dtype="object")
        else:
            frame[name] = frame[name].astype("str")
    return frame
