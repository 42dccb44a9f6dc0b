"""What came of indexing: counts, and every problem by name."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.datasets.base import PROBLEMS, Problem
from cca_tools.workspace import atomic_path, write_json


@dataclass(frozen=True)
class IndexReport:
    """Counts of a manifest, and what was wrong.

    Args:
        layout: Name of the layout.
        root: The folder of the videos.
        counts: ``videos``, ``classes``, ``groups``, ``with_audio``, ``without_audio``,
            ``unreadable``, and ``hours`` (of all readable rows together, where known).
        splits: Split -> number of videos; empty for those without split.
        problems: All of them, failures and notices.
        replaced: What the workspace held before, in words, or empty.
    """

    layout: str
    root: Path
    counts: dict[str, float]
    splits: dict[str, int]
    problems: tuple[Problem, ...]
    replaced: str = ""

    @property
    def num_failures(self) -> int:
        """Number of problems that make the command end with exit code 1."""
        return sum(problem.is_failure for problem in self.problems)

    def by_kind(self) -> dict[str, list[Problem]]:
        """Return the problems by kind, in the order of ``PROBLEMS``: failures first."""
        kinds: dict[str, list[Problem]] = {kind: [] for kind in PROBLEMS}
        for problem in self.problems:
            kinds[problem.kind].append(problem)
        return {kind: found for kind, found in kinds.items() if found}

    def to_json(self, first: int = 5) -> dict[str, Any]:
        """Return the report as plain values, with the ``first`` few items of each kind."""
        return {
            "layout": self.layout,
            "root": str(self.root),
            **self.counts,
            "splits": self.splits,
            "failures": self.num_failures,
            "problems": {
                kind: {
                    "count": len(found),
                    "failure": PROBLEMS[kind][0],
                    "meaning": PROBLEMS[kind][1],
                    "first": [f"{one.item}: {one.detail}" for one in found[:first]],
                }
                for kind, found in self.by_kind().items()
            },
            "replaced": self.replaced,
        }

    def write(self, folder: Path) -> None:
        """Write ``index-report.json`` and, with every problem, ``index-report.csv``."""
        write_json(folder / "index-report.json", self.to_json())
        with (
            atomic_path(folder / "index-report.csv") as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["kind", "is_failure", "item", "detail"])
            for found in self.by_kind().values():
                for one in found:
                    writer.writerow([one.kind, str(one.is_failure).lower(), one.item, one.detail])


def count_rows(manifest: pd.DataFrame, unreadable: set[str]) -> dict[str, float]:
    """Count a manifest.

    Args:
        manifest: One row a video.
        unreadable: Ids of the videos that are missing or cannot be read: neither with nor
            without audio.
    """
    readable = ~manifest["video_id"].isin(unreadable)
    with_audio = int((manifest["has_audio"] & readable).sum())
    return {
        "videos": len(manifest),
        "classes": int(manifest.loc[manifest["class_name"] != "", "class_name"].nunique()),
        "groups": int(manifest["group"].nunique()),
        "with_audio": with_audio,
        "without_audio": int(readable.sum()) - with_audio,
        "unreadable": int((~readable).sum()),
        "hours": round(float(manifest.loc[readable, "duration_s"].sum()) / 3600, 4),
    }


def shared_groups(manifest: pd.DataFrame) -> list[Problem]:
    """Tell the groups that have videos in more than one split: one recording on both sides."""
    pairs = manifest.loc[manifest["split"] != "", ["group", "split"]].drop_duplicates()
    splits = pairs.groupby("group")["split"].agg(lambda names: " and ".join(sorted(names)))
    several = Counter(pairs["group"])
    return [
        Problem("shared_group", str(group), f"in {names}")
        for group, names in splits.items()
        if several[group] > 1
    ]
