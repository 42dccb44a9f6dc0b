"""Saving an answer, seeing that it is saved, and keeping it where that fails."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from apps.people import check_may, roles_of
from apps.study import Memory
from apps.style import LEVEL_WORDS
from apps.text import as_html, as_markdown
from cca_tools.errors import CcaError
from cca_tools.labels.events import Event, LabelConflictError, NewLabel
from cca_tools.labels.store import LabelStore

_SAVED, _SAVED_AT = "saved", "saved_at"
_TOO_SOON_S = 0.3  # nobody has looked at the next page by then: the key was held, or bounced


@dataclass(frozen=True)
class Pending:
    """An answer that is not saved.

    Args:
        label: The answer.
        error: Why it is not.
        decides: Whether it is an adjudicator's decision.
        newer: What stands in its way, None for nothing.
        is_conflict: Whether another answer stands in its way, or one was taken back.
        what: What the answer is about, in words.
        expected: The event that the page showed, or by now has shown as standing in its way.
    """

    label: NewLabel
    error: str
    decides: bool
    newer: Event | None = None
    is_conflict: bool = False
    what: str = ""
    expected: int | None = None


def is_too_soon() -> bool:
    """Return whether a key comes so soon after an answer that it cannot be meant for the next.

    A key that is held comes again and again, and each time waits anew.
    """
    now = time.monotonic()
    is_soon = now - float(st.session_state.get(_SAVED_AT, -_TOO_SOON_S)) < _TOO_SOON_S
    if is_soon:
        st.session_state[_SAVED_AT] = now
    return is_soon


def save(
    store: LabelStore,
    memory: Memory,
    label: NewLabel,
    expected: int | None,
    *,
    decides: bool = False,
    what: str = "",
) -> bool:
    """Save one answer in a transaction of its own; keep it for another try where that fails.

    Args:
        store: The labels.
        memory: Where an answer waits that could not be saved.
        label: The answer.
        expected: The event that the page showed, 0 for none; None writes over whatever stands.
        decides: Whether it is an adjudicator's decision.
        what: What the answer is about besides the class, such as the audio class.

    Returns:
        Whether it is saved.
    """
    key = (label.item, decides)
    about = f"{label.item.class_name}, {what}" if what else label.item.class_name
    add, role = (store.adjudicate, "adjudicate") if decides else (store.add, "label")
    try:
        check_may(store, label.annotator, role)
        event = add([label], expected)[0]
    except CcaError as error:
        conflict = isinstance(error, LabelConflictError)
        newer = error.newer if isinstance(error, LabelConflictError) else None
        if newer is not None and _is_said(label, newer, decides=decides):
            _told_saved(memory, key, about, newer)
            return True
        memory.pending[key] = Pending(
            label,
            str(error),
            decides,
            newer,
            conflict,
            what,
            (newer.id if newer else 0) if conflict else expected,
        )
        return False
    _told_saved(memory, key, about, event)
    return True


def _is_said(label: NewLabel, newer: Event, *, decides: bool) -> bool:
    """Return whether a newer event says the same: the key was pressed twice on a page slow to go.

    The second time the page has given its note away already, so an empty one changes nothing.
    """
    return (
        newer.kind == ("adjudication" if decides else "label")
        and (newer.annotator, newer.level) == (label.annotator, label.level)
        and label.note in ("", newer.note)
    )


def _told_saved(memory: Memory, key: object, about: str, event: Event) -> None:
    memory.pending.pop(key, None)
    st.session_state[_SAVED_AT] = time.monotonic()
    tell(f"{about}: {said(event.level, event.item.kind)}", event.id)


def tell(what: str, number: int) -> None:
    """Remember what was saved last, to be shown until the next."""
    st.session_state[_SAVED] = (what, number, datetime.now().strftime("%H:%M:%S"))


def take_back(store: LabelStore, annotator: str) -> None:
    """Take back the annotator's last answer, as what a button does."""
    undo(store, annotator)


def undo(store: LabelStore, annotator: str) -> Event | None:
    """Take back the annotator's last answer; what cannot be done is told on the page."""
    try:
        undone = store.undo(annotator, roles_of(store, annotator))
    except CcaError as error:
        st.session_state["refused"] = str(error)
        return None
    if undone is None:
        st.session_state["refused"] = "There is nothing to take back."
        return None
    tell(f"taken back: {undone.item.class_name}", undone.id)
    return undone


def said(level: str, kind: str) -> str:
    """Return a level of a class, or of an audio class or frame within it, in words.

    >>> said("weakly", "class"), said("weakly", "frame"), said("", "frame")
    ('weakly correlated', 'weakly related', 'mark taken away')
    """
    if not level:
        return "mark taken away"
    return LEVEL_WORDS[level] if kind == "class" else f"{level} related"


def saved_html() -> str:
    """Return the line that tells what was saved last."""
    told = st.session_state.get(_SAVED)
    if told is None:
        return '<div class="cca-saved">Every answer is saved when you give it.</div>'
    what, number, when = told
    return (
        f'<div class="cca-saved cca-ok" role="status" data-event="{number}">'
        f"&#10003; Saved {when} &middot; {as_html(what)}</div>"
    )


def draw_pending(store: LabelStore, memory: Memory) -> None:
    """Draw every answer that is not saved, why, and the ways out; nothing where all are."""
    refused = st.session_state.pop("refused", None)
    if refused:
        st.warning(as_markdown(refused), icon=":material/info:")
    for position, (key, pending) in enumerate(list(memory.pending.items())):
        assert isinstance(pending, Pending)
        with st.container(key=f"pending_{position}"):
            _draw(store, memory, key, pending)


def _draw(store: LabelStore, memory: Memory, key: object, pending: Pending) -> None:
    item = pending.label.item
    about = as_markdown(f"{item.class_name}, {pending.what}" if pending.what else item.class_name)
    answer = said(pending.label.level, item.kind)
    st.error(
        f"**Not saved:** {about}, your answer *{answer}* is kept here. "
        + as_markdown(pending.error),
        icon=":material/error:",
    )
    with st.container(horizontal=True):
        if pending.is_conflict:
            st.button("Save mine after it", key=f"over_{hash(key)}", on_click=_again,
                      args=(store, memory, pending))  # fmt: skip
            st.button("Keep what stands", key=f"keep_{hash(key)}",
                      on_click=_drop, args=(memory, key))  # fmt: skip
        else:
            st.button("Try again", key=f"again_{hash(key)}", on_click=_again,
                      args=(store, memory, pending), type="primary")  # fmt: skip
            st.button("Drop it", key=f"drop_{hash(key)}",
                      on_click=_drop, args=(memory, key))  # fmt: skip


def _drop(memory: Memory, key: object) -> None:
    memory.pending.pop(key, None)


def _again(store: LabelStore, memory: Memory, pending: Pending) -> None:
    save(
        store,
        memory,
        pending.label,
        pending.expected,
        decides=pending.decides,
        what=pending.what,
    )
