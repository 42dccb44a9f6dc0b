"""How far the annotators agree."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from apps.pages import Page, open_page, show_results
from apps.style import COLOURS, SHORT_WORDS, chip, table
from apps.text import as_html, as_markdown
from cca_tools.errors import CcaError
from cca_tools.labels.agreement import Agreement, agreement
from cca_tools.reports.levels import LEVELS

_MOST_ROWS = 400


def draw_agreement_page() -> None:
    """Draw the page."""
    page = open_page()
    st.html('<div class="cca-head"><h1>Agreement</h1></div>')
    show_results(page, "This page")
    try:
        labels = page.study.store.current("class")
    except CcaError as error:
        st.error(as_markdown(str(error)))
        return
    labels = labels[labels["class_name"].isin(page.study.class_names)]
    if labels.empty:
        st.info("Nobody has labelled a class yet.")
        return
    result = _agreement(labels[["annotator", "class_name", "level", "hints"]])
    for note in result.notes:
        st.caption(as_markdown(note))
    _draw_figures(result, labels)
    left, right = st.columns([1, 1], gap="large")
    with left:
        _draw_confusion(result)
    with right:
        _draw_kappas(result)
    _draw_classes(page, result, labels)


@st.cache_data(show_spinner=False, max_entries=16)
def _agreement(labels: pd.DataFrame) -> Agreement:
    return agreement(labels)


def number(value: float, form: str = "{:.2f}") -> str:
    """Return a figure, or a dash where it is not defined.

    >>> number(float("nan")), number(0.5)
    ('–', '0.50')
    """
    return "–" if math.isnan(value) else form.format(value)


def _draw_figures(result: Agreement, labels: pd.DataFrame) -> None:
    interval = f"95 % interval {number(result.alpha_low)} to {number(result.alpha_high)}"
    both = int((result.by_class["annotators"] > 1).sum())
    first, second, third = st.columns(3)
    first.metric("Krippendorff's alpha, ordinal", number(result.alpha), border=True,
                 help="1 is full agreement, 0 is chance. By a bootstrap over classes.")  # fmt: skip
    first.caption(interval)
    second.metric("Equal answers", number(result.raw, "{:.0%}"), border=True,
                  help="Share of equal pairs among all pairs of answers to one class.")  # fmt: skip
    second.caption("raw agreement, chance not taken out")
    third.metric("Classes labelled by two or more", both, border=True)
    third.caption(f"{labels['annotator'].nunique()} annotators, {len(labels)} answers")


def _draw_confusion(result: Agreement) -> None:
    st.subheader("Who says what of the same class", anchor=False)
    largest = max(1, int(result.confusion.to_numpy().max()))
    rows = []
    for level in LEVELS:
        cells = [as_html(SHORT_WORDS[level])]
        for other in LEVELS:
            count = int(str(result.confusion.loc[level, other]))
            colour = COLOURS[level] if level == other else "#8a6d3b"
            part = round(70 * count / largest)
            style = f"background:color-mix(in srgb,{colour} {part}%,transparent)"
            cells.append(f'<div style="{style};border-radius:4px;padding:.3rem">{count}</div>')
        rows.append(cells)
    header = ("", *(SHORT_WORDS[level] for level in LEVELS))
    st.html(table(header, rows, "cca-matrix"))
    st.caption("Pairs of answers; on the diagonal both say the same.")


def _draw_kappas(result: Agreement) -> None:
    st.subheader("Pair by pair", anchor=False)
    rows = [
        (
            f"{as_html(row['annotator_a'])} &middot; {as_html(row['annotator_b'])}",
            str(row["common"]),
            number(row["kappa"]) + (f" {as_html(row['note'])}" if row["note"] else ""),
            number(row["raw"], "{:.0%}"),
        )
        for row in result.kappas.head(_MOST_ROWS).to_dict("records")
    ]
    if not rows:
        st.caption("There is one annotator only.")
        return
    st.html(table(("annotators", "classes", "quadratic kappa", "equal"), rows))


def _draw_classes(page: Page, result: Agreement, labels: pd.DataFrame) -> None:
    st.subheader("Classes, the most disagreement first", anchor=False)
    by_class: dict[str, list[str]] = {}
    for row in labels.sort_values("annotator").to_dict("records"):
        told = f"{chip(row['level'])} {as_html(row['annotator'])}"
        by_class.setdefault(row["class_name"], []).append(told)
    rows = [
        (
            as_html(row["class_name"]),
            number(row["disagreement"]),
            " &nbsp; ".join(by_class.get(row["class_name"], ())),
        )
        for row in result.by_class.head(_MOST_ROWS).to_dict("records")
    ]
    st.html(table(("class", "disagreement", "answers"), rows))
    hidden = len(result.by_class) - len(rows)
    if hidden > 0:
        st.caption(f"... and {hidden} classes more, with less disagreement.")
