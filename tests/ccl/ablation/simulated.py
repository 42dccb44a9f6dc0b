"""Ablations whose truth is known, drawn many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Truth:
    """What makes an answer right, on the scale of log-odds (standard deviations).

    Args:
        gain: What the method has over the baseline.
        run: A trained network's own luck on all videos: another seed draws it anew.
        run_class: Its luck on each class.
        taste: How much the recordings themselves favour one method or the other.
    """

    gain: float = 0.0
    run: float = 0.0
    run_class: float = 0.0
    taste: float = 0.0
    classes: int = 10
    groups: int = 7  # a class
    videos: int = 4  # a group
    seeds: int = 3


def draw(truth: Truth, studies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (studies, 2, G, S) right answers of baseline and method, and (G,) sizes."""
    rng = np.random.default_rng(seed)
    size = (studies, 2, truth.classes, truth.groups, truth.videos, truth.seeds)

    def effect(spread: float, *axes: int) -> np.ndarray:
        shape = tuple(n if axis in axes else 1 for axis, n in enumerate(size))
        return rng.normal(0, spread, shape) if spread else np.zeros(shape)

    odds = (
        effect(1.0, 0, 2)  # easy and hard classes
        + effect(0.8, 0, 2, 3)  # easy and hard recordings
        + effect(1.0, 0, 2, 3, 4)  # easy and hard videos
        + effect(truth.taste, 0, 1, 2, 3)
        + effect(truth.run, 0, 1, 5)
        + effect(truth.run_class, 0, 1, 2, 5)
    )
    odds[:, 1] += truth.gain
    right = (rng.random(size) < 1 / (1 + np.exp(-odds))).sum(axis=4)
    shape = (studies, 2, truth.classes * truth.groups, truth.seeds)
    return right.reshape(shape).astype(float), np.full(shape[2], float(truth.videos))


def predictions(
    right: np.ndarray, classes: np.ndarray, groups: np.ndarray, names: list[str] | None = None
) -> pd.DataFrame:
    """Return a frame as the trainer writes it: right, or else wrong at all five places."""
    count = len(right)
    every = sorted(set(classes)) + [f"other {n}" for n in range(6)]
    top5 = [
        [own, *[name for name in every if name != own][:4]]
        if is_right
        else [name for name in every if name != own][:5]
        for own, is_right in zip(classes, right, strict=True)
    ]
    return pd.DataFrame(
        {
            "video_id": names or [f"v{n:04}" for n in range(count)],
            "class_name": classes,
            "split": "test",
            "group": groups,
            "top5": top5,
        }
    )
