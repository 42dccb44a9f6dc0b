"""Pictures of associations: a heat map of all classes, and a bar chart of one."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cca_tools.associations.table import shown_class
from cca_tools.errors import DataError
from cca_tools.reports.figures import figure_style, plain
from cca_tools.reports.heatmap import choose_columns, cluster_order, matrix
from cca_tools.reports.tables import SHOWN


@dataclass(frozen=True)
class _Look:
    title: str
    bar: str
    noun: str
    palette: str
    centre: float | None


@dataclass(frozen=True)
class _Grid:
    most_columns: int
    cell: float  # inches
    gap: float  # points
    font_size: float
    names_on_top: bool  # besides below: a tall picture is read from both ends
    rasterized: bool  # a PDF of 46,000 rectangles takes as long as all the counting
    dpi: int


_SPARSE = _Grid(60, 0.22, 0.3, 8, False, False, 200)
_DENSE = _Grid(100, 0.125, 0.0, 6.5, True, True, 130)
_DENSE_FROM = 80  # video classes

_LOOKS = {
    "share": _Look(
        "Part of each class's videos with the audio class in their top tags",
        "share of videos",
        "share",
        "rocket_r",
        None,
    ),
    "log_odds_z": _Look(
        "How much more often than in the other classes", "log-odds, z", "log-odds", "vlag", 0.0
    ),
}


def draw_heat_map(pairs: pd.DataFrame, measure: str) -> Figure:
    """Draw video classes by audio classes, both in clustered order.

    At most 60 audio classes are shown (100 from 80 video classes on): see `choose_columns`. A
    pair that never occurs has share 0, and no log-odds: it stays blank.
    log-odds: it stays blank.

    Args:
        pairs: A table of associations.
        measure: ``share`` or ``log_odds_z``.

    Raises:
        DataError: The table is empty.
    """
    if pairs.empty:
        raise DataError("there are no associations to draw", "Run `cca-tools associate` first")
    look = _LOOKS[measure]
    grid = _SPARSE if pairs["class_name"].nunique() < _DENSE_FROM else _DENSE
    columns = choose_columns(pairs, measure, grid.most_columns)
    values = matrix(pairs, measure, columns)
    values = values.iloc[cluster_order(values.fillna(0.0))]
    with figure_style():
        figure, axes, bar = _canvas(values, grid)
        low, high = _limits(values, look)
        sns.heatmap(
            values.fillna(0.0) if measure == "share" else values,
            ax=axes,
            cbar_ax=bar,
            cmap=sns.color_palette(look.palette, as_cmap=True),
            vmin=low,
            vmax=high,
            center=look.centre,
            linewidths=grid.gap,
            rasterized=grid.rasterized,
            linecolor="white",
            xticklabels=False,  # set below: seaborn would draw everything to look for overlaps
            yticklabels=False,
        )
        _label_heat_map(axes, values, grid)
        _title_heat_map(axes, bar, look, (len(columns), pairs["mid"].nunique()))
    return figure


def _limits(values: pd.DataFrame, look: _Look) -> tuple[float, float]:
    if look.centre is None:
        return 0.0, 1.0
    known = np.abs(values.to_numpy()[np.isfinite(values.to_numpy())])
    reach = float(np.quantile(known, 0.98)) if len(known) else 1.0
    return -reach, reach


def _canvas(values: pd.DataFrame, grid: _Grid) -> tuple[Figure, Axes, Axes]:
    """Return a figure with axes that give every cell the same size, in inches."""
    longest_row = max(len(shown_class(str(name))) for name in values.index)
    longest_column = max(len(str(name)) for name in values.columns)
    names = 0.2 + 0.0085 * grid.font_size * longest_column
    left, bottom = 0.3 + 0.0095 * grid.font_size * longest_row, 0.2 + names
    top = 0.75 + (names if grid.names_on_top else 0.0)
    width, height = max(grid.cell * len(values.columns), 2.6), grid.cell * len(values)
    full_width, full_height = left + width + 0.95, bottom + height + top
    figure = Figure(figsize=(full_width, full_height), dpi=grid.dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (left / full_width, bottom / full_height, width / full_width, height / full_height)
    )
    tall = min(height, 2.6)
    bar = figure.add_axes(
        (
            (left + width + 0.2) / full_width,
            (bottom + height - tall) / full_height,
            0.14 / full_width,
            tall / full_height,
        )
    )
    return figure, axes, bar


def _label_heat_map(axes: Axes, values: pd.DataFrame, grid: _Grid) -> None:
    axes.set_xlabel("")
    axes.set_ylabel("")
    axes.set_yticks(
        np.arange(len(values)) + 0.5,
        [plain(shown_class(str(name))) for name in values.index],
        fontsize=grid.font_size,
    )
    axes.set_xticks(
        np.arange(len(values.columns)) + 0.5,
        [plain(str(name)) for name in values.columns],
        rotation=90,
        fontsize=grid.font_size,
    )
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labeltop=grid.names_on_top)


def _title_heat_map(axes: Axes, bar: Axes, look: _Look, columns: tuple[int, int]) -> None:
    shown, total = columns
    chosen = (
        f"{shown} of {total} audio classes: those with the highest {look.noun} of each video class"
        if shown < total
        else f"all {total} audio classes that occur"
    )
    for text, below_top, weight, size in (
        (look.title, 0.25, "bold", 10),
        (chosen, 0.42, "normal", 8),
    ):
        axes.annotate(
            text,
            (0, 1),
            (0, -72 * below_top),
            xycoords=("axes fraction", "figure fraction"),
            textcoords="offset points",
            fontsize=size,
            fontweight=weight,
            color="black" if weight == "bold" else "0.35",
        )
    bar.set_ylabel(look.bar)
    bar.tick_params(length=2, width=0.5)


def draw_class(pairs: pd.DataFrame, class_name: str) -> Figure:
    """Draw the shares of one class's ten audio classes, with intervals and the dataset's shares.

    Raises:
        DataError: The table has no such class.
    """
    top = pairs[(pairs["class_name"] == class_name) & (pairs["rank"] <= SHOWN)]
    if top.empty:
        raise DataError(
            f"there are no associations of the class {class_name!r}", "Give a class that has some"
        )
    top = top.sort_values("rank", ascending=False)
    places = np.arange(len(top))
    with figure_style():
        figure = Figure(figsize=(6.4, 0.9 + 0.27 * len(top)), layout="constrained", dpi=200)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.barh(places, top["share"], height=0.68, color="#4c78a8")
        low = (top["share"] - top["share_low"]).clip(lower=0)
        high = (top["share_high"] - top["share"]).clip(lower=0)
        axes.errorbar(
            top["share"],
            places,
            xerr=[low, high],
            fmt="none",
            ecolor="0.15",
            elinewidth=0.9,
            capsize=2,
        )
        axes.scatter(
            top["base_share"], places, marker="|", s=90, color="#e45756", linewidths=1.6, zorder=3
        )
        axes.set_yticks(places, [plain(str(tag)) for tag in top["tag"]])
        _finish_class(axes, top, class_name)
    return figure


def _finish_class(axes: Axes, top: pd.DataFrame, class_name: str) -> None:
    support = int(top["support"].iloc[0])
    for place, (lift, q_value) in enumerate(zip(top["lift"], top["q_value"], strict=True)):
        surprise = "" if np.isnan(q_value) else f"q {_q_text(q_value)}"
        for text, offset in ((f"lift {lift:.3g}", 4), (surprise, 46)):
            axes.annotate(
                text,
                (1.0, place),
                (offset, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                color="0.3",
                fontsize=7,
            )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(
        plain(f"{shown_class(class_name)} ({support} video{'' if support == 1 else 's'})"),
        loc="left",
        fontweight="bold",
    )
    axes.set_xlabel("share of the class's videos", loc="left")
    handles = [Line2D([], [], color="#e45756", marker="|", linestyle="none", markersize=8)]
    labels = ["all videos"]
    if top["share_low"].notna().any():
        handles.append(Line2D([], [], color="0.15", linewidth=0.9))
        labels.append("95 % interval")
    figure = axes.get_figure(root=True)
    if figure is not None:
        figure.legend(
            handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=7
        )


def _q_text(q_value: float) -> str:
    return "< 0.001" if q_value < 0.001 else f"{q_value:.2g}"
