"""Pictures of suggestions: probabilities by class, and agreement with labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cca_tools.associations.table import shown_class
from cca_tools.reference.ucf51 import LEVELS
from cca_tools.reports.figures import figure_style, plain
from cca_tools.suggestions.evaluate import Agreement

COLOURS = {"highly": "#2a7f62", "weakly": "#e0b040", "not": "#b9bec6"}
_DENSE_FROM = 120  # classes


def draw_probabilities(frame: pd.DataFrame, known: Mapping[str, str] | None = None) -> Figure:
    """Draw a bar a class, parted by the probability of each level, the surest *highly* on top.

    Args:
        frame: ``class_name`` and the three probabilities.
        known: Levels by class name; each is set as a dot beside its bar.
    """
    dense = len(frame) >= _DENSE_FROM
    height = 0.9 + (0.1 if dense else 0.16) * len(frame)
    with figure_style():
        figure = Figure(figsize=(6.4, height), layout="constrained", dpi=150)
        FigureCanvasAgg(figure)
        draw_bars(figure.add_subplot(), frame, known, font_size=5 if dense else 7)
    return figure


def draw_bars(
    axes: Axes, frame: pd.DataFrame, known: Mapping[str, str] | None = None, font_size: float = 7
) -> None:
    """Draw the bars of `draw_probabilities` into axes."""
    score = frame["p_highly"] - frame["p_not"]
    rows = frame.iloc[np.argsort(score.to_numpy(), kind="stable")]
    places = np.arange(len(rows))
    left = np.zeros(len(rows))
    for level in LEVELS:
        width = rows[f"p_{level}"].to_numpy()
        axes.barh(places, width, left=left, height=0.8, color=COLOURS[level], label=level)
        left = left + width
    for level in LEVELS if known else ():
        mine = [
            at for at, name in enumerate(rows["class_name"]) if (known or {}).get(name) == level
        ]
        axes.scatter(
            np.full(len(mine), 1.02), mine, s=14, color=COLOURS[level], edgecolors="0.3",
            linewidths=0.4, clip_on=False,
        )  # fmt: skip
    names = [plain(shown_class(str(name))) for name in rows["class_name"]]
    axes.set_yticks(places, names, fontsize=font_size)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("probability of each level" + ("; dot: the label" if known else ""), loc="left")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)


def draw_agreement(found: Agreement) -> Figure:
    """Draw the confusion matrix of labels and suggestions, with accuracy and kappa above it."""
    with figure_style():
        figure = Figure(figsize=(3.4, 3.3), layout="constrained", dpi=150)
        FigureCanvasAgg(figure)
        draw_confusion(figure.add_subplot(), found)
    return figure


def draw_confusion(axes: Axes, found: Agreement) -> None:
    """Draw the matrix of `draw_agreement` into axes."""
    counts = found.confusion.to_numpy()
    axes.imshow(counts, cmap="Greens", vmin=0, vmax=max(int(counts.max()), 1) * 1.4)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, str(count), ha="center", va="center", fontsize=11)
    axes.set_xticks(range(3), list(LEVELS))
    axes.set_yticks(range(3), list(LEVELS))
    axes.tick_params(length=0)
    axes.set_xlabel("suggested")
    axes.set_ylabel("labelled")
    axes.spines[:].set_visible(False)
    low, high = found.accuracy_interval
    k_low, k_high = found.kappa_interval
    axes.set_title(
        f"{found.classes} classes\naccuracy {found.accuracy:.2f} [{low:.2f}, {high:.2f}]\n"
        f"quadratic kappa {found.kappa:.2f} [{k_low:.2f}, {k_high:.2f}]",
        loc="left",
        fontsize=8,
    )
