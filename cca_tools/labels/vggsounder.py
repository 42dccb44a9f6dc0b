"""VGGSounder's labels of single clips -> a level a class, by stated thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cca_tools.errors import DataError, UsageError

COLUMNS = ("video_id", "label", "modality")
MODALITIES = ("A", "V", "AV")  # heard only, seen only, both


@dataclass(frozen=True)
class Thresholds:
    """From which share of clips on a class is highly or weakly correlated.

    The thirds of the scale are conventions, not fitted to anything.

    Args:
        highly_from: Share of a class's clips in which it is both seen and heard.
        weakly_from: The same, for weakly; below it the class is not correlated.

    Raises:
        UsageError: Not 0 <= weakly_from <= highly_from <= 1.
    """

    highly_from: float = 2 / 3
    weakly_from: float = 1 / 3

    def __post_init__(self) -> None:
        if not 0 <= self.weakly_from <= self.highly_from <= 1:
            raise UsageError(
                f"the thresholds are {self.highly_from:g} for highly and {self.weakly_from:g} "
                "for weakly",
                "Give shares from 0 to 1, that for highly not below that for weakly",
            )

    def level(self, share: float) -> str:
        """Return the level of a class of this share.

        >>> [Thresholds().level(share) for share in (0.7, 0.5, 0.1)]
        ['highly', 'weakly', 'not']
        """
        if share >= self.highly_from:
            return "highly"
        return "weakly" if share >= self.weakly_from else "not"


def vggsounder_levels(path: Path, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """Return how often each class is heard, seen, or both, and the level that follows.

    Args:
        path: VGGSounder's CSV: a line a clip and class, ``modality`` A, V or AV.
        thresholds: The thirds where none are given.

    Returns:
        By class: ``class_name``, ``clips``, ``a``, ``v``, ``av`` (counts), ``share_a``,
        ``share_v``, ``share_av``, ``level``. The share of AV is among all clips in which the
        class is seen or heard at all.

    Raises:
        DataError: The file cannot be read, lacks a column, has another modality, or a clip twice.
    """
    thresholds = thresholds or Thresholds()
    frame = _read(path)
    counts = pd.crosstab(frame["label"], frame["modality"])
    counts = counts.reindex(columns=list(MODALITIES), fill_value=0)
    clips = counts.sum(axis="columns")
    shares = counts.div(clips, axis="index")
    return pd.DataFrame(
        {
            "class_name": counts.index.astype("str"),
            "clips": clips.to_numpy(),
            **{name.lower(): counts[name].to_numpy() for name in MODALITIES},
            **{f"share_{name.lower()}": shares[name].to_numpy() for name in MODALITIES},
            "level": [thresholds.level(share) for share in shares["AV"]],
        }
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=list(COLUMNS))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no file of VGGSounder's: {error}",
            f"Give a CSV file with the columns {', '.join(COLUMNS)}",
        ) from error
    wrong = frame.loc[~frame["modality"].isin(MODALITIES), "modality"]
    if len(wrong):
        raise DataError(
            f"{path}, line {wrong.index[0] + 2}: the modality is {wrong.iloc[0]!r}",
            f"It is one of {', '.join(MODALITIES)}",
        )
    if frame.empty or (frame["label"] == "").any():
        raise DataError(f"{path} has no labels, or an empty one", "Download the file again")
    twice = frame[frame.duplicated(["video_id", "label"])]
    if len(twice):
        first = twice.iloc[0]
        raise DataError(
            f"{path} has {first['label']!r} of {first['video_id']} twice",
            "Keep one line for each class of a clip",
        )
    return frame
