"""The page on which one class is labelled."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from apps.pages import Page, class_here, draw_person, go_to, open_page
from apps.saving import draw_pending, is_too_soon, save, saved_html, undo
from apps.style import SHORT_WORDS, chip, sound_row
from apps.text import as_html, as_markdown
from apps.videos import describe_counts, draw_videos
from cca_tools.errors import CcaError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.session import NOTHING, OPEN, Answer, marks
from cca_tools.reports.levels import LEVELS

_MEANINGS = {
    "highly": "What one hears is made by what one sees, in most videos.",
    "weakly": "What one hears often goes with the class, but tells little of it.",
    "not": "What one hears has nothing to do with what one sees.",
    "unsure": "You cannot tell; it counts as an answer without a place in the order.",
}
KEYS = {"highly": "h", "weakly": "w", "not": "n", "unsure": "u"}
_MARKS = ("", "highly", "weakly")  # in the order in which a key goes through them
_HINTS = ("others", "suggestion")
_SIGNS = {
    "open": "\N{WHITE CIRCLE}",
    "labelled": "\N{BLACK CIRCLE}",
    "adjudicated": "\N{FISHEYE}",
}
_NARROW, _WIDE = 1.0, 1.85


def draw_label_page() -> None:
    """Draw the page."""
    page = open_page()
    name = class_here(page)
    draw_person(page)
    if not page.person.may_label:
        st.warning("You are not listed as one who may label, so nothing you do here is saved.")
    draw_pending(page.study.store, page.memory)
    _draw_head(page, name)
    if page.session.num_labelled == len(page.session.order):
        st.success("All classes are labelled. Thank you! Answers can still be changed.")
    with st.container(key="evidence"):
        left, right = st.columns([_NARROW, _WIDE], gap="medium")
    with left:
        _draw_sounds(page, name)
        _draw_note(page, name)
        _draw_hints(page, name)
    with right:
        samples = page.study.samples(name)
        following = page.study.samples(page.session.next_open(name))
        draw_videos(page.study.maker, samples, following)
    _draw_bar(page, name)


def _draw_head(page: Page, name: str) -> None:
    session = page.session
    left, right = st.columns([3, 1.4], vertical_alignment="bottom")
    samples = page.study.samples(name)
    state, level = session.state(name), session.answer(name).level
    shown = chip(level) if level else chip(state, state)
    left.html(
        f'<div class="cca-head"><h1>{as_html(name)}</h1>{shown}'
        f'<span class="cca-where">class {session.position(name) + 1} of {len(session.order)}'
        f"{'' if state in (OPEN, 'labelled') else ' &middot; adjudicated'}</span></div>"
        f'<div class="cca-facts">{as_html(describe_counts(samples))}</div>'
    )
    chosen = right.selectbox(
        "Go to a class",
        session.order,
        index=session.position(name),
        format_func=partial(_listed, page),
        key=f"go_{name}_{session.num_labelled}",
        label_visibility="collapsed",
    )
    if chosen != name:
        go_to(str(chosen))
        st.rerun()


def _listed(page: Page, name: str) -> str:
    return f"{_SIGNS[page.session.state(name)]} {name}"


def _draw_sounds(page: Page, name: str) -> None:
    """Draw the ten audio classes, each with the button that marks it."""
    st.html('<p class="cca-title">What it sounds like</p>')
    try:
        pairs = page.study.sounds(name)
    except CcaError as error:
        st.caption(as_markdown(str(error)))
        return
    if pairs.empty:
        st.caption("No audio classes are known: run `cca-tools associate`.")
        return
    standing = _standing_marks(page, name)
    reach = float(pairs["log_odds_z"].abs().max())
    columns = [5.4, 1.3]
    legend, what = st.columns(columns, vertical_alignment="center")
    legend.html(
        '<div class="cca-legend"><span></span><span>share of videos</span>'
        "<span>log-odds (z)</span></div>"
    )
    what.html('<div class="cca-legend">related?</div>')
    with st.container(key="sounds"):
        for position, pair in enumerate(pairs.to_dict("records")):
            row, button = st.columns(columns, vertical_alignment="center", gap="small")
            row.html(sound_row(pair["tag"], pair["share"], pair["log_odds_z"], reach))
            answer = standing.get(str(pair["mid"]), NOTHING)
            button.button(
                answer.level or "mark",
                key=f"mark_{answer.level or 'none'}_{position}",
                shortcut=str((position + 1) % 10),
                on_click=_mark,
                args=(page, name, (str(pair["mid"]), str(pair["tag"])), answer),
                width="stretch",
                disabled=not page.person.may_label,
            )


def _standing_marks(page: Page, name: str) -> dict[str, Answer]:
    """Return the marks; where the labels cannot be read, none (the page says that already)."""
    try:
        return marks(page.study.store, "audio_class", page.person.name, name)
    except CcaError:
        return {}


def _mark(page: Page, name: str, sound: tuple[str, str], answer: Answer) -> None:
    mid, tag = sound
    level = _MARKS[(_MARKS.index(answer.level) + 1) % 3] if answer.level in _MARKS else ""
    label = NewLabel(page.person.name, Item("audio_class", name, mid), level)
    save(page.study.store, page.memory, label, answer.event_id, what=tag)


def _draw_note(page: Page, name: str) -> None:
    answer = page.session.answer(name)
    kept = page.memory.notes.get(name, answer.note)
    key = f"note_{name}"
    st.text_area(
        "Note",
        value=kept,
        key=key,
        height=80,
        max_chars=2000,
        placeholder="A note, if you like. Kept with your answer.",
        label_visibility="collapsed",
        on_change=_note,
        args=(page, name, key),
        disabled=not page.person.may_label,
    )
    if name in page.memory.notes and not answer.level:
        st.caption("The note is saved with your answer.")


def _note(page: Page, name: str, key: str) -> None:
    """Keep the note; where the class is labelled already, save it at once."""
    page.memory.notes[name] = str(st.session_state.get(key, ""))
    answer = page.session.answer(name)
    if answer.level and page.memory.notes[name] != answer.note:
        _save_level(page, name, answer.level)


def _draw_hints(page: Page, name: str) -> None:
    """Draw the switch that ends blindness; what is shown is recorded with every label after it."""
    if not st.toggle(
        "Show others' answers and the suggestion",
        key="hints",
        help="Recorded with every label that you give after looking.",
    ):
        return
    try:
        page.study.store.look(page.person.name, _HINTS, name)
    except CcaError as error:
        st.error(as_markdown(f"Not shown, because looking cannot be recorded: {error}"))
        return
    others = _others(page, name)
    rows = [
        f"<div>{chip(level)} {as_html(who)} <span class='cca-note'>{as_html(note)}</span></div>"
        for who, level, note in others
    ]
    st.html("".join(rows) or "<div>Nobody else has labelled this class yet.</div>")
    try:
        suggestion = page.study.suggestion(name)
    except CcaError as error:
        st.caption(as_markdown(str(error)))
        return
    if suggestion is None:
        st.caption("There is no suggestion: run `cca-tools suggest`.")
        return
    reasons = suggestion.get("reasons")
    listed = "".join(f"<li>{as_html(reason)}</li>" for reason in _texts(reasons))
    st.html(f"<div>{chip(str(suggestion['level']))} suggested<ul>{listed}</ul></div>")


def _texts(reasons: object) -> list[str]:
    return [str(reason) for reason in reasons] if isinstance(reasons, list | tuple) else []


def _others(page: Page, name: str) -> list[tuple[str, str, str]]:
    try:
        labels: pd.DataFrame = page.study.store.current("class", class_name=name)
    except CcaError:
        return []
    others = labels[(labels["annotator"] != page.person.name) & (labels["level"] != "")]
    columns = [others[column].astype(str) for column in ("annotator", "level", "note")]
    return list(zip(*columns, strict=True))


def _draw_bar(page: Page, name: str) -> None:
    """Draw the row of answers, at the foot of the window."""
    with st.bottom:
        st.html(saved_html())
        buttons = st.columns([1, 2, 2, 2, 2, 1.5, 1], gap="small")
        place = page.session.position(name)
        buttons[0].button("", icon=":material/chevron_left:", key="previous", shortcut="Left",
                          on_click=_step, args=(page, name, -1), width="stretch",
                          help="the class before")  # fmt: skip
        waiting = page.memory.pending.get((Item("class", name), False))
        chosen = getattr(getattr(waiting, "label", None), "level", page.session.answer(name).level)
        for column, level in zip(buttons[1:5], LEVELS, strict=True):
            column.button(
                SHORT_WORDS[level],
                key=f"level_{level}_{'on' if level == chosen else 'off'}_{place}",
                shortcut=KEYS[level],
                on_click=_answer,
                args=(page, name, level),
                width="stretch",
                help=_MEANINGS[level],
                disabled=not page.person.may_label,
            )
        buttons[5].button("Undo", key="undo", shortcut="z", on_click=_undo, args=(page,),
                          width="stretch", disabled=not page.person.may_label)  # fmt: skip
        buttons[6].button("", icon=":material/chevron_right:", key="next", shortcut="Right",
                          on_click=_step, args=(page, name, 1), width="stretch",
                          help="the class behind")  # fmt: skip


def _step(page: Page, name: str, by: int) -> None:
    go_to(page.session.step(name, by))


def _answer(page: Page, name: str, level: str) -> None:
    """Save the level; the next open class is shown only when that is done."""
    if is_too_soon():
        return
    if _save_level(page, name, level):
        go_to(page.session.next_open(name))


def _save_level(page: Page, name: str, level: str) -> bool:
    before = page.session.answer(name)
    label = NewLabel(
        page.person.name,
        Item("class", name),
        level,
        note=page.memory.notes.get(name, before.note),
        hints=before.hints,
        position=page.session.position(name),
    )
    if not save(page.study.store, page.memory, label, before.event_id):
        return False
    page.memory.notes.pop(name, None)
    return True


def _undo(page: Page) -> None:
    undone = undo(page.study.store, page.person.name)
    if undone is not None and undone.item.class_name in page.session.order:
        go_to(undone.item.class_name)
