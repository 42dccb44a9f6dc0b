"""Folds for cross-validation that no group of recordings is torn by."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def group_folds(
    class_names: ArrayLike, groups: ArrayLike, num_folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the fold of each video, so that a group lies in one fold only.

    Class by class, the groups that have no fold yet go, in random order, each into the fold that
    has fewest videos of the class. So a class of two groups or more is in two folds or more,
    unless it shares its groups with other classes.

    Args:
        class_names: (N,) the class of each video.
        groups: (N,) what must stay together, across classes too.
        num_folds: At least 2.
        rng: Source of the order.

    >>> names, groups = ["a"] * 4 + ["b"] * 2, ["1", "1", "2", "3", "4", "5"]
    >>> folds = group_folds(names, groups, 2, np.random.default_rng(0))
    >>> bool(folds[0] == folds[1]), sorted(folds[4:].tolist())
    (True, [0, 1])
    """
    classes, class_id = np.unique(np.asarray(class_names, dtype=str), return_inverse=True)
    names, group_id = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    fold_of = np.full(len(names), -1)
    for number in range(len(classes)):
        mine, sizes = np.unique(group_id[class_id == number], return_counts=True)
        size_of = dict(zip(mine.tolist(), sizes.tolist(), strict=True))
        filled = np.zeros(num_folds)
        for group, size in size_of.items():
            if fold_of[group] >= 0:
                filled[fold_of[group]] += size
        # equal folds are taken in random order, else the first would get all that is left over
        order = rng.permutation(num_folds)
        for group in rng.permutation(mine[fold_of[mine] < 0]).tolist():
            fold = int(order[np.argmin(filled[order])])
            fold_of[group] = fold
            filled[fold] += size_of[group]
    return fold_of[group_id]
