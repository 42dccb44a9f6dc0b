"""What a label is about: a class, an audio class within a class, or a frame of a video."""

from __future__ import annotations

from dataclasses import dataclass

from cca_tools.errors import UsageError
from cca_tools.reports.levels import LEVELS

ITEM_KINDS = ("class", "audio_class", "frame")
ORDINAL = ("not", "weakly", "highly")  # the levels that have an order, lowest first
CLEARED = ""  # the level that takes a mark away


@dataclass(frozen=True)
class Item:
    """What a label is about.

    Args:
        kind: ``class``, ``audio_class`` (within the class) or ``frame`` (of one of its videos).
        class_name: The video class.
        key: The MID of the audio class, or ``VIDEO_ID@SECONDS`` of the frame; empty for a class.

    Raises:
        UsageError: The kind is unknown, the class has no name, or the key does not fit the kind.
    """

    kind: str
    class_name: str
    key: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ITEM_KINDS:
            raise UsageError(
                f"an item cannot be of the kind {self.kind!r}", f"Give one of {_ITEM_KINDS_TEXT}"
            )
        if not self.class_name:
            raise UsageError("an item has no class name", "Name the video class")
        if (self.kind == "class") == bool(self.key):
            raise UsageError(
                f"the {self.kind} item of {self.class_name!r} has the key {self.key!r}",
                "A class has no key; an audio class has its MID, a frame VIDEO_ID@SECONDS",
            )


_ITEM_KINDS_TEXT = ", ".join(ITEM_KINDS)


def check_level(level: str) -> str:
    """Return ``level`` if it is one of `LEVELS`, or empty (which takes a mark away).

    Raises:
        UsageError: It is neither.

    >>> check_level("highly")
    'highly'
    """
    if level != CLEARED and level not in LEVELS:
        raise UsageError(f"{level!r} is no level", f"Give one of {', '.join(LEVELS)}")
    return level
