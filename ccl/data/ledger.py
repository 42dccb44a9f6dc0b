"""What is wrong with the data of a run, collected before anything is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cca_tools.errors import DataError

_NAMED = 5


def counted(items: Sequence[str], one: str, more: str) -> str:
    """Return how many there are, what they are, and the names of the first few.

    >>> counted(["a", "b"], "video is corrupt", "videos are corrupt")
    '2 videos are corrupt (a, b)'
    """
    names = ", ".join(items[:_NAMED]) + (", ..." if len(items) > _NAMED else "")
    return f"{len(items):,} {one if len(items) == 1 else more} ({names})"


@dataclass
class Ledger:
    """Problems and notes, in the order they were met.

    Args:
        problems: What the user must decide on: stop, or go on without.
        notes: What a reader should know.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, items: Sequence[str], one: str, more: str) -> None:
        """Write down a problem of some videos or classes, if there are any."""
        if items:
            self.problems.append(counted(items, one, more))

    def note(self, items: Sequence[str], one: str, more: str) -> None:
        """Write down what is no problem, but should be known."""
        if items:
            self.notes.append(counted(items, one, more))

    def settle(self, on_missing: str) -> tuple[str, ...]:
        """Return all that was written down, or refuse to go on.

        Raises:
            DataError: There are problems, and ``on_missing`` is ``error``.
        """
        if self.problems and on_missing == "error":
            raise DataError(
                f"the data has problems: {'; '.join(self.problems)}",
                "Mend them, or go on without by --on-missing skip",
            )
        return (*self.problems, *self.notes)
