"""The scans of handwritten digits, and who wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

SIDE = 8  # pixels of a scan

# Where each filled form begins in scikit-learn's 1,797 scans, which come form by form: every form
# asks for the same 130 digits, beginning with 0 to 9 three times; up to eight of them are lost.
FORM_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
NUM_FORMS = len(FORM_STARTS)


@dataclass(frozen=True)
class Scans:
    """The scans of handwritten digits.

    Attributes:
        ink: (N, 8, 8) float32 from 0 (paper) to 1 (ink).
        digits: (N,) int64, what is written.
        forms: (N,) int64, the number of the form that each was cut from.
    """

    ink: NDArray[np.float32]
    digits: NDArray[np.int64]
    forms: NDArray[np.int64]

    def of(self, digits: tuple[int, ...], forms: tuple[int, ...]) -> NDArray[np.int64]:
        """Return the numbers of the scans of some digits on some forms, in ascending order."""
        chosen = np.isin(self.digits, digits) & np.isin(self.forms, forms)
        return np.flatnonzero(chosen).astype(np.int64)


@lru_cache(maxsize=1)
def load_scans() -> Scans:
    """Return the test part of the UCI set of handwritten digits, which scikit-learn carries.

    Thirteen people wrote it; who wrote which scan is not published. The order of the digits
    tells where each form begins: there are fourteen forms, so one person may have filled two.

    >>> scans = load_scans()
    >>> scans.ink.shape, int(np.bincount(scans.forms).min())
    ((1797, 8, 8), 122)
    """
    bunch = load_digits()
    digits = np.asarray(bunch.target, dtype=np.int64)
    forms = np.searchsorted(FORM_STARTS, np.arange(len(digits)), side="right") - 1
    return Scans(
        ink=(np.asarray(bunch.images) / 16).astype(np.float32),
        digits=digits,
        forms=forms.astype(np.int64),
    )


def split_forms(seed: int, test_share: float = 1 / 3) -> dict[str, tuple[int, ...]]:
    """Return which forms are for training and which for testing; none is in both.

    >>> {split: len(forms) for split, forms in split_forms(0).items()}
    {'train': 9, 'test': 5}
    """
    order = np.random.default_rng((seed, 0)).permutation(NUM_FORMS).tolist()
    num_test = round(test_share * NUM_FORMS)
    return {"train": tuple(sorted(order[num_test:])), "test": tuple(sorted(order[:num_test]))}
