"""The curves of a run as a picture: loss terms, and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import seaborn
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cca_tools.workspace import atomic_path

CURVES = "curves.png"


def draw_curves(epochs: Sequence[Mapping[str, Any]], title: str, chance: float) -> Figure:
    """Draw what ``metrics.jsonl`` tells.

    Args:
        epochs: Its lines, at least one.
        title: Above the picture.
        chance: Accuracy of guessing.
    """
    with seaborn.axes_style("whitegrid"):
        figure = Figure(figsize=(11, 4.2), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        losses, accuracy = figure.subplots(1, 2)
    numbers = [epoch["epoch"] + 1 for epoch in epochs]
    names = list(epochs[0]["terms"])
    colours = seaborn.color_palette("colorblind", len(names))
    for name, colour in zip(names, colours, strict=True):
        values = [epoch["terms"].get(name) for epoch in epochs]
        _line(losses, numbers, values, name, colour)
    if all(value > 0 for epoch in epochs for value in epoch["terms"].values()):
        losses.set_yscale("log")
    losses.set(title="Loss terms (training, mean over clips)", xlabel="epoch", ylabel="loss")
    blue, orange = seaborn.color_palette("colorblind", 2)
    _line(accuracy, numbers, [x["train_top1"] for x in epochs], "training clips", blue)
    if all(epoch["val"] for epoch in epochs):
        _line(accuracy, numbers, [x["val"]["top1"] for x in epochs], "validation videos", orange)
    accuracy.axhline(chance, color="0.4", linestyle=":", label="chance")
    accuracy.set(title="Top-1 accuracy", xlabel="epoch", ylim=(0, 1))
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (losses, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize="small")
    figure.suptitle(title.replace("$", r"\$"))
    return figure


def _line(axes: Axes, x: Sequence[int], y: Sequence[float | None], label: str, colour: Any) -> None:
    marker = "o" if len(x) < 3 else ""
    values = [float("nan") if v is None else v for v in y]
    axes.plot(x, values, marker=marker, label=label, color=colour)


def write_curves(
    folder: Path, epochs: Sequence[Mapping[str, Any]], title: str, chance: float
) -> Path:
    """Draw the curves into a run's folder and return the path."""
    path = folder / CURVES
    with atomic_path(path) as temporary:
        draw_curves(epochs, title, chance).savefig(temporary)
    return path
