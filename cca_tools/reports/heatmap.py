"""What a heat map of associations shows: which columns, which values, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist


def choose_columns(pairs: pd.DataFrame, measure: str, most: int) -> list[str]:
    """Return the MIDs of the audio classes that a heat map has room for.

    Every video class names its audio classes by falling ``measure``; all first choices come
    first, then all second ones, and so on, within a round the higher value first. So each video
    class is heard as long as there is room.

    Args:
        pairs: ``class_name``, ``mid``, and the measure.
        measure: The column that decides.
        most: How many to choose; fewer if fewer occur.

    >>> pairs = pd.DataFrame({"class_name": ["Dog", "Dog", "Owl"], "mid": ["bark", "pant", "hoot"],
    ...                       "log_odds_z": [9.0, 8.0, 1.0]})
    >>> choose_columns(pairs, "log_odds_z", 2)
    ['bark', 'hoot']
    """
    told = pairs[["class_name", "mid"]].assign(value=pairs[measure].fillna(-np.inf))
    told = told.sort_values(["value", "class_name", "mid"], ascending=[False, True, True])
    told["round"] = told.groupby("class_name").cumcount()
    told = told.sort_values(["round", "value", "class_name"], ascending=[True, False, True])
    return [str(mid) for mid in told["mid"].drop_duplicates()[:most]]


def matrix(pairs: pd.DataFrame, measure: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return video classes by audio classes (by name); NaN where a pair never occurs.

    Args:
        pairs: A table of associations.
        measure: The column that fills the cells.
        columns: MIDs, in the order wanted.
    """
    names = pairs.drop_duplicates("mid").set_index("mid")["tag"]
    wide = pairs.pivot(index="class_name", columns="mid", values=measure)
    wide = wide.reindex(columns=list(columns))
    wide.columns = pd.Index([names[mid] for mid in columns])
    return wide


def cluster_order(values: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Return an order of rows and one of columns in which similar ones are neighbours.

    Average linkage on cosine distances, with the leaves in optimal order.
    """
    numbers = values.to_numpy(dtype=np.float64)
    return _leaves(numbers), _leaves(numbers.T)


def _leaves(rows: NDArray[np.float64]) -> list[int]:
    if len(rows) < 3:
        return list(range(len(rows)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    tree = linkage(pdist(unit), method="average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
