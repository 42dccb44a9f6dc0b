"""Events: what the store keeps for ever, and what one gives it to keep."""

from __future__ import annotations

from dataclasses import dataclass

from cca_tools.errors import CcaError, UsageError
from cca_tools.labels.items import Item, check_level

_LONGEST_NAME = 800  # bytes; three of them fit into one entry of PostgreSQL's indexes
LABEL, UNDO, ADJUDICATION = EVENT_KINDS = ("label", "undo", "adjudication")


class LabelConflictError(CcaError):
    """Another answer to the same question has arrived since the page was drawn.

    Args:
        newer: What stands now; None where the answer that the page saw was taken back.
        item: What both are about.
    """

    exit_code = 1

    def __init__(self, newer: Event | None, item: Item) -> None:
        self.newer = newer
        what = "it was taken back" if newer is None else _told(newer)
        super().__init__(
            f"{item.class_name!r} has changed meanwhile: {what}; your answer is not saved",
            "Look at the newer answer, then save again",
        )


@dataclass(frozen=True)
class NewLabel:
    """A label to be kept.

    Args:
        annotator: Who says it.
        item: What it is about.
        level: One of `LEVELS`, or empty to take a mark away.
        note: Free text.
        hints: What was shown besides the videos, such as ``suggestion`` or ``others``.
        position: Where the item stood in the annotator's order, from 0.

    Raises:
        UsageError: There is no name, no such level, or text that no database can hold.
    """

    annotator: str
    item: Item
    level: str
    note: str = ""
    hints: tuple[str, ...] = ()
    position: int | None = None

    def __post_init__(self) -> None:
        if not self.annotator.strip():
            raise UsageError("the label has no annotator", "Give a name")
        check_level(self.level)
        names = (self.annotator, self.item.class_name, self.item.key)
        for text in (*names, self.note, *self.hints):
            _check_text(text)
        for name in names:
            if len(name.encode()) > _LONGEST_NAME:
                raise UsageError(
                    f"the name {name[:40]!r}... has {len(name.encode())} bytes",
                    f"A name may have {_LONGEST_NAME}",
                )


@dataclass(frozen=True)
class Event:
    """One row of the store, which never changes.

    Args:
        id: Grows with every event of the store.
        kind: ``label``, ``undo`` or ``adjudication``.
        annotator: Who did it.
        item: What it is about.
        level: What was said; of an undo, the level that was taken back.
        note: Free text.
        hints: What was shown besides the videos.
        position: Where the item stood in the annotator's order, from 0.
        undoes: The id of the event that an undo takes back.
        app_version: The version of the package that wrote it.
        created_at: UTC, ISO 8601, to the microsecond.
    """

    id: int
    kind: str
    annotator: str
    item: Item
    level: str
    note: str
    hints: tuple[str, ...]
    position: int | None
    undoes: int | None
    app_version: str
    created_at: str


def _told(event: Event) -> str:
    said = event.level or "no level"
    return f"{event.annotator!r} said {said} at {event.created_at} (event {event.id})"


def _check_text(text: str) -> None:
    """Refuse what PostgreSQL or UTF-8 cannot hold, so that no database is pickier than another."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{text!r} holds letters that no database keeps", "Write it without them")
