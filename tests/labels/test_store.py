from __future__ import annotations

from pathlib import Path

import pytest

from cca_tools.labels.events import LabelConflictError, NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace


@pytest.fixture
def store(tmp_path: Path, address: str | None):
    with LabelStore.open(Workspace(tmp_path / "w"), address) as opened:
        yield opened


def label(annotator: str, name: str, level: str, **more: object) -> NewLabel:
    return NewLabel(annotator, Item("class", name), level, **more)


def standing(store: LabelStore, **which: str) -> list[tuple[str, str, str]]:
    frame = store.current(**which)
    return list(frame[["annotator", "class_name", "level"]].itertuples(index=False, name=None))


def test_the_current_label_is_the_last_one(store):
    store.add([label("Ada", "Dog", "highly"), label("Bob", "Dog", "not")])
    store.add([label("Ada", "Dog", "weakly", note="barks off screen", hints=("others",))])
    assert standing(store) == [("Ada", "Dog", "weakly"), ("Bob", "Dog", "not")]
    assert standing(store, annotator="Bob") == [("Bob", "Dog", "not")]
    row = store.current(annotator="Ada").iloc[0]
    assert (row["note"], row["hints"], row["event_id"]) == ("barks off screen", ("others",), 3)
    assert store.annotators() == ["Ada", "Bob"]
    assert list(store.history()["event_id"]) == [1, 2, 3]


def test_undo_is_an_event_and_goes_back_step_by_step(store):
    store.add([label("Ada", "Dog", "highly")])
    store.add([label("Ada", "Dog", "weakly")])
    store.add([label("Bob", "Dog", "not")])
    undo = store.undo("Ada")
    assert (undo.kind, undo.undoes, undo.level) == ("undo", 2, "weakly")
    assert standing(store, annotator="Ada") == [("Ada", "Dog", "highly")]
    assert store.undo("Ada").undoes == 1
    assert standing(store) == [("Bob", "Dog", "not")]
    assert store.undo("Ada") is None
    assert list(store.history()["kind"]) == ["label", "label", "label", "undo", "undo"]


def test_an_answer_to_what_has_changed_is_not_written(store):
    (first,) = store.add([label("Ada", "Dog", "highly")], expected=0)
    store.add([label("Ada", "Dog", "not")], expected=first.id)
    with pytest.raises(LabelConflictError, match=r"'Ada' said not at .* \(event 2\)") as caught:
        store.add([label("Ada", "Dog", "weakly"), label("Ada", "Cat", "not")], expected=first.id)
    assert caught.value.newer.id == 2
    assert standing(store) == [("Ada", "Dog", "not")]
