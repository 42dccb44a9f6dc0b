"""Figures as data addresses, in which the ink follows the reader's light or dark page."""

from __future__ import annotations

import base64
import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

from cca_tools.reports.figures import figure_style

_THEME = (
    "<style>:root{--ink:#1b1f24;--soft:#57606a;--gap:#ffffff}"
    "@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a3abb5;--gap:#15181c}}"
    "@media print{:root{--ink:#1b1f24;--soft:#57606a;--gap:#ffffff}}"
    "svg{fill:var(--ink)}</style>"
)
# greys that our figures write with -> what a page calls them
_INKS = {
    "#000000": "var(--ink)",
    "#262626": "var(--ink)",
    "#333333": "var(--soft)",
    "#404040": "var(--soft)",
    "#4c4c4c": "var(--soft)",
    "#4d4d4d": "var(--soft)",
    "#595959": "var(--soft)",
    "#ffffff": "var(--gap)",
}
_DATE = "2000-01-01T00:00:00"  # the same figure gives the same file


def svg_address(figure: Figure, name: str) -> str:
    """Return a figure as ``data:image/svg+xml``, its background transparent.

    Black and grey become the colours of the page, so that it is read on light and on dark.

    Args:
        figure: What to show.
        name: Different for different figures.
    """
    text = io.StringIO()
    with figure_style(), mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(
            text, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": _DATE}
        )
    drawing = text.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub("|".join(_INKS), lambda match: _INKS[match.group()], drawing)
    head, _, body = drawing.partition(">")
    encoded = base64.b64encode(f"{head}>{_THEME}{body}".encode()).decode("ascii")
    return f"data:image/svg+xml;base64,{encoded}"


def image_address(content: bytes, kind: str) -> str:
    """Return the bytes of a picture as ``data:image/KIND``."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
