"""How surprising an association is: a permutation test by groups, and false discovery rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom

from cca_tools.associations.settings import SILENT, Progress
from cca_tools.associations.units import Integers, Units

Floats = NDArray[np.float64]


def permutation_p(
    units: Units,
    labels: Integers,
    num_codes: int,
    permutations: int,
    rng: np.random.Generator,
    progress: Progress = SILENT,
) -> Floats:
    """Return the one-sided p-value of each pair of video class and audio class.

    Null hypothesis: which class a unit has tells nothing of its audio classes. The labels are
    dealt out anew among the units, so that the videos of a unit stay together and a class keeps
    its number of units. The statistic is the share, videos with the audio class over videos;
    p = (1 + number of permutations with a share at least the observed one) / (1 + permutations).

    Args:
        units: All U units of the dataset.
        labels: (U,) the video class of each unit, in 0..C-1.
        num_codes: M, the number of audio classes.
        permutations: At least 1.
        rng: Source of the permutations.
        progress: Told of every permutation.

    Returns:
        (C, M) float64 in (0, 1]; 1 for a pair that never occurs.
    """
    num_classes = int(labels.max(initial=-1)) + 1
    observed, support = _count(units, labels, (num_classes, num_codes))
    exceeded = np.zeros(observed.shape, dtype=np.int64)
    advance = progress.begin("permutation test", permutations)
    for _ in range(permutations):
        permuted, permuted_support = _count(units, rng.permutation(labels), observed.shape)
        # shares compared by their cross products: whole numbers, so that ties are ties
        exceeded += permuted * support[:, None] >= observed * permuted_support[:, None]
        advance(1)
    return (1 + exceeded) / (1 + permutations)


def _count(units: Units, labels: Integers, shape: tuple[int, int]) -> tuple[Integers, Integers]:
    """Return videos with each audio class (C, M), and videos (C,), of each video class."""
    num_classes, num_codes = shape
    cells = labels[units.unit] * num_codes + units.code
    videos = np.bincount(cells, weights=units.videos, minlength=num_classes * num_codes)
    support = np.bincount(labels, weights=units.sizes, minlength=num_classes)
    return videos.astype(np.int64).reshape(shape), support.astype(np.int64)


def single_video_p(
    videos: ArrayLike, support: ArrayLike, total: ArrayLike, num_videos: int
) -> Floats:
    """Return the same p-value where every unit is one video, as though by all permutations.

    The permuted count is then hypergeometric, and p its upper tail: Fisher's exact test.

    Args:
        videos: (P,) videos with both.
        support: (P,) videos of the video class.
        total: (P,) videos with the audio class.
        num_videos: N, all videos.

    >>> single_video_p([2], [2], [2], 4).round(4).tolist()  # 1 of the 6 ways to choose 2 of 4
    [0.1667]
    """
    v, s, t = np.broadcast_arrays(*(np.asarray(value) for value in (videos, support, total)))
    tail = hypergeom.sf(v - 1, num_videos, t, s)
    return np.clip(tail, np.finfo(np.float64).tiny, 1.0)


def benjamini_yekutieli(p_values: ArrayLike, num_tests: int | None = None) -> Floats:
    """Return q-values that hold the false discovery rate under any dependence.

    With p_(1) <= ... <= p_(m): q_(i) = min over j >= i of p_(j) m (1 + 1/2 + ... + 1/m) / j, at
    most 1.

    Args:
        p_values: (P,) in [0, 1]; where any is NaN, all q-values are.
        num_tests: m; tests beyond the P given have p = 1. Default: P.

    Returns:
        (P,) float64, in the order of ``p_values``.

    Source: Y. Benjamini, D. Yekutieli, The control of the false discovery rate in multiple
    testing under dependency, Annals of Statistics 2001, theorem 1.3.

    >>> benjamini_yekutieli([0.01, 0.04, 0.5]).round(3).tolist()
    [0.055, 0.11, 0.917]
    """
    p = np.asarray(p_values, dtype=np.float64)
    tests = len(p) if num_tests is None else num_tests
    if np.isnan(p).any() or not len(p):
        return np.full(len(p), np.nan)
    harmonic = (1.0 / np.arange(1, tests + 1)).sum()
    order = np.argsort(p)
    stepped = p[order] * tests * harmonic / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q
