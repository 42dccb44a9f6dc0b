"""Intervals of shares: a percentile bootstrap over groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.stats import binom

from cca_tools.associations.units import Units

LEVEL = 0.95
_DRAWS_AT_ONCE = 1 << 17  # keeps the weights of one step in the cache

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]


def share_interval(
    units: Units, num_codes: int, resamples: int, rng: np.random.Generator
) -> Interval:
    """Return the ends of the 95 % percentile intervals of one video class's shares.

    A resample draws as many units as there are, with replacement; its share is the number of
    drawn videos with the audio class over the number of drawn videos. The ends are the 2.5 % and
    97.5 % quantiles over the resamples, linearly interpolated.

    Args:
        units: The units of this video class only.
        num_codes: M, the number of audio classes.
        resamples: B; 0 leaves the intervals undefined.
        rng: Source of the draws.

    Returns:
        Lower and upper ends, each (M,) float64 in [0, 1]. NaN with B = 0 and with fewer than two
        units, which tell nothing of the variation between them.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if resamples == 0 or len(units) < 2:
        return np.full(num_codes, np.nan), np.full(num_codes, np.nan)
    shares = resampled_shares(units, num_codes, resamples, rng)
    shares.sort(axis=1)
    return _sorted_quantile(shares, (1 - LEVEL) / 2), _sorted_quantile(shares, (1 + LEVEL) / 2)


def single_video_interval(videos: ArrayLike, support: ArrayLike) -> Interval:
    """Return the same interval where every unit is one video, without drawing.

    The resampled count is then binomial with v / s as chance, so its quantiles are those of
    infinitely many resamples.

    Args:
        videos: (P,) v, videos with the audio class.
        support: (P,) s, videos of the video class; with fewer than two the ends are NaN.

    >>> low, high = single_video_interval([5], [10])
    >>> low.tolist(), high.tolist()
    ([0.2], [0.8])
    """
    v, s = np.broadcast_arrays(np.asarray(videos, float), np.asarray(support, float))
    ends = (binom.ppf(part, s, v / s) / s for part in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    low, high = (np.where(s < 2, np.nan, np.clip(end, 0.0, 1.0)) for end in ends)
    return low, high


def certain_low(groups: ArrayLike) -> Floats:
    """Return the lower end where every video of a class has the audio class.

    Resampling then gives nothing but shares of 1, however few groups there are. The end taken is
    Clopper and Pearson's for n successes in n independent groups: the chance p with p**n = 2.5 %.

    Args:
        groups: (P,) n, independent groups of the video class.

    >>> certain_low([2, 100]).round(3).tolist()
    [0.158, 0.964]
    """
    n = np.asarray(groups, dtype=np.float64)
    low: Floats = ((1 - LEVEL) / 2) ** (1 / np.maximum(n, 1))
    return low


def resampled_shares(
    units: Units, num_codes: int, resamples: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return (M, B) shares, one column a resample of the units; see ``share_interval``."""
    size = len(units)
    # whole numbers in float32: exact up to 2**24, and rounding does no harm beyond
    counts: sparse.csr_matrix[np.float32] = sparse.csr_matrix(
        (units.videos.astype(np.float32), (units.code, units.unit)), shape=(num_codes, size)
    )
    sizes = units.sizes.astype(np.float32)
    shares = np.empty((num_codes, resamples), dtype=np.float32)
    step = max(1, _DRAWS_AT_ONCE // size)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        weights = _multinomial(size, stop - start, rng).astype(np.float32)  # (step, U)
        drawn = counts @ np.ascontiguousarray(weights.T)  # (M, step)
        shares[:, start:stop] = drawn / (weights @ sizes)
    return shares


def _multinomial(size: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (resamples, size) how often each of ``size`` units is drawn in ``size`` draws."""
    draws = rng.integers(0, size, size=(resamples, size), dtype=np.int32)
    cells = draws + np.arange(resamples, dtype=np.int64)[:, None] * size
    times: NDArray[np.int64] = np.bincount(cells.ravel(), minlength=resamples * size)
    return times.reshape(resamples, size)


def _sorted_quantile(values: NDArray[np.float32], part: float) -> Floats:
    """Return the quantile of each sorted row, linearly interpolated."""
    position = part * (values.shape[1] - 1)
    below = int(position)
    above = min(below + 1, values.shape[1] - 1)
    low, high = (values[:, index].astype(np.float64) for index in (below, above))
    value: Floats = low + (high - low) * (position - below)
    return value
