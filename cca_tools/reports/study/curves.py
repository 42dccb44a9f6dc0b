"""The curves of training runs, side by side."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cca_tools.reports.figures import figure_style

_PANELS = (
    ("train_loss", "cross-entropy"),
    ("train_top1", "training accuracy"),
    ("val_top1", "validation accuracy"),
)


def draw_curves(logs: pd.DataFrame) -> Figure:
    """Draw loss and accuracies by epoch, a line a method, the band from the least to the most.

    Args:
        logs: ``method``, ``epoch``, and any of ``train_loss``, ``train_top1``, ``val_top1``.
    """
    panels = [panel for panel in _PANELS if panel[0] in logs and logs[panel[0]].notna().any()]
    methods = sorted(logs["method"].unique())
    palette = dict(zip(methods, sns.color_palette("deep", len(methods)), strict=True))
    with figure_style():
        figure = Figure(figsize=(3.0 * max(1, len(panels)), 2.4), layout="constrained")
        FigureCanvasAgg(figure)
        for position, (column, title) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), position + 1)
            sns.lineplot(
                logs.dropna(subset=[column]),
                x="epoch",
                y=column,
                hue="method",
                hue_order=methods,
                palette=palette,
                errorbar=("pi", 100),
                ax=axes,
                legend=position == 0,
            )
            axes.set(xlabel="epoch", ylabel=title)
            if axes.get_legend() is not None:
                sns.move_legend(axes, "best", title=None, frameon=False, fontsize=7)
    return figure
