"""The order of a video class's audio classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_within(
    class_ids: ArrayLike, criteria: tuple[ArrayLike, ...], label_order: ArrayLike
) -> NDArray[np.int64]:
    """Return each pair's rank among those of its video class, from 1 on, without ties.

    Args:
        class_ids: (P,) the video class of each pair.
        criteria: Arrays (P,), the most important first; more is better, NaN comes last.
        label_order: (P,) decides what the criteria leave open; less comes first.

    >>> rank_within([0, 0, 0, 1], ([5, 7, 7, 1], [0.1, 0.2, 0.9, 0.5]), [0, 1, 2, 0]).tolist()
    [3, 2, 1, 1]
    """
    classes = np.asarray(class_ids)
    descending = [-np.asarray(values, dtype=np.float64) for values in reversed(criteria)]
    order = np.lexsort([np.asarray(label_order), *descending, classes])
    ordered = classes[order]
    first = np.searchsorted(ordered, ordered)
    ranks = np.empty(len(classes), dtype=np.int64)
    ranks[order] = np.arange(len(classes)) - first + 1
    return ranks
