"""The difference between two methods, for other recordings and for other seeds at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ccl.ablation.resampling import LEVEL

FEWEST_SEEDS = 3
POWER = 0.8

Floats = NDArray[np.float64]


class Crossed(NamedTuple):
    """A difference with what two crossed sources of chance allow to say of it.

    Args:
        difference: The mean over videos and seeds.
        low: Lower end of the 95 % interval.
        high: Upper end.
        p_value: Two-sided.
        detectable: About the least true difference that such a study finds in 8 of 10 repeats.
        freedom: Degrees of freedom of the t distribution.
    """

    difference: Floats
    low: Floats
    high: Floats
    p_value: Floats
    detectable: Floats
    freedom: Floats


def crossed_difference(differences: Floats, sizes: Floats) -> Crossed:
    """Return the difference between two methods, with its chance over groups and over seeds.

    A trained network is one draw of its method: with another seed it would be some points better
    or worse, on all videos together. Swapping within groups cannot see this, and a t-test over
    seeds cannot see that other recordings would favour the other method. Here both count. With
    d_gs the difference of group g and seed s, the variance of the mean is

        V = V_groups + max(0, V_seeds - V_cells)

    where V_groups comes from the groups' totals, V_seeds from the seeds' means, and V_cells from
    what is left when both are taken out: it is in each of the other two, and is counted once.
    Degrees of freedom after Satterthwaite, with V_seeds and V_cells counted though their
    difference be below zero, which keeps the test on the careful side.

    Args:
        differences: (..., G, S) of each group and seed, right answers of the method less those of
            the baseline. Leading axes are separate studies.
        sizes: (G,) videos of each group.

    Returns:
        Each field (...). All but the difference are NaN with fewer than three seeds, whose spread
        tells next to nothing, and with fewer than two groups. Where nothing varies, p is 1 for no
        difference and the rest is zero wide.

    Source: A. Cameron, J. Gelbach, D. Miller, Robust inference with multiway clustering, 2011;
    A. Owen, The pigeonhole bootstrap, 2007; F. Satterthwaite, 1946. Unlike the first, V_cells has
    its own degrees of freedom, as in a two-way analysis of variance without repeats.
    """
    num_groups, num_seeds = differences.shape[-2:]
    videos = float(sizes.sum())
    difference = differences.sum((-1, -2)) / (videos * num_seeds)
    if num_seeds < FEWEST_SEEDS or num_groups < 2:
        unknown = np.full_like(difference, np.nan)
        return Crossed(difference, *[unknown] * 5)
    groups, seeds, cells = _variances(differences, sizes)
    variance = groups + np.maximum(0.0, seeds - cells)
    spread = (
        groups**2 / (num_groups - 1)
        + seeds**2 / (num_seeds - 1)
        + cells**2 / ((num_groups - 1) * (num_seeds - 1))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(spread > 0, np.maximum(variance**2 / spread, 1.0), num_seeds - 1.0)
        t = np.where(variance > 0, difference / np.sqrt(variance), difference * np.inf)
    t = np.where(difference == 0, 0.0, t)
    reach = stats.t.ppf((1 + LEVEL) / 2, freedom)
    error = np.sqrt(variance)
    return Crossed(
        difference,
        difference - reach * error,
        difference + reach * error,
        np.asarray(2 * stats.t.sf(np.abs(t), freedom)),
        (reach + stats.t.ppf(POWER, freedom)) * error,
        freedom,
    )


def _variances(differences: Floats, sizes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return V_groups, V_seeds and V_cells of the mean, each (...)."""
    num_groups, num_seeds = differences.shape[-2:]
    videos = float(sizes.sum())
    by_seed = differences.sum(-2) / videos  # (..., S)
    mean = by_seed.mean(-1)
    left = differences - sizes[:, None] * mean[..., None, None]  # (..., G, S)
    cells = (
        left
        - left.mean(-1, keepdims=True)
        - sizes[:, None] * (by_seed - mean[..., None])[..., None, :]
    )
    scale = (videos * num_seeds) ** 2
    many, few = num_groups / (num_groups - 1), num_seeds / (num_seeds - 1)
    return (
        many * (left.sum(-1) ** 2).sum(-1) / scale,
        by_seed.var(-1, ddof=1) / num_seeds,
        many * few * (cells**2).sum((-1, -2)) / scale,
    )
