"""How surprising an association is: a permutation test by groups, and false discovery rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.stats import hypergeom

from cca_tools.associations.settings import SILENT, Progress
from cca_tools.associations.units import Integers, Units

Floats = NDArray[np.float64]
_CELLS_AT_ONCE = 1 << 25  # of units by audio classes: 128 MB of float32
_SHARES_AT_ONCE = 1 << 21  # of draws by audio classes: 16 MB of float64


def permutation_p(
    units: Units,
    labels: Integers,
    num_codes: int,
    permutations: int,
    seed: int,
    progress: Progress = SILENT,
) -> Floats:
    """Return the one-sided p-value of each pair of video class and audio class.

    Null hypothesis: which class a unit has tells nothing of its audio classes. Permuting the
    labels of the units keeps the videos of a unit together and the number of units of a class;
    it gives a class of n units a random set of n of all the units. Such sets are drawn, and
    classes of equally many units share theirs. The statistic is the share, videos with the audio
    class over videos; p = (1 + number of draws with a share at least the observed one) /
    (1 + number of draws).

    Args:
        units: All U units of the dataset.
        labels: (U,) the video class of each unit, in 0..C-1.
        num_codes: M, the number of audio classes.
        permutations: Draws, at least 1.
        seed: Of the draws.
        progress: Told of the draws.

    Returns:
        (C, M) float64 in (0, 1]; 1 for a pair that never occurs.

    Source: E. Pitman, Significance tests which may be applied to samples from any populations,
    1937; the two ones: B. Phipson, G. Smyth, Permutation p-values should never be zero, 2010.
    """
    counts = sparse.csc_matrix(
        (units.videos.astype(np.float32), (units.unit, units.code)),
        shape=(len(units), num_codes),
    )
    owned = np.bincount(labels)  # units of each class
    p_values = np.ones((len(owned), num_codes))
    columns = max(1, _CELLS_AT_ONCE // len(units))
    rounds = len(np.unique(owned[owned > 0])) * -(-num_codes // columns)
    advance = progress.begin("permutation test", rounds * permutations)
    for start in range(0, num_codes, columns):
        # every block of audio classes gets the same draws, so that its size changes no result
        rng = np.random.default_rng(seed)
        block = slice(start, start + columns)
        sample = _Sample(counts[:, block].toarray(), units.sizes.astype(np.float64), num_codes)
        for size in np.unique(owned[owned > 0]):
            classes = np.flatnonzero(owned == size)
            observed = np.stack([sample.shares_of(labels == one) for one in classes])
            exceeded = sample.exceedances(observed, int(size), permutations, rng, advance)
            p_values[classes, block] = (1 + exceeded) / (1 + permutations)
    return p_values


@dataclass(frozen=True)
class _Sample:
    """Units to draw from: (U, some of M) videos with each audio class, and (U,) videos."""

    counts: NDArray[np.float32]
    sizes: Floats
    num_codes: int

    def shares_of(self, chosen: NDArray[np.bool_]) -> Floats:
        """Return the (M,) shares of some units."""
        videos = self.counts[chosen].sum(axis=0, dtype=np.float64)
        shares: Floats = videos / self.sizes[chosen].sum()
        return shares

    def exceedances(
        self,
        observed: Floats,
        size: int,
        draws: int,
        rng: np.random.Generator,
        advance: Callable[[int], object],
    ) -> Integers:
        """Return (C, M) how many draws of ``size`` units reach the (C, M) observed shares."""
        exceeded = np.zeros(observed.shape, dtype=np.int64)
        step = max(1, _SHARES_AT_ONCE // max(self.num_codes, size))
        for start in range(0, draws, step):
            number = min(step, draws - start)
            shares = self._draw(size, number, rng)
            shares.sort(axis=1)
            for code, sorted_shares in enumerate(shares):
                exceeded[:, code] += number - np.searchsorted(sorted_shares, observed[:, code])
            advance(number)
        return exceeded

    def _draw(self, size: int, draws: int, rng: np.random.Generator) -> Floats:
        """Return the (M, draws) shares of random sets of ``size`` units.

        Shares are quotients of whole numbers in float64, so that equal ones compare as equal.
        """
        total = len(self.sizes)
        fewer = min(size, total - size)  # drawing those left out is as good
        chosen = random_subsets(total, fewer, draws, rng)
        indicator = sparse.csr_matrix(
            (np.ones(chosen.size, np.float32), chosen.ravel(), np.arange(draws + 1) * fewer),
            shape=(draws, total),
        )
        videos = (indicator @ self.counts).astype(np.float64)
        sizes = self.sizes[chosen].sum(axis=1)
        if fewer < size:
            videos = self.counts.sum(axis=0, dtype=np.float64) - videos
            sizes = self.sizes.sum() - sizes
        return np.ascontiguousarray((videos / sizes[:, None]).T)


def random_subsets(total: int, size: int, draws: int, rng: np.random.Generator) -> Integers:
    """Return (draws, size) random sets of different numbers from 0..total-1, all equally likely.

    Numbers that come twice are drawn anew until none does. That treats all numbers alike, so all
    sets are equally likely.
    """
    chosen = rng.integers(0, total, (draws, size))
    while size > 1:
        chosen.sort(axis=1)
        row, column = np.nonzero(chosen[:, 1:] == chosen[:, :-1])
        if not len(row):
            break
        chosen[row, column] = rng.integers(0, total, len(row))
    return chosen


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
