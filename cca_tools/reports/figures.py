"""What all pictures share: their style, their names and how they are written."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from cca_tools.reports.formats import visible
from cca_tools.workspace import atomic_path

SUFFIXES = (".png", ".pdf")


def figure_style() -> AbstractContextManager[None]:
    """Return the setting in which figures are made and written."""
    return mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 8,
            "axes.linewidth": 0.6,
            "pdf.fonttype": 42,  # text stays text
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


def plain(text: str) -> str:
    """Return text that Matplotlib shows as it is."""
    return visible(text).replace("$", r"\$")  # else a pair of them would begin mathematics


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and PDF, and return both paths.

    Args:
        figure: What to write.
        stem: The path without suffix.
    """
    paths = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES]
    for path in paths:
        with atomic_path(path) as temporary, figure_style():
            figure.savefig(temporary, dpi=figure.dpi, format=path.suffix[1:])
    return paths


def slug(name: str) -> str:
    """Return a file name for a class, distinct for distinct names.

    >>> slug("PlayingCello"), slug("a/b") != slug("a_b"), slug("a_b")
    ('PlayingCello', True, 'a_b')
    """
    safe = re.sub(r"[^\w.-]+", "_", name).strip(".")[:40]
    if safe and safe == name:
        return safe
    return f"{safe}-{sha256(name.encode()).hexdigest()[:8]}"
