"""Differences between any two methods of an ablation, not only to its baseline."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ccl.ablation.comparison import Settings, compare_methods
from ccl.ablation.outcomes import BASELINE, Outcomes

PAIR_COLUMNS = (
    "method", "reference", "paired_seeds", "difference", "runs_low", "runs_high", "p_runs",
    "method_low", "method_high", "p_method", "detectable",
)  # fmt: skip


def compare_pairs(
    outcomes: Outcomes, pairs: Sequence[tuple[str, str]], settings: Settings
) -> pd.DataFrame:
    """Return one row a pair of methods that were run with a seed in common.

    Args:
        outcomes: Of one stratum.
        pairs: (method, reference); those with a method that was not run are left out.
        settings: How much is drawn.

    Returns:
        ``method``, ``reference``, and the columns of `compare_methods` on their difference.
    """
    rows = [
        _difference(outcomes, method, reference, settings)
        for method, reference in pairs
        if outcomes.seeds(method, reference)
    ]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def _difference(
    outcomes: Outcomes, method: str, reference: str, settings: Settings
) -> dict[str, object]:
    """Return the row of a method in an ablation whose baseline is the reference."""
    renamed = {reference: BASELINE, method: method if method != BASELINE else "(baseline)"}
    two = Outcomes(
        outcomes.videos,
        {(renamed[m], s): v for (m, s), v in outcomes.correct.items() if m in renamed},
        {(renamed[m], s): v for (m, s), v in outcomes.among_five.items() if m in renamed},
        outcomes.dropped,
    )
    table = compare_methods(two, settings)
    row = table[table["method"] == renamed[method]].iloc[0]
    found = {name: row[name] for name in PAIR_COLUMNS[2:]}
    return {"method": method, "reference": reference, **found}
