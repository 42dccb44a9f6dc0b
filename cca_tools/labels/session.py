"""One annotator's way through the classes: what is open, what comes next, how far all are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cca_tools.labels.store import LabelStore

OPEN, LABELLED, ADJUDICATED = STATES = ("open", "labelled", "adjudicated")


@dataclass(frozen=True)
class Answer:
    """What an annotator said, as it stands.

    Args:
        level: One of the levels; empty where nothing is said.
        note: His words.
        event_id: Of the event; 0 for none.
        hints: What he had been shown by then.
    """

    level: str = ""
    note: str = ""
    event_id: int = 0
    hints: tuple[str, ...] = ()


NOTHING = Answer()


@dataclass(frozen=True)
class Session:
    """Where one annotator stands.

    Args:
        annotator: The name.
        order: The classes in the annotator's own order.
        answers: What stands of his labels, by class.
        adjudicated: The level decided on, by class.
    """

    annotator: str
    order: tuple[str, ...]
    answers: Mapping[str, Answer]
    adjudicated: Mapping[str, str]

    @classmethod
    def read(cls, store: LabelStore, class_names: Sequence[str], annotator: str) -> Session:
        """Read where an annotator stands; his order is drawn and recorded at the first time.

        Raises:
            WorkspaceError: The database is gone, locked, or cannot be reached.
        """
        known = set(class_names)
        labels = store.current("class", annotator)
        labels = labels[labels["class_name"].isin(known) & (labels["level"] != "")]
        decided = store.adjudicated("class")
        decided = decided[decided["class_name"].isin(known)]
        return cls(
            annotator,
            tuple(store.order(annotator, class_names)),
            _by(labels, "class_name"),
            {name: answer.level for name, answer in _by(decided, "class_name").items()},
        )

    def answer(self, class_name: str) -> Answer:
        """Return what the annotator said of a class."""
        return self.answers.get(class_name, NOTHING)

    def state(self, class_name: str) -> str:
        """Return ``open``, ``labelled`` or ``adjudicated``."""
        if self.adjudicated.get(class_name):
            return ADJUDICATED
        return LABELLED if class_name in self.answers else OPEN

    @property
    def num_labelled(self) -> int:
        """Number of classes that the annotator has labelled."""
        return len(self.answers)

    def position(self, class_name: str) -> int:
        """Return where a class stands in the annotator's order, from 0."""
        return self.order.index(class_name)

    def step(self, class_name: str, by: int) -> str:
        """Return the class so many places further on, the ends of the order being joined."""
        return self.order[(self.position(class_name) + by) % len(self.order)]

    def next_open(self, after: str | None = None) -> str:
        """Return the first class that the annotator has not labelled, beginning behind ``after``.

        Where there is none, the class behind ``after``, or the first.
        """
        start = 0 if after is None else self.position(after) + 1
        ways = [*self.order[start:], *self.order[:start]]
        return next((name for name in ways if name not in self.answers), ways[0])


def progress(store: LabelStore, class_names: Sequence[str]) -> dict[str, int]:
    """Return how many of these classes each annotator has labelled, the most first."""
    labels = store.current("class")
    labels = labels[labels["class_name"].isin(set(class_names)) & (labels["level"] != "")]
    counts = labels["annotator"].value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def marks(store: LabelStore, kind: str, annotator: str, class_name: str) -> dict[str, Answer]:
    """Return what an annotator said of a class's audio classes or frames, by key.

    Args:
        store: The labels.
        kind: ``audio_class`` or ``frame``.
        annotator: Whose.
        class_name: Of which class.
    """
    return _by(store.current(kind, annotator, class_name), "key")


def _by(labels: pd.DataFrame, column: str) -> dict[str, Answer]:
    rows = zip(
        labels[column],
        labels["level"],
        labels["note"],
        labels["event_id"],
        labels["hints"],
        strict=True,
    )
    return {
        str(name): Answer(str(level), str(note), int(number), tuple(hints))
        for name, level, note, number, hints in rows
    }
