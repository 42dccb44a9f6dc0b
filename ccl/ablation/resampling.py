"""Intervals and tests that resample groups: the videos of a group share one recording."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
_NUMBERS_AT_ONCE = 1 << 20  # keeps one step's weights within some megabytes
_MOST_SIGNS_TRIED_ALL = 13  # 8,192 sign patterns: fewer than are drawn otherwise

Floats = NDArray[np.float64]


def group_bootstrap(
    sums: Floats, sizes: Floats, resamples: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the ends of the 95 % percentile intervals of K ratios.

    A resample draws as many groups as there are, with replacement; its ratio is the sum over the
    drawn groups over the number of their videos. The columns share each resample, so that
    differences between methods, and seeds within a method, stay paired.

    Args:
        sums: (G, K) of each group, what is averaged over videos: such as right answers.
        sizes: (G,) videos of each group.
        resamples: B; 0 leaves the intervals undefined.
        rng: Source of the draws.

    Returns:
        Lower and upper ends, each (K,). NaN with B = 0 and with fewer than two groups.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.

    >>> rng = np.random.default_rng(0)
    >>> low, high = group_bootstrap(np.array([[1.0], [0.0]]), np.ones(2), 1000, rng)
    >>> low.tolist(), high.tolist()
    ([0.0], [1.0])
    """
    num_groups, num_columns = sums.shape
    if resamples == 0 or num_groups < 2:
        return np.full(num_columns, np.nan), np.full(num_columns, np.nan)
    chance = np.full(num_groups, 1 / num_groups)
    ratios = np.concatenate(
        [
            (weights @ sums) / (weights @ sizes)[:, None]
            for weights in (
                rng.multinomial(num_groups, chance, size=step).astype(np.float64)
                for step in _steps(resamples, num_groups)
            )
        ]
    )  # (B, K)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def permutation_p(differences: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    """Return two-sided p-values of K paired differences, by swapping methods within groups.

    If two sets of trained networks are equally good on every recording, the sign of a group's
    difference is a fair coin: the answers of the two to all videos of a group, under all seeds,
    are swapped at once. With at most 13 groups that differ every pattern of signs is tried and p
    is exact; else patterns are drawn and p = (1 + as extreme) / (1 + drawn).

    The networks are taken as they are: the test says nothing of other seeds.
    See `ccl.ablation.crossed`.

    Args:
        differences: (G, K) of each group, right answers of the method less those of the baseline,
            over all videos and seeds: whole numbers.
        permutations: P, patterns to draw.
        rng: Source of the signs.

    Returns:
        (K,) p-values; 1 where no group differs.

    Source: E. Pitman, Significance tests which may be applied to samples from any populations,
    1937; B. Phipson, G. Smyth, Permutation p-values should never be zero, 2010.

    >>> permutation_p(np.ones((5, 1)), 1000, np.random.default_rng(0)).tolist()
    [0.0625]
    """
    moving = differences[np.any(differences != 0, axis=1)]
    observed = np.abs(moving.sum(axis=0))
    extreme = np.zeros(differences.shape[1])
    if len(moving) <= _MOST_SIGNS_TRIED_ALL:
        patterns = np.arange(1 << len(moving))[:, None] >> np.arange(len(moving)) & 1
        extreme += (np.abs((2.0 * patterns - 1) @ moving) >= observed).sum(axis=0)
        return np.asarray(extreme / (1 << len(moving)))
    for step in _steps(permutations, len(moving)):
        signs = 2.0 * rng.integers(0, 2, size=(step, len(moving)), dtype=np.int8) - 1
        extreme += (np.abs(signs @ moving) >= observed).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + permutations))


def _steps(total: int, width: int) -> Iterator[int]:
    step = max(1, _NUMBERS_AT_ONCE // max(width, 1))
    for start in range(0, total, step):
        yield min(step, total - start)
