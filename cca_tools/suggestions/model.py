"""Learn levels from features, and predict them for classes whose own label was never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.suggestions.features import columns_of, known_families
from cca_tools.suggestions.ordinal import NUM_LEVELS, OrdinalModel, fit_ordinal
from cca_tools.suggestions.training import Training

PENALTIES = (0.3, 1.0, 3.0, 10.0)
PUBLISHED_WEIGHTS = (1.0, 0.3, 0.0)  # of a published class beside an own one
_INNER_FOLDS = 10
_MOST_LEFT_OUT_SINGLY = 60
_LEAST_OF_A_LEVEL = 5  # own classes of each level from which on the published may go

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What cross-validation inside the training rows decided.

    Args:
        penalty: Of the ridge.
        published_weight: What a published class counts beside an own one.
        loss: Log-loss in nats, summed over the held-out rows.
    """

    penalty: float
    published_weight: float
    loss: float


@dataclass(frozen=True)
class Fitted:
    """A model of some families of features.

    Args:
        families: Those that it uses; none means that it knows the levels' frequency alone.
        base: (3,) frequency of the levels in training.
        model: The proportional-odds model, None without families.
        choice: How it was fitted, None without families.
    """

    families: tuple[str, ...]
    base: Floats
    model: OrdinalModel | None = None
    choice: Choice | None = None

    def probs(self, features: pd.DataFrame) -> Floats:
        """Return (N, 3) probabilities of the levels, the lowest first."""
        if self.model is None:
            return np.tile(self.base, (len(features), 1))
        return self.model.probs(features[columns_of(self.families)].to_numpy())

    def contributions(self, features: pd.Series) -> dict[str, float]:
        """Return what each family adds to the log-odds of a higher level."""
        if self.model is None:
            return {}
        columns = columns_of(self.families)
        parts = self.model.contributions(features[columns].to_numpy(dtype=np.float64))[0]
        of = dict(zip(columns, parts.tolist(), strict=True))
        return {family: sum(of[name] for name in columns_of([family])) for family in self.families}


def fit(training: Training, families: Sequence[str]) -> Fitted:
    """Fit the model of these families on the rows that have them."""
    columns = columns_of(families)
    rows = training.only(training.features[columns].notna().all(axis=1).to_numpy())
    counts = np.bincount(rows.levels, minlength=NUM_LEVELS)
    base = (counts + 1) / (counts.sum() + NUM_LEVELS)
    if not columns or (counts == 0).any():
        return Fitted((), base)
    return Fitted(tuple(families), base, *fit_columns(rows, columns))


def fit_columns(rows: Training, columns: Sequence[str]) -> tuple[OrdinalModel, Choice]:
    """Fit the model of these features, known of every row.

    The penalty, and with own labels the weight of the published ones, are those of the least
    log-loss (of own classes, where there are any) in ten folds by class name.
    """
    values = rows.features[list(columns)].to_numpy(dtype=np.float64)
    folds = np.unique(rows.names, return_inverse=True)[1] % _INNER_FOLDS
    candidates = list(product(PENALTIES, _weights(rows)))
    losses = [
        sum(_held_out_loss(rows, values, folds == fold, one) for fold in range(_INNER_FOLDS))
        for one in candidates
    ]
    best = int(np.argmin(losses))
    everything = np.ones(len(rows), dtype=bool)
    model = _fit(rows, values, everything, candidates[best])
    return model, Choice(*candidates[best], losses[best])


def _fit(
    rows: Training, values: Floats, keep: NDArray[np.bool_], candidate: tuple[float, float]
) -> OrdinalModel:
    penalty, weight = candidate
    counts = np.where(rows.own, 1.0, weight if rows.own.any() else 1.0)
    used = keep & (counts > 0)
    return fit_ordinal(values[used], rows.levels[used], penalty, counts[used])


def _weights(rows: Training) -> tuple[float, ...]:
    if not rows.own.any():
        return (1.0,)
    own = np.bincount(rows.levels[rows.own], minlength=NUM_LEVELS)
    return PUBLISHED_WEIGHTS if own.min() >= _LEAST_OF_A_LEVEL else PUBLISHED_WEIGHTS[:-1]


def _held_out_loss(
    rows: Training, values: Floats, out: NDArray[np.bool_], candidate: tuple[float, float]
) -> float:
    test = out & rows.own if rows.own.any() else out
    if not test.any() or len(np.unique(rows.levels[~out])) < NUM_LEVELS:
        return 0.0
    probs = _fit(rows, values, ~out, candidate).probs(values[test])
    chances = probs[np.arange(len(probs)), rows.levels[test]]
    return -float(np.log(np.maximum(chances, 1e-12)).sum())


@dataclass
class Suggester:
    """Predicts levels; a class's own label is never among what its prediction is made from.

    Classes that stand in the training rows are predicted by a model fitted without them: each
    alone up to 60 names, else in ten folds of names.

    Args:
        training: All that may be learnt from.
    """

    training: Training
    _models: dict[tuple[int, tuple[str, ...]], Fitted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = np.unique(self.training.names)
        single = len(names) <= _MOST_LEFT_OUT_SINGLY
        self._fold_of = {
            str(name): place if single else place % _INNER_FOLDS for place, name in enumerate(names)
        }

    def model_for(self, class_name: str, features: pd.Series) -> Fitted:
        """Return the model for a class with these features."""
        key = self._fold_of.get(class_name, -1), known_families(features)
        if key not in self._models:
            folds = np.array([self._fold_of[str(name)] for name in self.training.names])
            self._models[key] = fit(self.training.only(folds != key[0]), key[1])
        return self._models[key]

    def probs(self, features: pd.DataFrame) -> Floats:
        """Return (C, 3) probabilities of the levels, the lowest first, for named rows."""
        rows = [
            self.model_for(str(name), row).probs(row.to_frame().T)[0]
            for name, row in features.iterrows()
        ]
        return np.array(rows).reshape(-1, NUM_LEVELS)
