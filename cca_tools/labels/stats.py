"""Table A of one dataset or several: as text, for papers, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cca_tools.labels.table_a import table_a
from cca_tools.reports import formats
from cca_tools.reports.figures import figure_style, plain, save_figure
from cca_tools.reports.tables import write_table
from cca_tools.workspace import Workspace

_COLOURS = {
    "highly": "#c8553d",
    "weakly": "#588157",
    "not": "#8d99ae",
    "unsure": "#c9b458",
    "open": "#d9d9d9",
}
_CAPTION = "Do sound and picture of the classes go together? Shares with 95 % Wilson intervals."


def stats_table(datasets: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return Table A of every dataset, one below the other.

    Args:
        datasets: The level of each class, by the name of the dataset.

    Returns:
        ``dataset`` and the columns of `table_a`.
    """
    tables = [table_a(levels).assign(dataset=name) for name, levels in datasets.items()]
    frame = pd.concat(tables, ignore_index=True)
    return frame[["dataset", *frame.columns.drop("dataset")]]


def shown_stats(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as readers see it: shares and intervals in percent, one decimal."""
    interval = [
        "" if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}"
        for low, high in zip(table["share_low"], table["share_high"], strict=True)
    ]
    return pd.DataFrame(
        {
            "Dataset": table["dataset"],
            "Correlated": table["level"],
            "Video classes": table["classes"],
            "Proportion (%)": ["" if np.isnan(x) else f"{100 * x:.1f}" for x in table["share"]],
            "95 % interval": interval,
        }
    )


def write_stats(table: pd.DataFrame, workspace: Workspace) -> list[Path]:
    """Write ``table_a`` as CSV, Markdown, LaTeX, PNG and PDF into a workspace.

    Raises:
        WorkspaceError: It cannot be written.
    """
    shown, folder = shown_stats(table), workspace.tables
    latex = formats.to_latex(shown, ["l", "l", "r", "r", "r"], _CAPTION, "tab:correspondence")
    return [
        write_table(folder / "table_a.csv", formats.to_csv(table)),
        write_table(folder / "table_a.md", formats.to_markdown(shown)),
        write_table(folder / "table_a.tex", latex),
        *save_figure(draw_stats(table), workspace.figures / "table_a"),
    ]


def draw_stats(table: pd.DataFrame) -> Figure:
    """Return a bar chart of the shares with their intervals, a panel a dataset.

    Args:
        table: See `stats_table`.
    """
    names = list(dict.fromkeys(table["dataset"]))
    rows = [int((table["dataset"] == name).sum()) for name in names]
    with figure_style():
        height = 0.5 + 0.55 * len(names) + 0.26 * sum(rows)
        figure = Figure(figsize=(5, height), dpi=200, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(
            len(names), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": rows}
        )
        for axes, name in zip(panels[:, 0], names, strict=True):
            _draw_panel(axes, table[table["dataset"] == name], name)
        panels[-1, 0].set_xlabel("share of video classes (%), with 95 % Wilson interval")
    return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, name: str) -> None:
    places = np.arange(len(table))
    share = 100 * table["share"].fillna(0).to_numpy()
    reach = 100 * table[["share_low", "share_high"]].fillna(0).to_numpy()
    axes.barh(places, share, height=0.66, color=[_COLOURS[level] for level in table["level"]])
    axes.errorbar(
        share,
        places,
        xerr=np.abs(reach.T - share),
        fmt="none",
        ecolor="0.15",
        elinewidth=0.9,
        capsize=2.5,
    )
    for place, end, count in zip(places, reach[:, 1], table["classes"], strict=True):
        axes.text(end + 1.5, float(place), str(count), va="center", color="0.25")
    axes.set_yticks(places, table["level"])
    axes.invert_yaxis()
    axes.set_xlim(0, 109)
    axes.set_xticks(range(0, 101, 20))
    axes.tick_params(axis="y", length=0)
    classes = int(table["classes"].sum())
    axes.set_title(plain(f"{name} ({classes} classes)"), loc="left", fontsize=8.5)
