"""Pictures of the dataset and of what was found of its strata."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cca_tools.correspondence.digits import load_scans
from cca_tools.correspondence.generate import NUM_FRAMES
from cca_tools.correspondence.plan import CLASS_DIGITS, Plan, Scene
from cca_tools.correspondence.scenes import Difficulty, paint_scene
from cca_tools.reports.figures import figure_style

_SHOWN_FRAMES = 4
_SHOWN_SCENES = 3  # of each digit
_LEVELS = ("highly", "weakly", "not")


def draw_scenes(plan: Plan, difficulty: Difficulty) -> Figure:
    """Draw frames of some test scenes: a row a digit, four frames of three videos each."""
    ink = load_scans().ink
    scenes = [clips[0].scene for clips in plan.by_scene() if clips[0].scene.split == "test"]
    rows = [
        np.concatenate(
            [
                _strip(scene, ink, difficulty)
                for scene in [one for one in scenes if one.digit == digit][:_SHOWN_SCENES]
            ],
            axis=1,
        )
        for digit in CLASS_DIGITS
    ]
    picture = np.concatenate(rows, axis=0)
    with figure_style():
        figure = Figure(figsize=(7.2, 7.2 * picture.shape[0] / picture.shape[1]), dpi=100)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.04, 0.0, 0.96, 1.0))
        axes.imshow(picture, interpolation="nearest")
        side = picture.shape[0] / len(CLASS_DIGITS)
        axes.set_yticks([side * (row + 0.5) for row in range(len(CLASS_DIGITS))],
                        [str(digit) for digit in CLASS_DIGITS])  # fmt: skip
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


def _strip(scene: Scene, ink: np.ndarray, difficulty: Difficulty) -> np.ndarray:
    """Return some frames of a scene side by side, with a white rim at the right."""
    frames = paint_scene(scene, ink, difficulty, NUM_FRAMES)
    chosen = np.linspace(0, NUM_FRAMES - 1, _SHOWN_FRAMES).round().astype(np.int64)
    rim = np.ones((frames[0].shape[0], 6, 3), dtype=np.float32)
    return np.concatenate([*(frames[index] for index in chosen), rim], axis=1)


def draw_recovery(classes: pd.DataFrame) -> Figure:
    """Draw how well audio alone tells each class, by planted level; wrong suggestions are open.

    Args:
        classes: ``level``, ``suggested``, ``audio_accuracy``, ``class_name``.
    """
    with figure_style():
        figure = Figure(figsize=(5.0, 3.0), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for place, level in enumerate(_LEVELS):
            own = classes[classes["level"] == level]
            values = 100 * own["audio_accuracy"].to_numpy(dtype=np.float64)
            spread = np.linspace(-0.25, 0.25, max(1, len(own)))
            right = (own["suggested"] == level).to_numpy()
            for mask, colour, label in (
                (right, "tab:blue", "suggested as planted"),
                (~right, "none", "suggested otherwise"),
            ):
                axes.scatter(
                    place + spread[mask],
                    values[mask],
                    s=24,
                    facecolors=colour,
                    edgecolors="tab:blue",
                    label=None if place else label,
                )
            axes.hlines(np.nanmean(values), place - 0.3, place + 0.3, color="black", linewidth=1)
        axes.set_xticks(range(len(_LEVELS)), _LEVELS)
        axes.set_xlabel("planted level")
        axes.set_ylabel("told by audio alone (% of test videos)")
        axes.set_ylim(-4, 104)
        axes.legend(frameon=False, loc="upper right")
    return figure
