"""What each annotator was shown of others' answers and suggestions, kept for ever."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, insert, select

from cca_tools.labels.events import check_name
from cca_tools.labels.schema import looks

ALL_CLASSES = ""


def seen(connection: Connection, annotator: str, class_name: str = ALL_CLASSES) -> set[str]:
    """Return what was shown of a class, with what was shown of all classes at once."""
    query = select(looks.c.hint).where(
        looks.c.annotator == annotator, looks.c.class_name.in_({class_name, ALL_CLASSES})
    )
    return set(connection.execute(query).scalars())


def record(connection: Connection, annotator: str, class_name: str, hints: Collection[str]) -> None:
    """Record what is shown; what is recorded already stays as it is.

    Args:
        connection: One that no other writer runs beside.
        annotator: To whom.
        class_name: Of which class; empty for all.
        hints: Such as ``suggestion`` or ``others``.

    Raises:
        UsageError: A name is too long, or no text that every database can hold.
    """
    new = sorted(set(hints) - seen(connection, annotator, class_name))
    if new:
        names = {"annotator": check_name(annotator), "class_name": check_name(class_name)}
        connection.execute(insert(looks), [{**names, "hint": check_name(hint)} for hint in new])
