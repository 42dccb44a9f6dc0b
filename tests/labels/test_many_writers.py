"""Eight annotators at once, 10,000 labels: every one is there, in order, exactly once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np

from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

WRITERS = 8
LABELS_EACH = 1250
PER_PAGE = 25  # a class and the marks on its audio classes, saved together
CLASSES = 309
LEVELS = ("highly", "weakly", "not", "unsure")


def planned(writer: int) -> list[NewLabel]:
    """The labels of one annotator; the note tells which one it is."""
    rng = np.random.default_rng(writer)
    return [
        NewLabel(
            f"annotator {writer}",
            Item("class", f"class {rng.integers(CLASSES)}"),
            LEVELS[rng.integers(4)],
            note=str(number),
            position=number,
        )
        for number in range(LABELS_EACH)
    ]


def label(root: Path, address: str | None, writer: int, begin: object) -> None:
    labels = planned(writer)
    with LabelStore.open(Workspace(root), address) as store:
        begin.wait(60)
        for first in range(0, LABELS_EACH, PER_PAGE):
            page = labels[first : first + PER_PAGE]
            seen = store.current(annotator=page[0].annotator, class_name=page[0].item.class_name)
            store.add(page, expected=int(seen["event_id"].max()) if len(seen) else 0)


def test_none_is_lost_none_is_doubled(tmp_path: Path, address: str | None) -> None:
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(WRITERS)
    writers = [
        context.Process(target=label, args=(tmp_path, address, writer, begin))
        for writer in range(WRITERS)
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join(120)
    assert [process.exitcode for process in writers] == [0] * WRITERS

    with LabelStore.open(Workspace(tmp_path), address) as store:
        history, current = store.history(), store.current()
    assert list(history["event_id"]) == list(range(1, WRITERS * LABELS_EACH + 1))
    times_of_pages = history["created_at"].to_numpy().reshape(-1, PER_PAGE)
    assert (times_of_pages == times_of_pages[:, :1]).all()
    last: dict[tuple[str, str], tuple[str, str]] = {}
    for writer in range(WRITERS):
        labels = planned(writer)
        own = history[history["annotator"] == f"annotator {writer}"]
        assert list(own["note"]) == [label.note for label in labels]
        assert list(own["class_name"]) == [label.item.class_name for label in labels]
        assert list(own["level"]) == [label.level for label in labels]
        for wanted in labels:
            last[wanted.annotator, wanted.item.class_name] = (wanted.level, wanted.note)
    stands = {
        (row.annotator, row.class_name): (row.level, row.note) for row in current.itertuples()
    }
    assert stands == last
