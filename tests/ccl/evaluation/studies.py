"""A small study made of arrays."""

from __future__ import annotations

import numpy as np

from ccl.data.frame_store import ArrayStore
from ccl.data.study import Study
from ccl.data.tables import VideoTable

NUM_CLASSES, SIZE = 3, 32


def small_study(num_train=9, num_val=3, num_test=7):
    """Videos whose brightness and grain go with their class.

    Two ranks cannot share seven videos evenly, and batches do not come out even.
    """
    rng = np.random.default_rng(0)
    targets = np.arange(num_train + num_val + num_test) % NUM_CLASSES
    videos = {
        f"v{i}": np.clip(
            rng.normal(60 + 60 * target, 20 + 20 * target, (5 + i % 4, SIZE, SIZE, 3)), 0, 255
        ).astype(np.uint8)
        for i, target in enumerate(targets)
    }
    ends = np.cumsum([num_train, num_val, num_test])
    tables = [
        _table(targets, np.arange(end - count, end))
        for end, count in zip(ends, (num_train, num_val, num_test), strict=True)
    ]
    return Study(tuple(f"class{c}" for c in range(NUM_CLASSES)), *tables, ArrayStore(videos))


def _table(targets, rows):
    return VideoTable(
        tuple(f"v{i}" for i in rows),
        targets[rows].astype(np.int64),
        tuple(f"group{i // 2}" for i in rows),
        rows.astype(np.int64),
        tuple(f"class{t}" for t in targets[rows]),
        rows.astype(np.int64),
    )
