"""What the runs of one stratum say: accuracy, difference to the baseline, intervals and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from cca_tools.errors import UsageError
from ccl.ablation.crossed import Crossed, crossed_difference
from ccl.ablation.groups import Groups
from ccl.ablation.outcomes import BASELINE, Outcomes
from ccl.ablation.resampling import group_bootstrap, permutation_p

Floats = NDArray[np.float64]

ADJUSTED = {"p_runs": "p_runs_holm", "p_method": "p_method_holm"}


@dataclass(frozen=True)
class Settings:
    """How much is drawn.

    Args:
        resamples: For each bootstrap interval; 0 for none.
        permutations: For each p-value, where not every pattern of signs is tried.
        seed: Of all that is drawn.
    """

    resamples: int = 2000
    permutations: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("resamples", 0), ("permutations", 1), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise UsageError(f"{name} must be at least {least}, got {value}", "Give more")


def compare_methods(outcomes: Outcomes, settings: Settings) -> pd.DataFrame:
    """Return one row a method, over its seeds.

    Returns:
        ``method``, ``seeds``, ``classes``, ``videos``, ``groups``; ``accuracy`` (mean over seeds,
        in [0, 1]), ``accuracy_sd`` (over seeds, of the sample; NaN with one), ``accuracy_low`` and
        ``accuracy_high`` (bootstrap over groups, each drawn group with all its seeds), ``top5``
        and ``top5_sd``. For methods other than the baseline, where the baseline is there with the
        same seeds: ``paired_seeds``, ``difference`` (over these seeds), ``runs_low``, ``runs_high``
        (bootstrap over groups) and ``p_runs`` (swaps within groups) for these trained networks;
        ``method_low``, ``method_high``, ``p_method`` and ``detectable`` for other seeds too (see
        `crossed_difference`). Fractions, not percent.
    """
    groups = Groups.of(outcomes.videos["group"])
    rows = [_accuracy(outcomes, method, groups, settings) for method in outcomes.methods]
    for row in rows:
        if row["method"] != BASELINE:
            row |= _difference(outcomes, row["method"], groups, settings)
    return pd.DataFrame(rows, columns=list(COLUMNS))


COLUMNS = (
    "method", "seeds", "classes", "videos", "groups",
    "accuracy", "accuracy_sd", "accuracy_low", "accuracy_high", "top5", "top5_sd",
    "paired_seeds", "difference", "runs_low", "runs_high", "p_runs",
    "method_low", "method_high", "p_method", "detectable",
)  # fmt: skip


def _accuracy(
    outcomes: Outcomes, method: str, groups: Groups, settings: Settings
) -> dict[str, Any]:
    seeds = outcomes.seeds(method)
    right = outcomes.stacked(method, seeds)
    by_seed = right.mean(axis=0)
    among_five = np.array([outcomes.among_five[method, seed].mean() for seed in seeds])
    sums = groups.sums(right.mean(axis=1, keepdims=True))
    low, high = group_bootstrap(sums, groups.sizes, settings.resamples, _rng(settings))
    return {
        "method": method,
        "seeds": len(seeds),
        "classes": outcomes.videos["class_name"].nunique(),
        "videos": len(outcomes.videos),
        "groups": len(groups.sizes),
        "accuracy": by_seed.mean(),
        "accuracy_sd": sample_sd(by_seed),
        "accuracy_low": low[0],
        "accuracy_high": high[0],
        "top5": among_five.mean(),
        "top5_sd": sample_sd(among_five),
    }


def _difference(
    outcomes: Outcomes, method: str, groups: Groups, settings: Settings
) -> dict[str, Any]:
    seeds = outcomes.seeds(method, BASELINE)
    if not seeds:
        return {}
    differs = outcomes.stacked(method, seeds) - outcomes.stacked(BASELINE, seeds)  # (V, S)
    sums = groups.sums(differs)  # (G, S)
    mean = sums.mean(axis=1, keepdims=True)
    low, high = group_bootstrap(mean, groups.sizes, settings.resamples, _rng(settings))
    total = sums.sum(axis=1, keepdims=True)
    crossed: Crossed = crossed_difference(sums, groups.sizes)
    return {
        "paired_seeds": len(seeds),
        "difference": float(crossed.difference),
        "runs_low": low[0],
        "runs_high": high[0],
        "p_runs": permutation_p(total, settings.permutations, _rng(settings))[0],
        "method_low": float(crossed.low),
        "method_high": float(crossed.high),
        "p_method": float(crossed.p_value),
        "detectable": float(crossed.detectable),
    }


def compare_seeds(outcomes: Outcomes) -> pd.DataFrame:
    """Return one row a run, beside the baseline's run of the same seed.

    Returns:
        ``method``, ``seed``, ``accuracy``, ``top5``; ``only_method`` and ``only_baseline`` (videos
        that one of the two has right and the other not) and ``p_mcnemar``, exact and two-sided.
        McNemar's test takes videos for independent; where several come from one recording they
        are not, and its p is too small: see ``p_runs``.
    """
    rows = []
    for (method, seed), right in outcomes.correct.items():
        row: dict[str, Any] = {
            "method": method,
            "seed": seed,
            "accuracy": right.mean(),
            "top5": outcomes.among_five[method, seed].mean(),
        }
        beside = outcomes.correct.get((BASELINE, seed))
        if beside is not None and method != BASELINE:
            row |= _mcnemar(int((right & ~beside).sum()), int((beside & ~right).sum()))
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(SEED_COLUMNS))
    order = {name: place for place, name in enumerate(outcomes.methods)}
    place = table["method"].map(order)
    return (
        table.assign(place=place)
        .sort_values(["place", "seed"])
        .drop(columns="place")
        .reset_index(drop=True)
    )


SEED_COLUMNS = (
    "method", "seed", "accuracy", "top5", "only_method", "only_baseline", "p_mcnemar",
)  # fmt: skip


def _mcnemar(only_method: int, only_baseline: int) -> dict[str, Any]:
    table = [[0, only_method], [only_baseline, 0]]
    p_value = float(mcnemar(table, exact=True).pvalue) if only_method + only_baseline else 1.0
    return {"only_method": only_method, "only_baseline": only_baseline, "p_mcnemar": p_value}


def add_holm(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with Holm's correction of each kind of p over all that have one.

    Every comparison of the table is of one family: the chance that any of them is called a gain
    though none is stays at the level.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, 1979.

    >>> rows = pd.DataFrame({"p_runs": [0.01, 0.04, np.nan], "p_method": np.nan})
    >>> add_holm(rows)["p_runs_holm"].tolist()
    [0.02, 0.04, nan]
    """
    result = rows.copy()
    for name, adjusted in ADJUSTED.items():
        known = rows[name].notna().to_numpy()
        values = np.full(len(rows), np.nan)
        if known.any():
            values[known] = multipletests(rows.loc[known, name], method="holm")[1]
        result[adjusted] = values
    return result


def sample_sd(values: Floats) -> float:
    """Return the standard deviation of a sample, NaN with fewer than two values.

    >>> sample_sd(np.array([1.0, 3.0])) ** 2, sample_sd(np.array([1.0]))
    (2.0000000000000004, nan)
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _rng(settings: Settings) -> np.random.Generator:
    """Begin anew for each number: none depends on which other methods stand in the table."""
    return np.random.default_rng(settings.seed)
