"""How well the class can be told from audio alone: a linear probe on videos it has not seen."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import comb
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cca_tools.associations.intervals import certain_low, share_interval
from cca_tools.associations.units import Units
from cca_tools.errors import DataError
from cca_tools.suggestions.folds import group_folds

NUM_FOLDS = 5
NUM_WAYS = 10  # what `ten_way` chooses among
COLUMNS = (
    "class_name", "videos", "groups", "correct", "accuracy", "accuracy_low", "accuracy_high",
    "ten_way",
)  # fmt: skip
_STRENGTH = 0.01  # inverse penalty of the probe, on standardised features
_MOST_STEPS = 300
_LARGE, _REDUCED = 150_000, 256  # classes x dimensions from which on so many components are kept
_RESAMPLES = 1000

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def probe(
    embeddings: Floats,
    class_names: ArrayLike,
    groups: ArrayLike,
    train_mask: Flags | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how often a linear probe tells the class of videos whose group it has not seen.

    The probe is multinomial logistic regression on standardised features, with an inverse penalty
    of 0.01; from 150,000 classes x dimensions on, on their first 256 principal components.
    Everything is fitted on the training videos alone.

    Args:
        embeddings: (N, D) finite features of audio.
        class_names: (N,) the class of each video.
        groups: (N,) videos of one group come from one recording; across classes too.
        train_mask: (N,) trains on the marked videos and tests on the others. None: five folds,
            so that every video is tested once.
        seed: Of the folds and the resamples.

    Returns:
        One row a class that was tested, in alphabetical order, with the columns of ``COLUMNS``:
        ``videos`` tested, ``groups`` of these, ``correct``, ``accuracy`` = correct / videos with
        the ends of its 95 % interval from a bootstrap over groups, and ``ten_way``: the expected
        accuracy if the probe had to choose among ten classes only (see `ten_way`). Classes that
        cannot be tested on groups apart from training are left out.

    Raises:
        DataError: A feature is not finite, or fewer than two classes can be tested.
    """
    names, units = np.asarray(class_names, dtype=str), np.asarray(groups, dtype=str)
    if not np.isfinite(embeddings).all():
        raise DataError("the audio features have values that are not finite", "Make them again")
    rng = np.random.default_rng(seed)
    if train_mask is None:
        usable = _can_be_held_out(names, units)
        embeddings, names, units = embeddings[usable], names[usable], units[usable]
        folds = group_folds(names, units, NUM_FOLDS, rng)
        rounds = [(folds != fold, folds == fold) for fold in np.unique(folds)]
    else:
        rounds = [(train_mask, ~train_mask & np.isin(names, np.unique(names[train_mask])))]
    classes, target = np.unique(names, return_inverse=True)
    tested = np.zeros(len(names), dtype=bool)
    above = np.zeros(len(names), dtype=np.int64)
    for train, test in rounds:
        if test.any() and len(np.unique(target[train])) > 1:
            above[test] = _num_above(embeddings, target, (train, test), len(classes))
            tested |= test
    if len(np.unique(target[tested])) < 2:
        raise DataError(
            "audio alone cannot be tested: fewer than two classes have videos of two groups",
            "Index more recordings a class, or leave the audio features out",
        )
    return _summary(names[tested], units[tested], above[tested], rng)


def _can_be_held_out(names: NDArray[np.str_], groups: NDArray[np.str_]) -> Flags:
    pairs = pd.DataFrame({"name": names, "group": groups})
    flags: Flags = (pairs.groupby("name")["group"].transform("nunique") > 1).to_numpy()
    return flags


def _num_above(
    embeddings: Floats, target: NDArray[np.int64], parts: tuple[Flags, Flags], num_classes: int
) -> NDArray[np.int64]:
    """Return, for each tested video, how many classes the probe holds likelier than its own."""
    train, test = parts
    steps = [StandardScaler()]
    if num_classes * embeddings.shape[1] > _LARGE and train.sum() > _REDUCED:
        steps.append(PCA(_REDUCED, svd_solver="randomized", random_state=0))
    model = make_pipeline(*steps, LogisticRegression(C=_STRENGTH, max_iter=_MOST_STEPS, tol=1e-3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last steps change no class
        model.fit(embeddings[train], target[train])
    probs = np.zeros((int(test.sum()), num_classes))
    probs[:, model.classes_] = model.predict_proba(embeddings[test])
    own = probs[np.arange(len(probs)), target[test]]
    above: NDArray[np.int64] = (probs > own[:, None]).sum(axis=1)
    return np.where(own > 0, above, num_classes - 1)  # a class that training lacked comes last


def ten_way(above: NDArray[np.int64], num_classes: int) -> NDArray[np.float64]:
    """Return the chance that none of nine other classes, drawn at random, is held likelier.

    With A of the C - 1 others above the true class it is binom(C - 1 - A, 9) / binom(C - 1, 9).
    So accuracies of datasets with different numbers of classes can be compared.

    Args:
        above: (N,) A of each video.
        num_classes: C; with fewer than ten the value is NaN.

    >>> ten_way(np.array([0, 1, 9]), 11).round(3).tolist()
    [1.0, 0.1, 0.0]
    """
    if num_classes < NUM_WAYS:
        return np.full(len(above), np.nan)
    others = num_classes - 1
    free = np.asarray(comb(others - above, NUM_WAYS - 1), dtype=np.float64)
    return free / float(comb(others, NUM_WAYS - 1))


def _summary(
    names: NDArray[np.str_],
    groups: NDArray[np.str_],
    above: NDArray[np.int64],
    rng: np.random.Generator,
) -> pd.DataFrame:
    videos = pd.DataFrame({"class_name": names, "group": groups, "correct": above == 0})
    videos["ten_way"] = ten_way(above, len(np.unique(names)))
    rows = []
    for name, mine in videos.groupby("class_name"):
        by_group = mine.groupby("group")["correct"].agg(["size", "sum"])
        low, high = _interval(by_group, rng)
        correct = int(mine["correct"].sum())
        ends = correct / len(mine), low, high
        ways = float(mine["ten_way"].mean())
        rows.append((name, len(mine), len(by_group), correct, *ends, ways))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _interval(by_group: pd.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of the part of right videos, from resampled groups."""
    sizes, right = (by_group[name].to_numpy(dtype=np.int64) for name in ("size", "sum"))
    hit = np.flatnonzero(right)
    units = Units(sizes, hit, np.zeros(len(hit), dtype=np.int64), right[hit])
    low, high = (float(end[0]) for end in share_interval(units, 1, _RESAMPLES, rng))
    if len(sizes) > 1 and (right == sizes).all():
        low = float(certain_low(len(sizes)))
    if len(sizes) > 1 and not right.any():
        high = 1 - float(certain_low(len(sizes)))
    return low, high
