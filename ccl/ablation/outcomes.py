"""Which test videos each run got right, on the same videos for all runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.errors import DataError

BASELINE = "baseline"

Run = tuple[str, int]  # method, seed
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """The answers of several runs to the same test videos.

    Args:
        videos: (V rows) ``video_id``, ``class_name`` and ``group``; a group is never empty.
        correct: Run -> (V,) whether its first answer is the class.
        among_five: Run -> (V,) whether the class is among its first five answers.
        dropped: Videos that some run answers and another does not; they are in neither array.
    """

    videos: pd.DataFrame
    correct: Mapping[Run, Bools]
    among_five: Mapping[Run, Bools]
    dropped: int = 0

    def seeds(self, *methods: str) -> list[int]:
        """Return the seeds that every one of ``methods`` was run with, in order."""
        sets = [{seed for name, seed in self.correct if name == method} for method in methods]
        return sorted(set.intersection(*sets)) if sets else []

    @property
    def methods(self) -> list[str]:
        """The methods, baseline first, else in the order of the runs."""
        names = dict.fromkeys(method for method, _ in self.correct)
        return sorted(names, key=lambda name: name != BASELINE)

    def of_classes(self, classes: Collection[str]) -> Outcomes:
        """Return the outcomes on the videos of ``classes`` alone."""
        keep = self.videos["class_name"].isin(classes).to_numpy()
        return Outcomes(
            self.videos[keep].reset_index(drop=True),
            {run: values[keep] for run, values in self.correct.items()},
            {run: values[keep] for run, values in self.among_five.items()},
            self.dropped,
        )

    def stacked(self, method: str, seeds: Collection[int]) -> NDArray[np.float64]:
        """Return (V, S): 1 where the run of each seed is right, else 0."""
        return np.stack([self.correct[method, seed] for seed in seeds], axis=1).astype(np.float64)


def read_outcomes(predictions: Mapping[Run, pd.DataFrame]) -> Outcomes:
    """Bring the test predictions of several runs to the same videos in the same order.

    A video without a group stands for itself.

    Args:
        predictions: Run -> frame with ``video_id``, ``class_name``, ``split``, ``group`` and
            ``top5`` (class names, best first); rows of other splits than ``test`` are not used.

    Raises:
        DataError: There is no run, a run answers no test video or one of them twice, runs disagree
            on a video's class, or they have no test video in common.
    """
    if not predictions:
        raise DataError("there are no predictions to compare", "Train at least one run first")
    frames = {run: _test_rows(run, frame) for run, frame in predictions.items()}
    shared = sorted(set.intersection(*(set(frame.index) for frame in frames.values())))
    every = set.union(*(set(frame.index) for frame in frames.values()))
    if not shared:
        raise DataError(
            f"{', '.join(_name(run) for run in frames)} have no test video in common",
            "Compare runs of one manifest and one split",
        )
    first_run, first = next(iter(frames.items()))
    videos = first.loc[shared, ["class_name", "group"]]
    for run, frame in frames.items():
        differ = frame.loc[shared, "class_name"] != videos["class_name"]
        if differ.any():
            raise DataError(
                f"{_name(first_run)} and {_name(run)} disagree on the class of "
                f"{int(differ.sum())} test videos, first {differ.idxmax()!r}",
                "Train them again on one manifest",
            )
    return Outcomes(
        _with_groups(videos),
        {run: _is_among(frame.loc[shared], 1) for run, frame in frames.items()},
        {run: _is_among(frame.loc[shared], 5) for run, frame in frames.items()},
        len(every) - len(shared),
    )


def _test_rows(run: Run, frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["split"] == "test"].set_index("video_id")
    if rows.empty:
        raise DataError(f"{_name(run)} has no test predictions", "Evaluate it again")
    if rows.index.has_duplicates:
        twice = rows.index[rows.index.duplicated()][0]
        raise DataError(f"{_name(run)} answers the video {twice!r} twice", "Evaluate it again")
    return rows


def _with_groups(videos: pd.DataFrame) -> pd.DataFrame:
    table = videos.rename_axis("video_id").reset_index()
    alone = table["group"].isna() | (table["group"] == "")
    # no name of a group has a line break: a video of its own never falls into a group
    table["group"] = table["group"].where(~alone, "\n" + table["video_id"].astype(str))
    return table


def _is_among(rows: pd.DataFrame, best: int) -> Bools:
    pairs = zip(rows["class_name"], rows["top5"], strict=True)
    return np.array([name in list(answers)[:best] for name, answers in pairs], dtype=bool)


def _name(run: Run) -> str:
    return f"{run[0]} (seed {run[1]})"
