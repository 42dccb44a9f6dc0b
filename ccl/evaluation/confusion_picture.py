"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from ccl.evaluation.pictures import new_figure, picture_style, plain

Floats = NDArray[np.float64]
_NUMBERS_UP_TO = 25  # classes whose cells have room for a number
_DENSE_FROM = 80


def draw_confusion(counts: Floats, classes: Sequence[str], title: str) -> Figure:
    """Draw how many of each class's videos (row) are taken for each class (column).

    Each row is divided by its sum. Classes that are confused stand side by side. A class without
    a video has no row to show: it stays blank.

    Args:
        counts: (C, C) from `confusion`.
        classes: (C,) names.
        title: One line.
    """
    order = similar_order(counts)
    shares = row_shares(counts)[np.ix_(order, order)]
    names = [plain(classes[i]) for i in order]
    dense = len(names) >= _DENSE_FROM
    cell, font, dpi = (0.11, 6.0, 130) if dense else (0.3, 8.0, 150)
    with picture_style():
        figure, axes, bar = _canvas(names, cell, font, dpi)
        sns.heatmap(
            shares,
            ax=axes,
            cbar_ax=bar,
            cmap=sns.color_palette("rocket_r", as_cmap=True),
            vmin=0.0,
            vmax=1.0,
            linewidths=0.0 if dense else 0.3,
            linecolor="white",
            annot=_numbers(shares) if len(names) <= _NUMBERS_UP_TO else None,
            fmt="",
            annot_kws={"fontsize": 6},
            xticklabels=False,
            yticklabels=False,
        )
        places = np.arange(len(names)) + 0.5
        axes.set_facecolor("0.92")
        axes.set_yticks(places, names, fontsize=font, rotation=0)
        axes.set_xticks(places, names, fontsize=font, rotation=90)
        axes.tick_params(length=0, labeltop=dense, labelright=False)
        axes.set_ylabel("class of the video")
        axes.set_xlabel("taken for")
        bar.set_ylabel("share of the class's videos")
        bar.tick_params(length=2, width=0.5)
        figure.text(
            0.1 / figure.get_figwidth(),
            1 - 0.1 / figure.get_figheight(),
            plain(title),
            va="top",
            fontsize=10,
            fontweight="bold",
        )
    return figure


def row_shares(counts: Floats) -> Floats:
    """Divide each row by its sum; a row without videos is NaN.

    >>> row_shares(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.75], [nan, nan]]
    """
    with np.errstate(invalid="ignore"):
        shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def similar_order(counts: Floats) -> list[int]:
    """Return an order of the classes in which those that are confused are neighbours.

    Average linkage; two classes are the nearer, the greater the shares of each that are taken
    for the other. The leaves stand in optimal order.
    """
    if len(counts) < 3:
        return list(range(len(counts)))
    shares = np.nan_to_num(row_shares(counts))
    distance = 1.0 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]


def _numbers(shares: Floats) -> NDArray[np.str_]:
    return np.array(
        [[f"{100 * x:.0f}" if np.isfinite(x) and x >= 0.005 else "" for x in row] for row in shares]
    )


def _canvas(names: list[str], cell: float, font: float, dpi: int) -> tuple[Figure, Axes, Axes]:
    """Return a figure whose axes give every cell the same size, whatever the names' length."""
    label = 0.2 + 0.0095 * font * max(map(len, names))
    above = 0.5 + (label if font < 8 else 0.0)  # a tall picture is read from both ends
    side = max(cell * len(names), 1.6)
    left, bottom = 0.3 + label, 0.3 + label
    width, height = left + side + 1.0, bottom + side + above
    figure = new_figure(max(width, 5.0), height, dpi)
    width = max(width, 5.0)
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    tall = min(side, 2.6)
    bar = figure.add_axes(
        (
            (left + side + 0.15) / width,
            (bottom + side - tall) / height,
            0.14 / width,
            tall / height,
        )
    )
    return figure, axes, bar
