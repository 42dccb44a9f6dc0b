"""Recognition: is the right class among the k best, per clip and per video."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def topk_hits(scores: ArrayLike, targets: ArrayLike, k: int) -> Floats:
    """Return the chance that each row's own class is among its k best, ties in random order.

    With a classes above the own one and t equal to it (itself among them), it is
    :math:`(k - a) / t`, cut to [0, 1]: 0 or 1 where nothing ties, and unchanged by any order of
    the classes and any increasing function of the scores. A row with a NaN says nothing and is
    wrong.

    Args:
        scores: (N, C) logits or probabilities.
        targets: (N,) the own class, in 0..C-1.
        k: At least 1.

    Raises:
        ValueError: k is below 1, or a target is none of the C classes.

    >>> topk_hits([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], [2, 0], 1).tolist()
    [0.0, 0.5]
    """
    values, own_class = np.asarray(scores), np.asarray(targets, dtype=np.int64)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if own_class.size and not 0 <= own_class.min() <= own_class.max() < values.shape[1]:
        raise ValueError(f"targets must be in 0..{values.shape[1] - 1}")
    own = np.take_along_axis(values, own_class[:, None], axis=1)  # (N, 1)
    above = (values > own).sum(axis=1)
    tied = (values == own).sum(axis=1)  # 0 only where the own score is NaN
    hits: Floats = np.clip((k - above) / np.maximum(tied, 1), 0.0, 1.0)
    hits[np.isnan(values).any(axis=1)] = 0.0
    return hits


def confusion(probs: ArrayLike, targets: ArrayLike) -> Floats:
    """Return how many videos of each class (row) are taken for each class (column): (C, C).

    A video whose best classes tie counts in equal parts for each of them, and one with a NaN
    for none, so a row sums to the videos of its class that say something.

    >>> confusion([[0.9, 0.1], [0.5, 0.5]], [0, 1]).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    values, own_class = np.asarray(probs), np.asarray(targets, dtype=np.int64)
    best = (values == values.max(axis=1, keepdims=True)).astype(np.float64)
    parts = best / np.maximum(best.sum(axis=1, keepdims=True), 1)
    counts = np.zeros((values.shape[1], values.shape[1]))
    np.add.at(counts, own_class, parts)
    return counts
