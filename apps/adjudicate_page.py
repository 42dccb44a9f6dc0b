"""The disputed classes, with everyone's answer and note; an adjudicator decides."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from apps.pages import Page, open_page, show_results
from apps.saving import draw_pending, is_too_soon, save, saved_html, take_back
from apps.style import SHORT_WORDS, chip, progress, table
from apps.text import as_html, as_markdown
from apps.videos import draw_videos
from cca_tools.errors import CcaError
from cca_tools.labels.adjudication import final_levels
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.reports.levels import LEVELS

_CHOSEN = "disputed_class"
_OPEN, _DECIDED = "\N{WHITE CIRCLE}", "\N{FISHEYE}"
_KEYS = {"highly": "h", "weakly": "w", "not": "n", "unsure": "u"}


def draw_adjudicate_page() -> None:
    """Draw the page."""
    page = open_page()
    st.html('<div class="cca-head"><h1>Adjudicate</h1></div>')
    draw_pending(page.study.store, page.memory)
    show_results(page, "This page")
    try:
        labels = page.study.store.current("class")
        decided = page.study.store.adjudicated("class").set_index("class_name")
    except CcaError as error:
        st.error(as_markdown(str(error)))
        return
    labels = labels[labels["class_name"].isin(page.study.class_names) & (labels["level"] != "")]
    every = st.toggle("Show all labelled classes, not only the disputed", key="every_class")
    names = _names(labels, decided, every)
    if not names:
        st.success("No class is disputed." if len(labels) else "Nobody has labelled a class yet.")
        return
    name = _choose(names, decided)
    with st.container(key="evidence"):
        left, right = st.columns([1, 1.6], gap="large")
    with left:
        _draw_answers(name, labels, decided)
    with right:
        draw_videos(page.study.maker, page.study.samples(name), page.study.samples(name))
    _draw_bar(page, name, names, decided)


def _names(labels: pd.DataFrame, decided: pd.DataFrame, every: bool) -> list[str]:
    """Return the classes to decide on: those still open first."""
    levels = final_levels(labels, "majority")
    wanted = levels if every else levels[levels["disputed"]]
    names = sorted(str(name) for name in wanted["class_name"])
    return sorted(names, key=lambda name: name in decided.index)


def _choose(names: list[str], decided: pd.DataFrame) -> str:
    name = st.session_state.get(_CHOSEN)
    if name not in names:
        name = names[0]
    done = sum(1 for one in names if one in decided.index)
    left, right = st.columns([3, 1.4], vertical_alignment="bottom")
    left.html(
        f'<div class="cca-head"><h1>{as_html(name)}</h1><span class="cca-where">{done} of '
        f"{len(names)} decided</span></div>{progress([('adjudicated', done)], len(names))}"
    )
    chosen = right.selectbox(
        "Go to a class",
        names,
        index=names.index(name),
        format_func=lambda one: f"{_DECIDED if one in decided.index else _OPEN} {one}",
        key=f"disputed_{name}_{done}",
        label_visibility="collapsed",
    )
    if chosen != name:
        st.session_state[_CHOSEN] = chosen
        st.rerun()
    return str(name)


def _draw_answers(name: str, labels: pd.DataFrame, decided: pd.DataFrame) -> None:
    rows = [
        (
            as_html(row["annotator"]),
            chip(row["level"]),
            f'<span class="cca-note">{as_html(row["note"])}</span>',
            as_html(", ".join(row["hints"]) or "blind"),
        )
        for row in labels[labels["class_name"] == name].to_dict("records")
    ]
    st.html(table(("annotator", "answer", "note", "shown"), rows))
    if name in decided.index:
        row = decided.loc[name]
        note = f": {as_html(row['note'])}" if row["note"] else ""
        st.html(f"Decided: {chip(str(row['level']))} by {as_html(row['annotator'])}{note}")


def _draw_bar(page: Page, name: str, names: list[str], decided: pd.DataFrame) -> None:
    if not page.person.may_adjudicate:
        st.info("You are not listed as one who may adjudicate.")
        return
    note = st.text_input("Why", key=f"why_{name}", placeholder="Why, if you like.", max_chars=2000)
    event = int(str(decided.loc[name, "event_id"])) if name in decided.index else 0
    with st.bottom:
        st.html(saved_html())
        columns = st.columns([2, 2, 2, 2, 1.2], gap="small")
        standing = str(decided.loc[name, "level"]) if name in decided.index else ""
        for column, level in zip(columns, LEVELS, strict=False):
            column.button(
                SHORT_WORDS[level],
                key=f"level_{level}_{'on' if level == standing else 'off'}_decide",
                shortcut=_KEYS[level],
                on_click=_decide,
                args=(page, name, names, (level, note, event)),
                width="stretch",
            )
        columns[-1].button("Undo", key="undo_decision", shortcut="z", on_click=take_back,
                           args=(page.study.store, page.person.name), width="stretch")  # fmt: skip


def _decide(page: Page, name: str, names: list[str], said: tuple[str, str, int]) -> None:
    if is_too_soon():
        return
    level, note, event = said
    label = NewLabel(page.person.name, Item("class", name), level, note=note, hints=("others",))
    if save(page.study.store, page.memory, label, event, decides=True):
        behind = names[names.index(name) + 1 :]
        st.session_state[_CHOSEN] = behind[0] if behind else name
