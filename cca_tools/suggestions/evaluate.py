"""How far suggestions agree with labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.reference.ucf51 import LEVELS

RESAMPLES = 10_000
Interval = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """Suggested levels beside known ones.

    Args:
        classes: How many classes have both.
        accuracy: Part of them with the same level.
        accuracy_interval: 95 %, percentile bootstrap over classes.
        kappa: Quadratic weighted kappa; NaN where both are of one and the same level throughout.
        kappa_interval: Likewise; resamples without a kappa are left out.
        confusion: (3, 3) counts; rows are the labels, columns the suggestions, highly first.
    """

    classes: int
    accuracy: float
    accuracy_interval: Interval
    kappa: float
    kappa_interval: Interval
    confusion: pd.DataFrame


def agreement(suggested: Mapping[str, str], known: Mapping[str, str], seed: int = 0) -> Agreement:
    """Compare the levels of the classes that have both.

    Args:
        suggested: Class name -> highly, weakly or not.
        known: Likewise; other levels are left out.
        seed: Of the resamples.

    >>> found = agreement({"a": "highly", "b": "not"}, {"a": "highly", "b": "weakly"})
    >>> found.accuracy, round(found.kappa, 3)
    (0.5, 0.667)
    """
    names = [name for name in suggested if known.get(name) in LEVELS]
    place = {level: number for number, level in enumerate(LEVELS)}
    counts = np.zeros((3, 3), dtype=np.int64)
    for name in names:
        counts[place[known[name]], place[suggested[name]]] += 1
    table = pd.DataFrame(counts, index=list(LEVELS), columns=list(LEVELS))
    if not names:
        nothing = (np.nan, np.nan)
        return Agreement(0, np.nan, nothing, np.nan, nothing, table)
    draws = np.random.default_rng(seed).multinomial(
        len(names), counts.ravel() / len(names), size=RESAMPLES
    )
    resampled = draws.reshape(-1, 3, 3)
    return Agreement(
        len(names),
        float(np.trace(counts) / len(names)),
        _interval(np.trace(resampled, axis1=1, axis2=2) / len(names)),
        float(quadratic_kappa(counts[None])[0]),
        _interval(quadratic_kappa(resampled)),
        table,
    )


def quadratic_kappa(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the quadratic weighted kappa of each of (N, K, K) tables of counts.

    1 - sum d^2 n_ij / sum d^2 e_ij with d = i - j and e the counts that the margins give by
    chance; NaN where the latter sum is 0. Source: J. Cohen, Weighted kappa, 1968.

    >>> quadratic_kappa(np.array([[[2, 0, 0], [0, 1, 1], [0, 0, 2]]])).round(4).tolist()
    [0.8889]
    """
    levels = np.arange(counts.shape[-1])
    distance = (levels[:, None] - levels[None, :]) ** 2
    total = counts.sum(axis=(1, 2))
    chance = counts.sum(axis=2)[:, :, None] * counts.sum(axis=1)[:, None, :]
    met = (distance * counts).sum(axis=(1, 2)) * total
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: NDArray[np.float64] = 1 - met / (distance * chance).sum(axis=(1, 2))
    return np.where(np.isfinite(kappa), kappa, np.nan)


def _interval(values: NDArray[np.float64]) -> Interval:
    known = values[np.isfinite(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
