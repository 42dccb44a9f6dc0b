"""Means over videos and their intervals, by a percentile bootstrap over groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
_DRAWS_AT_ONCE = 1 << 20


class Means(NamedTuple):
    """Means of M measures over one set of videos.

    Args:
        value: (M,) the mean over the videos for which the measure is defined; NaN without any.
        low: (M,) the lower end of its 95 % interval; NaN with fewer than two groups.
        high: (M,) the upper end.
        videos: (M,) for how many videos the measure is defined.
        groups: (M,) how many groups they are of.
    """

    value: Floats
    low: Floats
    high: Floats
    videos: NDArray[np.int64]
    groups: NDArray[np.int64]


def group_sums(
    values: Floats, groups: ArrayLike, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the sum and the number of the defined values of each group: (G, M) both.

    Args:
        values: (N, M), NaN where undefined.
        groups: (N,) which group each video is of, any labels.
        weights: (N,) how much each video counts; None for 1 each.

    >>> sums, numbers = group_sums(np.array([[1.0], [0.0], [np.nan]]), ["a", "a", "b"])
    >>> sums.ravel().tolist(), numbers.ravel().tolist()
    ([1.0, 0.0], [2.0, 0.0])
    """
    names, code = np.unique(np.asarray(groups), return_inverse=True)
    sums, numbers = np.zeros((2, len(names), values.shape[1]))
    each = np.ones((len(values), 1)) if weights is None else weights[:, None]
    np.add.at(sums, code, np.nan_to_num(values) * each)
    np.add.at(numbers, code, ~np.isnan(values) * each)
    return sums, numbers


def resampled_means(
    sums: Floats, numbers: Floats, resamples: int, rng: np.random.Generator
) -> Floats:
    """Return (B, M) means, one row a resample of as many groups as there are, with replacement.

    Clips of one group come from one recording and are not independent; groups are. A resample's
    mean is the sum over the drawn groups over the number of their videos; NaN where it is 0.

    Args:
        sums: (G, M) from `group_sums`.
        numbers: (G, M) from `group_sums`.
        resamples: B.
        rng: Source of the draws.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8.
    """
    size = len(sums)
    means = np.empty((resamples, sums.shape[1]))
    step = max(1, _DRAWS_AT_ONCE // size)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        draws = rng.integers(0, size, size=(rows, size))
        cells = (draws + size * np.arange(rows)[:, None]).ravel()
        times = np.bincount(cells, minlength=rows * size).reshape(rows, size).astype(np.float64)
        with np.errstate(invalid="ignore"):
            means[start : start + rows] = (times @ sums) / (times @ numbers)
    return means


def percentile_interval(means: Floats) -> tuple[Floats, Floats]:
    """Return the 2.5 % and 97.5 % quantiles of each column of (B, M) means; NaN with B = 0.

    >>> low, high = percentile_interval(np.linspace(0, 1, 41)[:, None])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.025], [0.975])
    """
    if not len(means):
        return np.full(means.shape[1], np.nan), np.full(means.shape[1], np.nan)
    low, high = np.nanquantile(means, (_TAIL, 1 - _TAIL), axis=0)
    return low, high


def means_with_intervals(
    values: Floats,
    groups: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
    weights: Floats | None = None,
) -> Means:
    """Return the means of all measures, each with its interval.

    The ends are the 2.5 % and 97.5 % quantiles over the resamples. Where all values are 0 or all
    are 1, resampling finds no variation, and the far end is Clopper and Pearson's for as many
    independent trials as there are groups: the chance p with p**G = 2.5 %.

    Args:
        values: (N, M) in [0, 1], NaN where undefined.
        groups: (N,) which group each video is of.
        resamples: B; 0 leaves the intervals undefined.
        rng: Source of the draws.
        weights: (N,) how much each video counts; None for 1 each.

    >>> means = means_with_intervals(np.ones((4, 1)), [0, 0, 1, 1], 9, np.random.default_rng(0))
    >>> [end.round(3).tolist() for end in means[:3]]
    [[1.0], [0.158], [1.0]]
    """
    sums, numbers = group_sums(values, groups, weights)
    with np.errstate(invalid="ignore"):
        value = sums.sum(axis=0) / numbers.sum(axis=0)
    counted = (numbers > 0).sum(axis=0)
    low, high = np.full((2, values.shape[1]), np.nan)
    told = counted > 1
    if resamples and told.any():
        means = resampled_means(sums[:, told], numbers[:, told], resamples, rng)
        low[told], high[told] = percentile_interval(means)
        end = _TAIL ** (1 / np.maximum(counted, 1))
        low = np.where(told & _all(values, 1.0), end, low)
        high = np.where(told & _all(values, 0.0), 1 - end, high)
    return Means(value, low, high, (~np.isnan(values)).sum(axis=0), counted)


def _all(values: Floats, wanted: float) -> NDArray[np.bool_]:
    """Return for which measures every defined value is the one wanted."""
    result: NDArray[np.bool_] = ((values == wanted) | np.isnan(values)).all(axis=0)
    return result
