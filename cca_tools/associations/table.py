"""The table of associations: its columns, and how it is made from counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.associations import strength
from cca_tools.associations.counting import Counts
from cca_tools.associations.ranking import rank_within
from cca_tools.taggers.labels import LabelSpace

# column -> dtype; one row a pair of video class and audio class that occurs
COLUMNS: dict[str, str] = {
    "class_name": "str",
    "rank": "int64",
    "mid": "str",
    "tag": "str",
    "videos": "int64",
    "support": "int64",
    "share": "float64",
    "share_low": "float64",
    "share_high": "float64",
    "base_share": "float64",
    "lift": "float64",
    "npmi": "float64",
    "log_odds_z": "float64",
    "p_value": "float64",
    "q_value": "float64",
}
_RANKED_BY = {"frequency": "videos", "npmi": "npmi", "log-odds": "log_odds_z"}


NO_CLASS = "(no class)"


def shown_class(name: str) -> str:
    """Return the name of a video class as it is shown; videos need not have one."""
    return name or NO_CLASS


@dataclass(frozen=True)
class Associations:
    """What each video class sounds like, and of how many videos that is known.

    Args:
        pairs: The columns of ``COLUMNS``, by class and rank.
        classes: One row a video class: ``class_name``, ``videos`` in the manifest, ``support``
            (counted videos), ``groups`` (of these), then one column a status, and ``untagged``.
        notices: What a reader must know, a line each.
        about: Which tags were counted and how, for provenance.
    """

    pairs: pd.DataFrame
    classes: pd.DataFrame
    notices: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Uncertainty:
    """Per pair: the ends of the share's interval, the p-value and the q-value; NaN undefined.

    ``method`` says how the p-values came about.
    """

    share_low: NDArray[np.float64]
    share_high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    method: str = "none"


def make_table(
    counts: Counts, uncertainty: Uncertainty, labels: LabelSpace, rank_by: str
) -> pd.DataFrame:
    """Return one row a pair that occurs, with the columns of ``COLUMNS``, by class and rank."""
    measures = measure(counts)
    pairs = pd.DataFrame(
        {
            "class_name": np.array(counts.class_names, dtype=object)[counts.class_id],
            "mid": np.array(labels.mids, dtype=object)[counts.code],
            "tag": np.array(labels.names, dtype=object)[counts.code],
            "videos": counts.videos,
            **measures,
            "share_low": uncertainty.share_low,
            "share_high": uncertainty.share_high,
            "p_value": uncertainty.p_value,
            "q_value": uncertainty.q_value,
        }
    )
    first = pairs[_RANKED_BY[rank_by]]
    criteria = (first, counts.videos, counts.mean_score)
    pairs["rank"] = rank_within(counts.class_id, criteria, counts.code)
    order = np.lexsort((pairs["rank"].to_numpy(), counts.class_id))
    return pairs.iloc[order][list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)


def measure(counts: Counts) -> dict[str, NDArray[np.generic]]:
    """Return support and the measures of strength of each pair; see `strength`."""
    support = counts.support[counts.class_id]
    total = np.bincount(counts.code, weights=counts.videos)[counts.code]
    class_tokens = np.bincount(counts.class_id, weights=counts.videos)[counts.class_id]
    num_videos = int(counts.support.sum())
    num_tokens = float(counts.videos.sum())
    return {
        "support": support,
        "share": strength.share(counts.videos, support),
        "base_share": strength.share(total, num_videos),
        "lift": strength.lift(counts.videos, support, total, num_videos),
        "npmi": strength.npmi(counts.videos, support, total, num_videos),
        "log_odds_z": strength.log_odds_z(counts.videos, class_tokens, total, num_tokens),
    }
