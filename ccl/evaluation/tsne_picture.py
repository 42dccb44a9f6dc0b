"""The embeddings of videos in the plane, by t-SNE, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from ccl.evaluation.pictures import new_figure, picture_style, plain
from ccl.evaluation.predictions import Predictions

Floats = NDArray[np.float64]
MOST_POINTS = 3000
FEWEST_POINTS = 4
_LEGEND_UP_TO = 20
_PERPLEXITY = 30.0


def choose_points(targets: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Return which videos to show: all, or ``most`` with every class in proportion.

    >>> choose_points(np.array([0, 0, 0, 0, 1, 1]), 3, 0).shape
    (3,)
    """
    if len(targets) <= most:
        return np.arange(len(targets))
    order = np.random.default_rng(seed).permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]  # random within each class
    return np.sort(order[np.linspace(0, len(order) - 1, most).round().astype(np.int64)])


def plane(embeddings: NDArray[np.float32], seed: int) -> Floats:
    """Return (N, 2) places of the embeddings by t-SNE on unit vectors, so by cosine.

    Args:
        embeddings: (N, D), finite, N at least `FEWEST_POINTS`.
        seed: Of the optimiser.

    Source: L. van der Maaten, G. Hinton, Visualizing data using t-SNE, 2008.
    """
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = np.divide(embeddings, lengths, out=np.zeros_like(embeddings), where=lengths > 0)
    start = "pca" if (unit != unit[0]).any() and min(unit.shape) > 1 else "random"
    perplexity = min(_PERPLEXITY, (len(unit) - 1) / 3)
    made = TSNE(init=start, perplexity=perplexity, random_state=seed).fit_transform(unit)
    return np.asarray(made, dtype=np.float64)


def draw_embeddings(
    videos: Predictions, levels: Mapping[str, str], title: str, seed: int = 0
) -> Figure | None:
    """Draw the videos' embeddings, coloured by class, or by level where classes are many.

    Args:
        videos: What to draw; embeddings that are not finite are left out.
        levels: Level of correspondence by class.
        title: One line.
        seed: Of the choice of videos and of t-SNE.

    Returns:
        The picture, or None with fewer than `FEWEST_POINTS` videos.
    """
    finite = np.flatnonzero(np.isfinite(videos.embeddings).all(axis=1))
    targets = videos.videos["target"].to_numpy()
    chosen = finite[choose_points(targets[finite], MOST_POINTS, seed)]
    if len(chosen) < FEWEST_POINTS:
        return None
    places, own = plane(videos.embeddings[chosen], seed), targets[chosen]
    number = "" if len(chosen) == len(videos) else f", {len(chosen)} of {len(videos)} videos"
    with picture_style():
        if len(np.unique(own)) <= _LEGEND_UP_TO:
            return _with_legend(places, own, videos.classes, title + number)
        return _with_names(places, own, videos.classes, levels, title + number)


def _with_legend(
    places: Floats, targets: NDArray[np.int64], classes: Sequence[str], title: str
) -> Figure:
    figure = new_figure(7.0, 5.0, 150)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    present = np.unique(targets)
    colours = sns.color_palette("husl" if len(present) > 10 else "tab10", len(present))
    for colour, target in zip(colours, present, strict=True):
        x, y = places[targets == target].T
        axes.scatter(x, y, s=14, color=colour, label=plain(classes[target]), linewidths=0)
    figure.legend(loc="outside right upper", frameon=False, fontsize=7, markerscale=1.5)
    _finish(axes, title)
    return figure


def _with_names(
    places: Floats,
    targets: NDArray[np.int64],
    classes: Sequence[str],
    levels: Mapping[str, str],
    title: str,
) -> Figure:
    figure = new_figure(13.0, 13.0, 130)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    level = np.array([levels.get(classes[target], "") for target in targets])
    known = [name for name in ("highly", "weakly", "not", "unsure", "") if (level == name).any()]
    palette = sns.color_palette("colorblind", len(known))
    if len(known) > 1:
        colours = np.array([palette[known.index(name)] for name in level])
        handles = [
            Line2D([], [], marker="o", linestyle="none", color=colour, label=name or "no level")
            for name, colour in zip(known, palette, strict=True)
        ]
        axes.legend(handles=handles, loc="upper right", frameon=True, fontsize=9)
    else:
        wheel = np.array(sns.color_palette("husl", len(classes)))
        colours = wheel[np.random.default_rng(0).permutation(len(classes))][targets]
    axes.scatter(places[:, 0], places[:, 1], s=9, c=colours, alpha=0.65, linewidths=0)
    shown, total = _name_classes(axes, places, targets, classes)
    names = "" if shown == total else f"; {shown} of {total} names fit"
    _finish(axes, title + names)
    return figure


def _name_classes(
    axes: Axes, places: Floats, targets: NDArray[np.int64], classes: Sequence[str]
) -> tuple[int, int]:
    """Write each class's name at its median, the most compact first, where there is room."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    _finish(axes, "")
    figure.draw_without_rendering()
    medians = {target: np.median(places[targets == target], axis=0) for target in set(targets)}
    spread = {
        target: np.median(np.linalg.norm(places[targets == target] - middle, axis=1))
        for target, middle in medians.items()
    }
    taken: list[tuple[float, float, float, float]] = []
    for target in sorted(medians, key=lambda one: (spread[one], one)):
        x, y = medians[target]
        text = axes.text(x, y, plain(classes[target]), fontsize=6.5, ha="center", va="center")
        box = text.get_window_extent()
        if any(
            box.x0 < x1 and x0 < box.x1 and box.y0 < y1 and y0 < box.y1 for x0, y0, x1, y1 in taken
        ):
            text.remove()
        else:
            taken.append((box.x0, box.y0, box.x1, box.y1))
    return len(taken), len(medians)


def _finish(axes: Axes, title: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(plain(title), loc="left", fontweight="bold", fontsize=10)
