"""Table A: how many classes have each level, and which share that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cca_tools.reports.levels import LEVELS

OPEN = "open"  # the row of the classes that have no level


def table_a(levels: Mapping[str, str], confidence: float = 0.95) -> pd.DataFrame:
    """Return how many classes have each level.

    Args:
        levels: The level of each class; empty where it has none.
        confidence: Of the Wilson intervals.

    Returns:
        ``level``, ``classes``, ``share`` of all classes, ``share_low``, ``share_high``. The rows
        are highly, weakly, not, and where there are such classes unsure and open. Without any
        class the shares are NaN.

    >>> table_a({"a": "highly", "b": "not", "c": "not", "d": "not"}).round(3).values.tolist()[0]
    ['highly', 1, 0.25, 0.046, 0.699]
    """
    from statsmodels.stats.proportion import proportion_confint

    counted = Counter(level or OPEN for level in levels.values())
    shown = [*LEVELS[:3], *(level for level in (*LEVELS[3:], OPEN) if counted[level])]
    counts = np.array([counted[level] for level in shown])
    total = len(levels)
    nothing = (np.full(len(shown), np.nan),) * 2
    low, high = (
        proportion_confint(counts, total, alpha=1 - confidence, method="wilson")
        if total
        else nothing
    )
    return pd.DataFrame(
        {
            "level": shown,
            "classes": counts,
            "share": counts / (total or np.nan),
            "share_low": low,
            "share_high": high,
        }
    )
