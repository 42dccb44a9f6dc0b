"""What every page has: the study, who is here, where he stands, and the bar below."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from apps.people import Person, find_person, leave, uses_login
from apps.study import Memory, Place, Study, memory_of
from apps.style import progress
from apps.text import as_html, as_markdown
from cca_tools.errors import CcaError
from cca_tools.labels.session import Session
from cca_tools.labels.session import progress as done_by_all

CLASS = "class_name"
_EVERYONE_S = 10.0
_RESULTS = "results"  # the hint that stands with labels given after looking


@dataclass(frozen=True)
class Page:
    """What a page is drawn from.

    Args:
        study: The open study.
        person: Who is here.
        memory: What the server remembers of him.
        session: Where he stands.
    """

    study: Study
    person: Person
    memory: Memory
    session: Session


def open_page() -> Page:
    """Return what a page is drawn from; what is missing is told, and ends the run.

    Where the labels cannot be read, the last state that could be is shown, so that no answer on
    the screen is lost.
    """
    try:
        study = Study.open()
        person = find_person(study.store)
    except CcaError as error:
        return _kept_page(error)
    if person is None:
        from apps.people import ask_who

        ask_who(study.store)
        st.stop()
    memory = memory_of(study.place, person.name)
    try:
        session = Session.read(study.store, study.class_names, person.name)
    except CcaError as error:
        return _kept_page(error)
    page = Page(study, person, memory, session)
    st.session_state["page"] = page
    return page


def _kept_page(error: CcaError) -> Page:
    """Return the last page that could be drawn; where there was none, tell why and end the run."""
    kept = st.session_state.get("page")
    if not isinstance(kept, Page):
        st.error(as_markdown(str(error)), icon=":material/error:")
        st.button("Try again")
        st.stop()
    return _fallen_back(kept, error)


def _fallen_back(kept: Page, error: CcaError) -> Page:
    st.error(as_markdown(f"The labels cannot be read: {error}"), icon=":material/error:")
    return kept


def class_here(page: Page) -> str:
    """Return the class that is shown: the one chosen, else the first open one."""
    name = st.session_state.get(CLASS)
    if name not in page.session.order:
        name = page.session.next_open()
        st.session_state[CLASS] = name
    return str(name)


def go_to(class_name: str) -> None:
    """Show another class."""
    st.session_state[CLASS] = class_name


def draw_person(page: Page) -> None:
    """Draw who is here and how far everyone is."""
    session = page.session
    total = len(session.order)
    own = progress([("labelled", session.num_labelled)], total)
    left, right = st.columns([5, 1.4], vertical_alignment="center")
    left.html(
        f'<div class="cca-person"><b>{as_html(page.person.name)}</b>'
        f"<span>{session.num_labelled} of {total} classes labelled</span>{own}</div>"
    )
    with right.popover("Everyone", width="stretch"):
        rows = [
            f'<div class="cca-person"><span style="min-width:7rem">{as_html(name)}</span>'
            f"{progress([('labelled', number)], total)}<span>{number}</span></div>"
            for name, number in _everyone(page.study.place, page).items()
        ]
        decided = sum(1 for name in session.order if session.adjudicated.get(name))
        st.html("".join(rows) or "Nobody has labelled yet.")
        st.caption(f"{decided} of {total} classes are adjudicated.")
        st.button("Log out" if uses_login() else "Somebody else", on_click=leave, key="leave")


@st.cache_data(ttl=_EVERYONE_S, show_spinner=False)
def _everyone(place: Place, _page: Page) -> dict[str, int]:
    """Return how far everyone is; read now and then, because it takes everyone's labels."""
    try:
        return done_by_all(_page.study.store, _page.session.order)
    except CcaError:
        return {}


def show_results(page: Page, what: str) -> None:
    """Ask before others' answers are shown to somebody who still has classes open; record it."""
    store, name = page.study.store, page.person.name
    left = len(page.session.order) - page.session.num_labelled
    try:
        if _RESULTS in store.seen(name):
            return
        if left and page.person.may_label:
            st.info(
                f"{what} shows the answers of others, and you have {left} classes open. "
                "If you look, every label that you give from now on says so."
            )
            if not st.button("Show it", type="primary", key="show_results"):
                st.stop()
        store.look(name, (_RESULTS,))
    except CcaError as error:
        st.error(as_markdown(f"Not shown, because looking cannot be recorded: {error}"))
        st.stop()
    if left and page.person.may_label:
        st.rerun()
