"""An annotator's way through the classes."""

from __future__ import annotations

import pytest

from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.session import Answer, Session, marks, progress
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

CLASSES = tuple("abcde")


@pytest.fixture
def store(tmp_path):
    with LabelStore.open(Workspace(tmp_path)) as opened:
        yield opened


def say(store, who, name, level):
    return store.add([NewLabel(who, Item("class", name), level, note=f"{level}!")])[0].id


def test_open_classes_come_in_order_from_where_one_is(store):
    order = store.order("Ann", CLASSES)
    session = Session.read(store, CLASSES, "Ann")
    assert session.order == tuple(order)
    assert session.next_open() == order[0]
    for name in (order[0], order[2]):
        say(store, "Ann", name, "not")
    session = Session.read(store, CLASSES, "Ann")
    assert session.next_open() == order[1]
    assert session.next_open(order[1]) == order[3]
    assert session.next_open(order[4]) == order[1]  # round the end
    assert session.step(order[4], 1) == order[0]
    assert session.step(order[0], -1) == order[4]


def test_states_and_progress(store):
    number = say(store, "Ann", "a", "highly")
    say(store, "Bob", "a", "not")
    say(store, "Bob", "b", "unsure")
    store.adjudicate([NewLabel("Cy", Item("class", "b"), "weakly")])
    say(store, "Ann", "of another dataset", "not")
    session = Session.read(store, CLASSES, "Ann")
    assert [session.state(name) for name in "abc"] == ["labelled", "adjudicated", "open"]
    assert session.answer("a") == Answer("highly", "highly!", number)
    assert session.answer("b") == Answer()
    assert list(progress(store, CLASSES).items()) == [("Bob", 2), ("Ann", 1)]
    assert session.num_labelled == 1


def test_when_all_is_labelled_one_goes_on_round(store):
    for name in CLASSES:
        say(store, "Ann", name, "not")
    session = Session.read(store, CLASSES, "Ann")
    assert session.next_open(session.order[1]) == session.order[2]


def test_marks_are_of_one_annotator_and_class(store):
    for who, name, key in (("Ann", "a", "/m/1"), ("Ann", "b", "/m/1"), ("Bob", "a", "/m/2")):
        store.add([NewLabel(who, Item("audio_class", name, key), "weakly")])
    found = marks(store, "audio_class", "Ann", "a")
    assert {key: one.level for key, one in found.items()} == {"/m/1": "weakly"}
