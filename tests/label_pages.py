"""A page of the labelling app without a browser: how to draw it, read it and press its buttons."""

from __future__ import annotations


def draw(name):
    """Run one page, in a function whose source Streamlit can take."""
    from importlib import import_module

    getattr(import_module(f"apps.{name}_page"), f"draw_{name}_page")()


def text_of(test):
    """All the words of a page."""
    told = (*test.markdown, *test.error, *test.warning, *test.info, *test.success, *test.caption)
    return "\n".join([*(one.body for one in test.html), *(str(one.value) for one in told)])


def shown(test):
    """The class that the page shows."""
    return test.session_state["class_name"]


def button(test, prefix):
    return next(one for one in test.button if (one.key or "").startswith(prefix))


def answer(test, level):
    """Press the button of a level, as long after the last answer as a person would."""
    if "saved_at" in test.session_state:
        test.session_state["saved_at"] = -1.0
    button(test, f"level_{level}").click()
    test.run()
    assert not test.exception, test.exception
    return test


def levels(store, annotator="Ann"):
    frame = store.current("class", annotator=annotator)
    return dict(zip(frame["class_name"], frame["level"], strict=True))


def press(which, database):
    """Do what a button does, as somebody whose page does not offer it."""
    from pathlib import Path

    import streamlit as st

    from apps import saving
    from apps.study import Memory
    from cca_tools.labels.events import NewLabel
    from cca_tools.labels.items import Item
    from cca_tools.labels.store import LabelStore
    from cca_tools.workspace import Workspace

    memory = Memory()
    with LabelStore.open(Workspace(Path(database).parent)) as store:
        if which == "undo":
            saving.take_back(store, "Ann")
        else:
            label = NewLabel("Ann", Item("class", "Bell"), "not")
            saving.save(store, memory, label, 0, decides=which == "decide")
    told = [one.error for one in memory.pending.values()]
    st.text(" ".join([*told, str(st.session_state.get("refused", ""))]))
