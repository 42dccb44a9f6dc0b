"""Pictures of an evaluation: how they look, and how they are written."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cca_tools.workspace import atomic_path


def picture_style() -> AbstractContextManager[None]:
    """Return the setting in which pictures are drawn and written."""
    return mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 8, "axes.linewidth": 0.6})


def new_figure(width: float, height: float, dpi: int) -> Figure:
    """Return an empty figure, in inches, that needs no display."""
    figure = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def save_picture(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, atomically, and return its path."""
    with atomic_path(path) as temporary, picture_style():
        figure.savefig(temporary, dpi=figure.dpi, format="png")
    return path


def plain(text: str) -> str:
    """Return text that Matplotlib shows as it is."""
    return text.replace("$", r"\$")  # else a pair of them would begin mathematics
