"""Holding groups of videos out of the training videos, to choose a model by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np


def hold_out_groups(
    class_names: Sequence[str], groups: Sequence[str], fraction: float, seed: int
) -> set[str]:
    """Return the groups to hold out: about ``fraction`` of each class, whole groups only.

    Classes take turns, those with the fewest groups first, and each takes random groups until its
    share is reached; a group that would overshoot by more than it brings nearer is left. A class
    of three groups or more gives at least one, whatever its share; every class keeps at least one
    to learn from, so a class of one group gives none.

    Args:
        class_names: Class of each training video.
        groups: Group of each training video; a video without one is a group of its own.
        fraction: Share of the videos, from 0 to 1.
        seed: Of the choice.

    >>> sorted(hold_out_groups("aaaabbbb", "11223344", 0.5, seed=0))
    ['1', '3']
    """
    members: dict[str, Counter[str]] = defaultdict(Counter)  # group -> class -> videos
    of_class: dict[str, set[str]] = defaultdict(set)
    for class_name, group in zip(class_names, groups, strict=True):
        members[group][class_name] += 1
        of_class[class_name].add(group)
    left = {class_name: len(some) for class_name, some in of_class.items()}  # groups to learn from
    wanted = {class_name: fraction * n for class_name, n in Counter(class_names).items()}
    for class_name, some in of_class.items():
        if len(some) > 2 and fraction > 0:
            smallest = min(members[group][class_name] for group in some)
            wanted[class_name] = max(wanted[class_name], smallest)
    held: set[str] = set()
    rng = np.random.default_rng(seed)
    for class_name in sorted(of_class, key=lambda name: (len(of_class[name]), name)):
        for group in rng.permutation(sorted(of_class[class_name])).tolist():
            size = members[group][class_name]
            is_nearer = size < 2 * wanted[class_name]
            is_last = any(left[other] == 1 for other in members[group])
            if group in held or not is_nearer or is_last:
                continue
            held.add(group)
            for other, count in members[group].items():
                left[other] -= 1
                wanted[other] -= count
    return held
