"""What an evaluation says: means with intervals, over all, a level, a class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ccl.evaluation.intervals import (
    Means,
    means_with_intervals,
)
from ccl.evaluation.measures import MEASURES, OTHER_GROUPS, Measured, measure_videos
from ccl.evaluation.predictions import Predictions
from ccl.evaluation.recognition import confusion

LEVEL_ORDER = ("highly", "weakly", "not", "unsure")
_MOST_CONFUSIONS = 20
_PER_CLASS = ("top1", "top5", "r1", "r5", "r1" + OTHER_GROUPS)


@dataclass(frozen=True)
class Evaluation:
    """The results of one run on one split.

    Args:
        split: Whose videos were asked about; the gallery is ``gallery``.
        gallery: The split that was retrieved from.
        sizes: ``videos``, ``groups``, ``classes`` (of the network), ``classes_with_videos``,
            ``clips``, ``gallery_videos``.
        metrics: Measure -> value, low, high, chance, videos and groups that it is told from.
        class_mean: The same for the means over the classes of top1, top5.
        levels: A row a level of correspondence, the same measures.
        classes: A row a class.
        confusions: The most frequent ones: class_name, taken_for, videos, share.
        counts: How often each special case was met.
        notices: What a reader must know, a line each.
    """

    split: str
    gallery: str
    sizes: dict[str, int]
    metrics: dict[str, dict[str, Any]]
    class_mean: dict[str, dict[str, Any]]
    levels: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    confusions: list[dict[str, Any]]
    counts: dict[str, int]
    notices: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    def value(self, measure: str) -> float:
        """Return one of `MEASURES` over all videos; NaN where it is undefined."""
        value = self.metrics[measure]["value"]
        return math.nan if value is None else float(value)


@dataclass(frozen=True)
class Intervals:
    """How intervals are drawn.

    Args:
        resamples: 0 leaves them undefined.
        seed: Of the draws.
    """

    resamples: int = 1000
    seed: int = 0


def summarise(
    videos: Predictions,
    gallery: Predictions,
    levels: Mapping[str, str],
    intervals: Intervals,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Evaluate the predictions of one split against a gallery.

    Args:
        videos: At least one.
        gallery: Of another split, maybe empty.
        levels: Level of correspondence by class; classes without one are of no stratum.
        intervals: How to draw intervals.
        device: Where cosines are computed.
    """
    measured = measure_videos(videos, gallery, device)
    table = _Table(videos, measured, intervals)
    everything = np.ones(len(videos), dtype=bool)
    return Evaluation(
        split=videos.videos["split"].iloc[0],
        gallery=gallery.videos["split"].iloc[0] if len(gallery) else "",
        sizes=_sizes(videos, gallery),
        metrics=table.metrics(everything, MEASURES),
        class_mean=table.class_mean(("top1", "top5")),
        levels=table.levels(levels),
        classes=table.classes(levels),
        confusions=_confusions(videos),
        counts=measured.counts,
        notices=tuple(_notices(videos, gallery, measured)),
    )


def _sizes(videos: Predictions, gallery: Predictions) -> dict[str, int]:
    return {
        "videos": len(videos),
        "groups": int(videos.videos["group"].nunique()),
        "classes": len(videos.classes),
        "classes_with_videos": int(videos.videos["class_name"].nunique()),
        "clips": int(videos.videos["clips"].sum()),
        "gallery_videos": len(gallery),
    }


