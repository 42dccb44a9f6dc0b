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
        if not check_text(self.annotator).strip():
            raise UsageError("the label has no annotator", "Give a name")
        check_level(self.level)
        names = (self.annotator, self.item.class_name, self.item.key)
        for text in (self.note, *self.hints):
            check_text(text)
        for name in names:
            check_name(name)
        if self.position is not None and not _is_position(self.position):
            raise UsageError(
                f"the position is {self.position!r}", "Give a whole number from 0, or none"
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


def check_name(name: str) -> str:
    """Return a name that every database can hold and look for.

    Raises:
        UsageError: It is too long, or no such text.
    """
    size = len(check_text(name).encode())
    if size > _LONGEST_NAME:
        raise UsageError(
            f"the name {name[:40]!r}... has {size} bytes", f"A name may have {_LONGEST_NAME}"
        )
    return name


def check_text(text: str) -> str:
    """Return text that PostgreSQL and UTF-8 can hold, so that no database is pickier than another.

    Raises:
        UsageError: It is no text, or holds what they cannot.
    """
    if not isinstance(text, str):
        raise UsageError(f"{text!r} stands where text should", "Write it as text")
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{text!r} holds letters that no database keeps", "Write it without them")
    return text


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
