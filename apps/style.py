"""The look: colours of the levels, the style sheet, and small pictures made of HTML."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image, ImageDraw

from apps.text import as_attribute, as_html

LEVEL_WORDS = {
    "highly": "highly correlated",
    "weakly": "weakly correlated",
    "not": "not correlated",
    "unsure": "unsure",
}
SHORT_WORDS = {"highly": "Highly", "weakly": "Weakly", "not": "Not", "unsure": "Unsure"}
# red and green for highly and weakly, as in Tables D to F
COLOURS = {"highly": "#c8414b", "weakly": "#2f8f5b", "not": "#66758a", "unsure": "#a8842c"}
_SHEET = Path(__file__).with_name("style.css")
# what a held key repeats never reaches a button; in a field it is text
_HELD_KEYS = """<script>
if (!window.ccaHeldKeys) {
  window.ccaHeldKeys = true;
  window.addEventListener("keydown", event => {
    if (event.repeat && !event.target.closest("input, textarea")) event.stopImmediatePropagation();
  }, true);
}
</script>"""


@cache
def icon() -> Image.Image:
    """Return the sign of the app in the browser's tab: bars of sound; Streamlit's are fetched."""
    sign = Image.new("RGBA", (64, 64))
    brush = ImageDraw.Draw(sign)
    for position, height in enumerate((22, 46, 60, 34, 16)):
        left = 4 + 12 * position
        colour = list(COLOURS.values())[position % 3]
        box = (left, 32 - height // 2, left + 8, 32 + height // 2)
        brush.rounded_rectangle(box, 4, fill=colour)
    return sign


def draw_style() -> None:
    """Put on the page the style sheet, and what keeps a held key from answering twice."""
    colours = "".join(f"--cca-{level}:{colour};" for level, colour in COLOURS.items())
    st.html(f"<style>:root{{{colours}}}\n{_SHEET.read_text(encoding='utf-8')}</style>")
    with st.container(key="script"):
        st.html(_HELD_KEYS, unsafe_allow_javascript=True)


def chip(level: str, text: str | None = None) -> str:
    """Return a small label in the colour of the level or state; of others it has none."""
    shown = SHORT_WORDS.get(level, level or "open") if text is None else text
    kind = level if level.isidentifier() else "open"
    return f'<span class="cca-chip cca-is-{kind}">{as_html(shown)}</span>'


def progress(parts: Sequence[tuple[str, int]], total: int) -> str:
    """Return a thin bar of coloured parts.

    Args:
        parts: (level or state, number).
        total: What the whole bar stands for.
    """
    spans = "".join(
        f'<span class="cca-is-{name}" style="width:{100 * number / max(1, total):.2f}%"></span>'
        for name, number in parts
    )
    return f'<div class="cca-progress">{spans}</div>'


def sound_row(tag: str, share: float, log_odds: float, reach: float) -> str:
    """Return one audio class as a row of a chart: name, share and distinctiveness.

    Args:
        tag: Its name.
        share: Of the class's videos, 0 to 1.
        log_odds: How much more often than elsewhere, z.
        reach: The largest |z| of the chart.

    >>> "nan" in sound_row("Bell", float("nan"), float("nan"), 1.0)
    False
    """
    told = "–" if math.isnan(share) else f"{share:.0%}"
    odds = "–" if math.isnan(log_odds) else f"{log_odds:+.1f}"
    share, log_odds = (0.0 if math.isnan(value) else value for value in (share, log_odds))
    width = 50 * min(1.0, abs(log_odds) / max(reach, 1e-9))
    side = f"left:50%;width:{width:.1f}%" if log_odds >= 0 else f"right:50%;width:{width:.1f}%"
    kind = "more" if log_odds >= 0 else "less"
    return (
        f'<div class="cca-sound"><span class="cca-name" title="{as_attribute(tag)}">'
        f'{as_html(tag)}</span><span class="cca-share"><i style="width:{100 * share:.1f}%"></i>'
        f'<b>{told}</b></span><span class="cca-odds" title="log-odds z = {odds}">'
        f'<i class="cca-{kind}" style="{side}"></i></span><em>{odds}</em></div>'
    )


def sound_picture(spectrogram: Path, timeline: dict[str, Any]) -> str:
    """Return the spectrogram and, below it, the strongest audio classes over time."""
    encoded = base64.b64encode(spectrogram.read_bytes()).decode("ascii")
    rows = "".join(_timeline_row(row) for row in timeline["rows"])
    return (
        f'<div class="cca-heard"><img alt="spectrogram, up to the highest sound above" '
        f'src="data:image/png;base64,{encoded}">{rows}'
        f'<div class="cca-axis"><span>0 s</span><span>{timeline["seconds"]:.1f} s</span></div>'
        "</div>"
    )


def _timeline_row(row: dict[str, Any]) -> str:
    cells = "".join(f'<i style="opacity:{score:.2f}"></i>' for score in row["scores"])
    top = max(row["scores"], default=0.0)
    title = f"{as_attribute(row['name'])}: up to {top:.2f}"
    return (
        f'<div class="cca-time"><span title="{title}">{as_html(row["name"])}</span>'
        f'<div class="cca-cells">{cells}</div></div>'
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Return a table.

    Args:
        header: Plain text.
        rows: HTML, one cell a column.
        kind: A class of the style sheet.
    """
    head = "".join(f"<th>{as_html(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="cca-scroll"><table class="cca-table {kind}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