class _Table:
    """The measures of all videos, to be averaged over any part of them."""

    def __init__(self, videos: Predictions, measured: Measured, intervals: Intervals) -> None:
        self.frame = videos.videos
        self.groups = _own_group_where_empty(videos.videos)
        self.measured = measured
        self.intervals = intervals

    def metrics(
        self,
        rows: NDArray[np.bool_],
        measures: tuple[str, ...],
        weights: NDArray[np.float64] | None = None,
    ) -> dict[str, dict[str, Any]]:
        values = self.measured.values.loc[rows, list(measures)].to_numpy()
        chance = self.measured.chance.loc[rows, list(measures)].mean()
        means = means_with_intervals(
            values,
            self.groups[rows],
            self.intervals.resamples,
            np.random.default_rng(self.intervals.seed),
            weights,
        )
        return {name: _told(means, i, chance[name]) for i, name in enumerate(measures)}

    def levels(self, levels: Mapping[str, str]) -> list[dict[str, Any]]:
        level = self.frame["class_name"].map(lambda name: levels.get(name, ""))
        rows = []
        for name in (one for one in LEVEL_ORDER if (level == one).any()):
            part = (level == name).to_numpy()
            rows.append(
                {
                    "level": name,
                    "classes": int(self.frame.loc[part, "class_name"].nunique()),
                    "videos": int(part.sum()),
                    "metrics": self.metrics(part, MEASURES),
                }
            )
        return rows

    def classes(self, levels: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = []
        for name, part in self._classes():
            rows.append(
                {
                    "class_name": name,
                    "level": levels.get(name, ""),
                    "videos": int(part.sum()),
                    "groups": len(np.unique(self.groups[part])),
                    "metrics": self.metrics(part, _PER_CLASS),
                }
            )
        return rows

    def class_mean(self, measures: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Return means over the classes: each video counts one part of its class."""
        names = self.frame["class_name"]
        weights = 1.0 / names.map(names.value_counts()).to_numpy(dtype=np.float64)
        return self.metrics(np.ones(len(names), dtype=bool), measures, weights)

    def _classes(self) -> list[tuple[str, NDArray[np.bool_]]]:
        names = self.frame["class_name"]
        return [(str(name), (names == name).to_numpy()) for name in sorted(names.unique())]


def _own_group_where_empty(frame: pd.DataFrame) -> NDArray[np.object_]:
    groups: NDArray[np.object_] = frame["group"].to_numpy(dtype=object, copy=True)
    alone = groups == ""
    groups[alone] = "\0" + frame["video_id"].to_numpy(dtype=object)[alone]
    return groups


def _told(means: Means, i: int, chance: float) -> dict[str, Any]:
    value, ends = means.value[i], (means.low[i], means.high[i])
    if chance == 1:  # as top-5 of five classes: no sample could tell otherwise
        ends = (value, value)
    return {
        "value": _number(value),
        "low": _number(ends[0]),
        "high": _number(ends[1]),
        "chance": _number(chance),
        "videos": int(means.videos[i]),
        "groups": int(means.groups[i]),
    }


def _number(value: float) -> float | None:
    """Return None for what is undefined: NaN is no JSON."""
    return float(value) if math.isfinite(value) else None


def _confusions(videos: Predictions) -> list[dict[str, Any]]:
    counts = confusion(videos.probs, videos.videos["target"].to_numpy())
    totals = np.bincount(videos.videos["target"], minlength=len(counts))
    np.fill_diagonal(counts, 0)
    own, taken = np.unravel_index(
        np.argsort(-counts, axis=None, kind="stable")[:_MOST_CONFUSIONS], counts.shape
    )
    return [
        {
            "class_name": videos.classes[i],
            "taken_for": videos.classes[j],
            "videos": float(counts[i, j]),
            "share": float(counts[i, j] / totals[i]),
        }
        for i, j in zip(own, taken, strict=True)
        if counts[i, j] > 0
    ]


def _notices(videos: Predictions, gallery: Predictions, measured: Measured) -> list[str]:
    counts, split = measured.counts, videos.videos["split"].iloc[0]
    without = len(videos.classes) - videos.videos["class_name"].nunique()
    lines = (
        (without, f"of {len(videos.classes)} classes have no {split} video"),
        (counts["not_finite"], "videos have outputs that are not finite: counted as wrong"),
        (counts["queries_not_finite"], "queries are not finite: counted as finding nothing"),
        (counts["gallery_not_finite"], "gallery items are not finite: left out"),
        (counts["queries_zero"], "queries have an embedding of zeros: all items tie"),
        (counts["gallery_zero"], "gallery items have an embedding of zeros"),
        (counts["no_gallery"], "queries have no gallery: no recall"),
        (counts["no_relevant"], "queries have nothing of their class in the gallery: no recall"),
        (
            counts["no_gallery" + OTHER_GROUPS] + counts["no_relevant" + OTHER_GROUPS],
            "queries have nothing of their class in other groups: no recall without own group",
        ),
    )
    notices = [f"{number} {text}" for number, text in lines if number]
    if len(videos.classes) <= 5:
        notices.append(f"top-5 of {len(videos.classes)} classes is always right")
    if not len(gallery):
        notices.append("there is no training video to retrieve")
    return notices
