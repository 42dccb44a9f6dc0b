"""Class by class gains, and whether they go with what the sound of a class tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccl.ablation.comparison import Settings, sample_sd
from ccl.ablation.groups import Groups
from ccl.ablation.outcomes import BASELINE, Outcomes
from ccl.ablation.resampling import LEVEL, group_bootstrap

Floats = NDArray[np.float64]

# how much the sound tells of a class, from nothing upwards
ORDER_OF_LEVELS: Mapping[str, float] = {"not": 0.0, "weakly": 1.0, "highly": 2.0}
FEWEST_CLASSES = 4  # below, no rank correlation can be told from chance, or has an interval
_PAIRINGS = 9_999


def gains_by_class(outcomes: Outcomes, settings: Settings) -> pd.DataFrame:
    """Return the gain of each method on each class, over the seeds shared with the baseline.

    Returns:
        One row a (method, class): ``method``, ``class_name``, ``videos``, ``groups``, ``seeds``,
        ``baseline``, ``accuracy``, ``gain``, ``gain_sd`` (over seeds), ``gain_low`` and
        ``gain_high`` (95 %, bootstrap over the class's groups, for these trained networks).
        Empty where the baseline is not there. A class has few groups: its interval is rough, and
        among many classes some gain by chance.
    """
    rows: list[dict[str, Any]] = []
    for method in outcomes.methods:
        seeds = outcomes.seeds(method, BASELINE)
        if method == BASELINE or not seeds:
            continue
        baseline, right = (outcomes.stacked(name, seeds) for name in (BASELINE, method))
        for class_name, index in outcomes.videos.groupby("class_name").indices.items():
            about = {"method": method, "class_name": class_name, "seeds": len(seeds)}
            groups = Groups.of(outcomes.videos["group"].iloc[index])
            rows.append(about | _gain(baseline[index], right[index], groups, settings))
    return pd.DataFrame(rows, columns=list(CLASS_COLUMNS))


CLASS_COLUMNS = (
    "method", "class_name", "videos", "groups", "seeds", "baseline", "accuracy",
    "gain", "gain_sd", "gain_low", "gain_high",
)  # fmt: skip


def _gain(baseline: Floats, right: Floats, groups: Groups, settings: Settings) -> dict[str, Any]:
    differs = right - baseline  # (V of the class, S)
    sums = groups.sums(differs.mean(axis=1, keepdims=True))
    rng = np.random.default_rng(settings.seed)
    low, high = group_bootstrap(sums, groups.sizes, settings.resamples, rng)
    return {
        "videos": len(differs),
        "groups": len(groups.sizes),
        "baseline": baseline.mean(),
        "accuracy": right.mean(),
        "gain": differs.mean(),
        "gain_sd": sample_sd(differs.mean(axis=0)),
        "gain_low": low[0],
        "gain_high": high[0],
    }


def rank_correlation(evidence: Floats, gain: Floats, seed: int) -> dict[str, Any]:
    """Return Spearman's correlation of the gains of classes with the evidence in their sound.

    Args:
        evidence: (C,) how well each class can be told from its sound; NaN where not known.
        gain: (C,) its gain.
        seed: Of the pairings that are drawn.

    Returns:
        ``classes`` (with both), ``rho`` in [-1, 1], ``rho_low``, ``rho_high`` (95 %, by Fisher's z
        with the variance of Bonett and Wright) and ``p_value`` (two-sided, from pairing classes
        anew; every pairing is tried up to seven classes). NaN with fewer than four classes, or
        where one side does not vary.

    Source: D. Bonett, T. Wright, Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations, 2000.
    """
    known = np.isfinite(evidence) & np.isfinite(gain)
    x, y = stats.rankdata(evidence[known]), stats.rankdata(gain[known])
    found = {"classes": int(known.sum()), "rho": np.nan, "rho_low": np.nan, "rho_high": np.nan}
    if len(x) < FEWEST_CLASSES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return found | {"p_value": np.nan}
    test = stats.permutation_test(
        (x,),
        lambda ranks, axis: _pearson(ranks, y),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=_PAIRINGS,
        rng=np.random.default_rng(seed),
    )
    rho = float(test.statistic)
    low, high = _fisher_interval(rho, len(x))
    return found | {"rho": rho, "rho_low": low, "rho_high": high, "p_value": float(test.pvalue)}


def _pearson(x: Floats, y: Floats) -> Floats:
    """Return the correlation of each row of x (..., C) with y (C,)."""
    a, b = x - x.mean(axis=-1, keepdims=True), y - y.mean()
    # rounded, so that equal correlations of different pairings count as equal
    return np.asarray(np.round((a @ b) / np.sqrt((a**2).sum(-1) * (b @ b)), 12))


def _fisher_interval(rho: float, classes: int) -> tuple[float, float]:
    if abs(rho) >= 1:
        return rho, rho
    error = np.sqrt((1 + rho**2 / 2) / (classes - 3))
    reach = stats.norm.ppf((1 + LEVEL) / 2) * error
    return float(np.tanh(np.arctanh(rho) - reach)), float(np.tanh(np.arctanh(rho) + reach))
