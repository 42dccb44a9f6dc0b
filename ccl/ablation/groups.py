"""The groups that test videos fall into: those of a group come from one recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """The groups of the test videos.

    Args:
        code: (V,) the number of each video's group, from 0 without gaps.
    """

    code: NDArray[np.int64]

    @classmethod
    def of(cls, names: pd.Series) -> Groups:
        """Number the groups of a column."""
        return cls(np.asarray(pd.factorize(names, sort=True)[0], dtype=np.int64))

    @property
    def sizes(self) -> Floats:
        """(G,) videos of each group."""
        return np.bincount(self.code).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Return the sums (G, K) over each group of ``values`` (V, K)."""
        total = np.zeros((int(self.code.max(initial=-1)) + 1, values.shape[1]))
        np.add.at(total, self.code, values)
        return total
