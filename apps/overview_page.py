"""Table A, its chart, the level of every class, and what can be taken away."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.agreement_page import number
from apps.pages import Page, open_page, show_results
from apps.style import COLOURS, LEVEL_WORDS, chip, table
from apps.text import as_html, as_markdown
from cca_tools.errors import CcaError
from cca_tools.labels.adjudication import RULES, final_levels
from cca_tools.labels.files import csv_text
from cca_tools.labels.reporting import all_current
from cca_tools.labels.table_a import table_a
from cca_tools.reports.formats import to_csv, to_latex, to_markdown
from cca_tools.splits import make_splits

_RULES = {
    "adjudicated": "decisions, else the majority",
    "majority": "majority",
    "dawid-skene": "Dawid-Skene model",
}


def draw_overview_page() -> None:
    """Draw the page."""
    page = open_page()
    st.html('<div class="cca-head"><h1>Overview</h1></div>')
    show_results(page, "This page")
    rule = st.radio(
        "One level a class by",
        sorted(RULES, key=list(_RULES).index),
        format_func=lambda name: _RULES[name],
        horizontal=True,
        key="rule",
    )
    try:
        levels = _levels(page, rule)
        answers = all_current(page.study.store)
        history = page.study.store.history()
    except CcaError as error:
        st.error(as_markdown(str(error)))
        return
    shares = table_a(dict(zip(levels["class_name"], levels["level"], strict=True)))
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        st.subheader("Table A", anchor=False)
        st.html(table(("correlation", "classes", "share"), [_row(row) for row in _records(shares)]))
    with right:
        st.subheader("Share of classes, with 95 % intervals", anchor=False)
        st.html(_chart(shares))
    _draw_downloads(
        (*summaries(rule, levels, shares),
         ("Answers, CSV", "answers.csv", csv_text(answers), "text/csv"),
         ("History, CSV", "history.csv", csv_text(history), "text/csv"))
    )  # fmt: skip
    st.subheader("Class by class", anchor=False)
    _draw_classes(levels)


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _levels(page: Page, rule: str) -> pd.DataFrame:
    """Return a row for every class of the manifest; those that nobody labelled have no level."""
    found = final_levels(page.study.store, rule).set_index("class_name")
    levels = found.reindex(list(page.study.class_names)).rename_axis("class_name").reset_index()
    for column in ("level", "votes", "source"):
        levels[column] = levels[column].astype(object).fillna("")
    levels["disputed"] = levels["disputed"].eq(True)
    return levels


def _row(row: dict[str, object]) -> tuple[str, str, str]:
    level = str(row["level"])
    share = number(float(str(row["share"])), "{:.1%}")
    return chip(level, LEVEL_WORDS.get(level, level)), str(row["classes"]), share


def _chart(shares: pd.DataFrame) -> str:
    rows = []
    for row in shares.to_dict("records"):
        low, high = 100 * row["share_low"], 100 * row["share_high"]
        colour = COLOURS.get(row["level"], "#8a93a0")
        rows.append(
            f"<span>{as_html(LEVEL_WORDS.get(row['level'], row['level']))}</span>"
            f'<div class="cca-bar"><i style="width:{100 * row["share"]:.2f}%;background:{colour}">'
            f'</i><u style="left:{low:.2f}%;width:{high - low:.2f}%"></u></div>'
            f'<span class="cca-number">{number(row["share"], "{:.0%}")} '
            f"({number(low, '{:.0f}')}&ndash;{number(high, '{:.0f}')} %)</span>"
        )
    return f'<div class="cca-bars">{"".join(rows)}</div>'


def summaries(
    rule: str, levels: pd.DataFrame, shares: pd.DataFrame
) -> tuple[tuple[str, str, str, str], ...]:
    """Return what sums the labels up as files: label, name, text, MIME type."""
    from cca_tools.labels.stats import shown_stats  # it draws, too, and that takes a second

    told = levels[["class_name", "level", "votes", "disputed", "source"]]
    splits = make_splits(dict(zip(levels["class_name"], levels["level"], strict=True)))
    listed = {
        name: {"classes": list(one.classes), "rule": one.rule} for name, one in splits.items()
    }
    shown = shown_stats(shares.assign(dataset="")).drop(columns="Dataset")
    caption = f"Video classes by audio-visual correlation ({rule})"
    return (
        ("Levels, CSV", "levels.csv", to_csv(told), "text/csv"),
        ("Table A, Markdown", "table_a.md", to_markdown(shown), "text/markdown"),
        ("Table A, LaTeX", "table_a.tex",
         to_latex(shown, "lrrr", caption, "tab:table-a"), "application/x-tex"),
        ("Splits, JSON", "splits_preview.json",
         json.dumps(listed, indent=2, ensure_ascii=False), "application/json"),
    )  # fmt: skip


def _draw_downloads(files: Sequence[tuple[str, str, str, str]]) -> None:
    st.subheader("Take away", anchor=False)
    with st.container(horizontal=True):
        for label, name, text, mime in files:
            data = text.encode("utf-8", "backslashreplace")
            st.download_button(label, data, name, mime, on_click="ignore", key=f"take_{name}")
    st.caption("`cca-tools split` writes the splits.json that training takes, with its provenance.")


def _draw_classes(levels: pd.DataFrame) -> None:
    rows = [
        (
            as_html(row["class_name"]),
            chip(row["level"]),
            as_html(row["votes"]),
            "disputed" if row["disputed"] else "",
            as_html(row["source"]),
        )
        for row in levels.to_dict("records")
    ]
    st.html(table(("class", "level", "answers", "", "by"), rows))
