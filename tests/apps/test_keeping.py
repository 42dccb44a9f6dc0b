"""No answer is written over unseen, looking is never forgotten, and roles are asked for again."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager

import streamlit as st
from label_pages import answer, button, levels, press, shown, text_of
from labelling import CLASSES
from streamlit.testing.v1 import AppTest

from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item


@contextmanager
def locked(database):
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def disputed(store):
    for name, level in (("Bob", "not"), ("Cy", "highly")):
        store.add([NewLabel(name, Item("class", "Bell"), level)])
    store.add([NewLabel("Ann", Item("class", name), "not") for name in CLASSES])


def decisions(store):
    return store.adjudicated()[["annotator", "level"]].to_numpy().tolist()


def test_trying_again_does_not_overwrite_a_decision_made_meanwhile(page, store, here):
    disputed(store)
    test = page("Ann", "adjudicate")
    with locked(here.labels):
        button(test, "level_not").click().run()
        assert "is locked" in test.error[0].value
    store.adjudicate([NewLabel("Dee", Item("class", "Bell"), "weakly")], 0)
    button(test, "again_").click().run()
    assert decisions(store) == [["Dee", "weakly"]]
    assert "'Dee' said weakly" in test.error[0].value.replace("\\", "")
    store.adjudicate([NewLabel("Eve", Item("class", "Bell"), "highly")])
    button(test, "over_").click().run()  # over Dee's, which was shown, not over Eve's
    assert decisions(store) == [["Eve", "highly"]]
    assert "'Eve' said highly" in test.error[0].value.replace("\\", "")
    button(test, "over_").click().run()
    assert decisions(store) == [["Ann", "not"]]
    assert not test.error


def test_trying_again_does_not_overwrite_ones_own_other_tab(page, store, here):
    test = page()
    name = shown(test)
    with locked(here.labels):
        answer(test, "weakly")
    store.add([NewLabel("Ann", Item("class", name), "not")])
    button(test, "again_").click().run()
    assert levels(store) == {name: "not"}
    assert "Not saved" in test.error[0].value


def test_the_same_answer_given_meanwhile_is_no_conflict(page, store, here):
    test = page()
    name = shown(test)
    with locked(here.labels):
        answer(test, "weakly")
    assert test.error
    store.add([NewLabel("Ann", Item("class", name), "weakly")])
    button(test, "again_").click().run()
    assert not test.error
    assert "Saved" in text_of(test)
    assert store.history(annotator="Ann")["level"].tolist() == ["weakly"]


def test_mine_after_what_was_taken_back_is_not_written_over_what_came_then(page, store):
    test = page()
    name = shown(test)
    store.add([NewLabel("Ann", Item("class", name), "not")])
    test.run()
    store.undo("Ann")
    answer(test, "highly")
    assert "taken back" in test.error[0].value
    store.add([NewLabel("Ann", Item("class", name), "unsure")])
    button(test, "over_").click().run()
    assert levels(store) == {name: "unsure"}


def test_looking_counts_after_a_restart_and_in_another_app(page, store):
    test = page()
    first = shown(test)
    test.toggle(key="hints").set_value(True).run()
    st.cache_resource.clear()  # all that a server keeps
    st.cache_data.clear()
    answer(page(), "highly")
    assert store.current(annotator="Ann")["hints"].tolist() == [("others", "suggestion")]
    button(page(name="overview"), "show_results").click().run()
    st.cache_resource.clear()
    again = page(name="agreement")
    assert "have 2 classes open" not in text_of(again)  # asked once
    answer(page(), "not")
    frame = store.current(annotator="Ann").set_index("class_name")["hints"]
    assert [tuple(hints) for name, hints in frame.items() if name != first] == [("results",)]
    answer(page("Bob"), "not")
    assert store.current(annotator="Bob")["hints"].tolist() == [()]


def test_nothing_is_shown_that_cannot_be_recorded(page, store, here):
    test = page()
    store.add([NewLabel("Bob", Item("class", shown(test)), "not", note="a drum machine")])
    with closing(sqlite3.connect(here.labels, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # one may read, not write
        test.toggle(key="hints").set_value(True).run()
        assert "looking cannot be recorded" in text_of(test)
        assert "a drum machine" not in text_of(test)
        overview = page(name="adjudicate")
        button(overview, "show_results").click().run()
        assert "looking cannot be recorded" in text_of(overview)
        assert "a drum machine" not in text_of(overview)
        other.execute("ROLLBACK")
    assert "a drum machine" in text_of(test.run())


def test_roles_are_asked_for_when_it_is_saved(here, store):
    def told(which, *, login):
        test = AppTest.from_function(press, args=(which, str(here.labels)), default_timeout=60)
        if login:
            test.secrets["auth"] = {"client_id": "labels"}
        test.run()
        assert not test.exception
        return test.text[0].value

    for which, role in (("label", "label"), ("decide", "adjudicate")):  # nobody is listed
        assert f"may {role}" in told(which, login=True)
    assert store.history().empty
    store.add([NewLabel("Ann", Item("class", "Bell"), "not")])
    assert "may label" in told("undo", login=True)
    assert len(store.history()) == 1
    store.list_person("Ann", "adjudicate")
    assert "may label" in told("undo", login=False)
    assert "may label" in told("label", login=False)
    assert told("decide", login=True).strip() == ""
    assert told("undo", login=True).strip() == ""
    assert store.history()["kind"].tolist() == ["label", "adjudication", "undo"]
