"""Krippendorff's alpha for ordinal levels, with an interval from a bootstrap over units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING = -1


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha, or why there is none.

    Args:
        value: At most 1; 0 is what chance gives; NaN where it is not defined.
        low: Lower end of the interval; NaN where it is not defined.
        high: Upper end.
        units: How many units have two values or more: only these count.
        why_undefined: In words; empty where it is defined.
        undefined_resamples: How many resamples had no alpha and were left out of the interval.
    """

    value: float
    low: float
    high: float
    units: int
    why_undefined: str
    undefined_resamples: int


def ordinal_alpha(
    values: NDArray[np.int64],
    num_levels: int,
    *,
    seed: int = 0,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Alpha:
    r"""Return alpha = 1 - observed / expected disagreement, with squared ordinal distances.

    The squared distance of levels c <= k is (n_c / 2 + n_(c+1) + ... + n_(k-1) + n_k / 2)^2, n_g
    being how often level g was given in units with two values or more.

    Args:
        values: (units, annotators), levels from 0 up, `MISSING` where there is none.
        num_levels: How many levels there are.
        seed: Of the bootstrap.
        resamples: Of whole units, with replacement; 0 gives no interval.
        confidence: Of the percentile interval.

    Source: K. Krippendorff, *Computing Krippendorff's Alpha-Reliability*, 2011.

    >>> round(ordinal_alpha(np.array([[0, 0], [1, 1], [2, 2], [0, 2]]), 3).value, 4)
    0.4167
    """
    tables = coincidences(values, num_levels)
    units = int(tables.any(axis=(1, 2)).sum())
    if units == 0:
        return Alpha(np.nan, np.nan, np.nan, 0, "no unit has two values", 0)
    value = float(_alpha(tables.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return Alpha(np.nan, np.nan, np.nan, units, "all values are equal", 0)
    tables = tables[tables.any(axis=(1, 2))]
    counts = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), resamples)
    flat = counts @ tables.reshape(units, -1)  # (resamples, levels * levels)
    drawn = _alpha(flat.reshape(resamples, num_levels, num_levels))
    defined = drawn[~np.isnan(drawn)]
    tail = 50 * (1 - confidence)
    low, high = np.percentile(defined, [tail, 100 - tail]) if defined.size else (np.nan, np.nan)
    return Alpha(value, float(low), float(high), units, "", int(drawn.size - defined.size))


def coincidences(values: NDArray[np.int64], num_levels: int) -> NDArray[np.float64]:
    """Return how often each two levels meet within each unit: (units, levels, levels).

    Each ordered pair of values of a unit with m values counts 1 / (m - 1).
    """
    counts = (values[:, :, None] == np.arange(num_levels)).sum(axis=1).astype(np.float64)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= np.eye(num_levels) * counts[:, :, None]
    several = np.maximum(counts.sum(axis=1) - 1, 1)
    result: NDArray[np.float64] = pairs / several[:, None, None]
    return result


def _alpha(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return alpha of each coincidence table: (n, levels, levels) -> (n,), NaN where undefined."""
    totals = tables.sum(axis=2)  # (n, levels)
    up_to = np.cumsum(totals, axis=1) - totals / 2  # the middle of each level's ranks
    distance = (up_to[:, :, None] - up_to[:, None, :]) ** 2
    observed = (tables * distance).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2))
    several = totals.sum(axis=1) - 1
    undefined = expected <= 0
    ratio = several * observed / np.where(undefined, 1, expected)
    return np.where(undefined, np.nan, 1 - ratio)
