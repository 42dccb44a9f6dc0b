"""Intervals, p-values and q-values of all pairs, by what the groups allow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
from numpy.typing import NDArray

from cca_tools.associations.counting import Counts, fetch_units, iterate_units
from cca_tools.associations.database import usable_threads
from cca_tools.associations.intervals import certain_low, share_interval, single_video_interval
from cca_tools.associations.settings import Progress, Settings
from cca_tools.associations.significance import (
    benjamini_yekutieli,
    permutation_p,
    single_video_p,
)
from cca_tools.associations.table import Uncertainty
from cca_tools.associations.units import Integers, Units

Floats = NDArray[np.float64]
_AFFORDABLE = 3 * 10**10  # additions in about a minute, most of them out of the cache
_COST_OF_SORTING = 100  # additions a draw and audio class


def estimate_uncertainty(
    database: duckdb.DuckDBPyConnection, counts: Counts, settings: Settings, progress: Progress
) -> Uncertainty:
    """Return intervals, p-values and q-values of the pairs that occur.

    Args:
        database: With the table ``tagged``.
        counts: Made of the same table.
        settings: How many resamples and permutations, and the seed.
        progress: Told of every video class and every permutation.
    """
    low, high = _intervals(database, counts, settings, progress)
    p_values, method = _p_values(database, counts, settings, progress)
    return Uncertainty(
        share_low=low,
        share_high=high,
        p_value=p_values,
        q_value=benjamini_yekutieli(p_values, num_tested_pairs(counts)),
        method=method,
    )


def num_tested_pairs(counts: Counts) -> int:
    """Return how many pairs the test is about: also those that could occur and do not.

    Every video class with counted videos times every audio class in any counted video's top-k.
    Leaving out the pairs that never occur would make the others look more surprising than they
    are, since which ones occur is itself a result.
    """
    return int((counts.support > 0).sum()) * len(np.unique(counts.code))


def _single(counts: Counts) -> NDArray[np.bool_]:
    """Return whether every unit of each video class is one video."""
    single: NDArray[np.bool_] = counts.classes["groups"].to_numpy() == counts.support
    return single


def _intervals(
    database: duckdb.DuckDBPyConnection, counts: Counts, settings: Settings, progress: Progress
) -> tuple[Floats, Floats]:
    if settings.bootstrap == 0:
        undefined = np.full(len(counts.videos), np.nan)
        return undefined, undefined.copy()
    low, high = single_video_interval(counts.videos, counts.support[counts.class_id])
    drawn = ~_single(counts)
    advance = progress.begin("bootstrap", int(drawn.sum()))

    def fill(class_and_units: tuple[int, Units]) -> None:
        class_id, units = class_and_units
        rng = np.random.default_rng((settings.seed, class_id))  # of its own: threads race
        pairs = slice(*np.searchsorted(counts.class_id, [class_id, class_id + 1]))
        codes = counts.code[pairs]
        lows, highs = share_interval(units, int(codes.max()) + 1, settings.bootstrap, rng)
        low[pairs], high[pairs] = lows[codes], highs[codes]
        advance(1)

    with ThreadPoolExecutor(usable_threads()) as pool:
        for part in iterate_units(database, counts.support, drawn):
            list(pool.map(fill, part))
    groups = counts.classes["groups"].to_numpy()[counts.class_id]
    certain = (counts.videos == counts.support[counts.class_id]) & (groups > 1)
    low[certain] = certain_low(groups[certain])
    return low, high


def _p_values(
    database: duckdb.DuckDBPyConnection, counts: Counts, settings: Settings, progress: Progress
) -> tuple[Floats, str]:
    """Return the p-values, and how they came about."""
    if settings.permutations == 0:
        return np.full(len(counts.videos), np.nan), "none"
    if _single(counts).all():
        total = np.bincount(counts.code, weights=counts.videos).astype(np.int64)[counts.code]
        num_videos = int(counts.support.sum())
        support = counts.support[counts.class_id]
        return single_video_p(counts.videos, support, total, num_videos), "exact"
    owner, units = fetch_units(database, 0, len(counts.class_names) - 1)
    num_codes = int(counts.code.max()) + 1
    number = settings.permutations or affordable_permutations(owner, num_codes)
    p_values = permutation_p(units, owner, num_codes, number, settings.seed, progress)
    return p_values[counts.class_id, counts.code], f"{number} permutations"


def affordable_permutations(owner: Integers, num_codes: int) -> int:
    """Return how many permutations about a minute allows, from 1,000 to 200,000.

    It depends on the data alone, so that the same data give the same p-values anywhere.

    Args:
        owner: (U,) the video class of each unit.
        num_codes: Number of audio classes.
    """
    sizes = np.unique(np.bincount(owner))
    drawn = np.minimum(sizes, len(owner) - sizes)
    cost = int((drawn + _COST_OF_SORTING).sum()) * num_codes
    return int(np.clip(_AFFORDABLE // max(cost, 1), 1_000, 200_000))
