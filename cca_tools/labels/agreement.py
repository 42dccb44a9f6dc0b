"""How far annotators agree on the levels of classes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.errors import DataError
from cca_tools.labels.alpha import MISSING, ordinal_alpha
from cca_tools.labels.items import ORDINAL
from cca_tools.reports.levels import LEVELS

_STEPS = len(ORDINAL) - 1


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree; NaN where a figure is not defined, and ``notes`` say why.

    Args:
        alpha: Krippendorff's, ordinal.
        alpha_low: Lower end of its 95 % interval, by a bootstrap over classes.
        alpha_high: Upper end.
        kappas: A pair of annotators a row: ``annotator_a``, ``annotator_b``, ``common`` (classes
            that both gave an ordered level), ``kappa`` (quadratic weights), ``raw``, ``note``.
        raw: Share of equal pairs among all pairs of ordered levels of one class.
        confusion: Pairs of answers to one class by level and level; symmetric, each pair once on
            the diagonal or once on either side of it; with ``unsure``.
        by_class: A class a row, the most disagreement first: ``class_name``, ``annotators``, a
            column of counts a level, ``disagreement`` (mean squared distance of two answers, 0 for
            equal, 1 for highly and not; NaN below two ordered levels).
        notes: What is not defined, and what did not count.
    """

    alpha: float
    alpha_low: float
    alpha_high: float
    kappas: pd.DataFrame
    raw: float
    confusion: pd.DataFrame
    by_class: pd.DataFrame
    notes: tuple[str, ...]


def agreement(labels: pd.DataFrame, *, seed: int = 0, resamples: int = 2000) -> Agreement:
    """Return how far annotators agree.

    ``unsure`` has no place in the order: it counts in the confusion alone, and a note says how
    often it stands.

    Args:
        labels: ``annotator``, ``class_name``, ``level``: each annotator's level of each class.
        seed: Of the bootstrap.
        resamples: Of the bootstrap.

    Raises:
        DataError: An annotator gives a class two levels.
    """
    labels = labels[labels["level"].isin(LEVELS)]
    twice = labels[labels.duplicated(["annotator", "class_name"])]
    if len(twice):
        first = twice.iloc[0]
        raise DataError(
            f"{first['annotator']!r} gives {first['class_name']!r} two levels",
            "Give the labels that stand now, one a class and annotator",
        )
    table = labels.pivot(index="class_name", columns="annotator", values="level").fillna("")
    answers = table.to_numpy(dtype=str).reshape(table.shape)
    values = np.select([answers == level for level in ORDINAL], range(len(ORDINAL)), MISSING)
    names = [str(name) for name in table.columns]
    alpha = ordinal_alpha(values, len(ORDINAL), seed=seed, resamples=resamples)
    kappas = _kappas(values, names)
    by_class = _by_class(values, answers, [str(name) for name in table.index])
    notes = _notes(labels, names, alpha.why_undefined)
    if alpha.undefined_resamples:
        notes.append(
            f"{alpha.undefined_resamples} of {resamples} resamples held equal answers only, and "
            "are left out of the interval"
        )
    return Agreement(
        alpha=alpha.value,
        alpha_low=alpha.low,
        alpha_high=alpha.high,
        kappas=kappas,
        raw=_raw(values),
        confusion=_confusion(answers),
        by_class=by_class,
        notes=tuple(notes),
    )


def quadratic_kappa(first: NDArray[np.int64], second: NDArray[np.int64], num_levels: int) -> float:
    """Return Cohen's kappa with squared distances as weights; NaN where it is not defined.

    That is where there is nothing in common, or both gave one and the same level throughout.

    Args:
        first: Levels from 0 up, one a class.
        second: Another annotator's, of the same classes.
        num_levels: How many levels there are.

    >>> round(quadratic_kappa(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]), 3), 4)
    0.3846
    """
    if first.size == 0:
        return np.nan
    levels = np.arange(num_levels)
    shares_a = (first[:, None] == levels).mean(axis=0)
    shares_b = (second[:, None] == levels).mean(axis=0)
    by_chance = float((shares_a[:, None] * shares_b * (levels[:, None] - levels) ** 2).sum())
    observed = float(((first - second) ** 2).mean())
    return np.nan if by_chance == 0 else 1 - observed / by_chance


def _kappas(values: NDArray[np.int64], names: list[str]) -> pd.DataFrame:
    rows = []
    for a, b in combinations(range(len(names)), 2):
        both = (values[:, a] != MISSING) & (values[:, b] != MISSING)
        first, second = values[both, a], values[both, b]
        kappa = quadratic_kappa(first, second, len(ORDINAL))
        raw = float((first == second).mean()) if both.any() else np.nan
        note = "" if not np.isnan(kappa) else "all answers are equal"
        rows.append(
            (names[a], names[b], int(both.sum()), kappa, raw, note if both.any() else _NOTHING)
        )
    columns = ["annotator_a", "annotator_b", "common", "kappa", "raw", "note"]
    types = {"common": "int64", "kappa": "float64", "raw": "float64"}
    return pd.DataFrame(rows, columns=columns).astype(types)


_NOTHING = "no class in common"


def _raw(values: NDArray[np.int64]) -> float:
    counts = _counts(values, range(len(ORDINAL)))
    total = counts.sum(axis=1)
    pairs = (total * (total - 1)).sum()
    return float((counts * (counts - 1)).sum() / pairs) if pairs else np.nan


def _confusion(answers: NDArray[np.str_]) -> pd.DataFrame:
    counts = _counts(answers, LEVELS)
    met = counts.T @ counts  # a pair of unlike answers once on either side
    np.fill_diagonal(met, (counts * (counts - 1)).sum(axis=0) // 2)
    return pd.DataFrame(met, index=list(LEVELS), columns=list(LEVELS))


def _by_class(
    values: NDArray[np.int64], answers: NDArray[np.str_], class_names: list[str]
) -> pd.DataFrame:
    ordered = values != MISSING
    num = ordered.sum(axis=1)
    level = np.where(ordered, values, 0)
    total, squares = level.sum(axis=1), (level**2).sum(axis=1)
    pairs = np.where(num > 1, num * (num - 1) / 2, np.nan)
    disagreement = (num * squares - total**2) / pairs / _STEPS**2  # sum over pairs of (a - b)^2
    counts = dict(zip(LEVELS, _counts(answers, LEVELS).T, strict=True))
    frame = pd.DataFrame(
        {
            "class_name": class_names,
            "annotators": (answers != "").sum(axis=1),
            **counts,
            "disagreement": disagreement,
        }
    )
    order = ["disagreement", "unsure", "class_name"]
    return frame.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _counts(answers: NDArray[np.generic], levels: range | tuple[str, ...]) -> NDArray[np.int64]:
    """Return how many answers of each level each class has: (classes, levels)."""
    return np.stack([(answers == level).sum(axis=1) for level in levels], axis=1)


def _notes(labels: pd.DataFrame, names: list[str], why_undefined: str) -> list[str]:
    notes = []
    if not names:
        notes.append("nobody has labelled a class: no agreement is defined")
    elif len(names) == 1:
        notes.append(f"only {names[0]!r} has labelled: agreement needs two annotators")
    elif why_undefined == "all values are equal":
        notes.append("all answers are equal: alpha is not defined, there is nothing to tell apart")
    elif why_undefined:
        notes.append("the annotators have no class in common: alpha is not defined")
    unsure = int((labels["level"] == "unsure").sum())
    if unsure:
        notes.append(
            f"{unsure} of {len(labels)} answers are unsure, which has no place in the order"
        )
    if "hints" in labels:
        shown = int(labels["hints"].map(len).gt(0).sum())
        if shown:
            notes.append(f"{shown} of {len(labels)} answers were given with hints shown, not blind")
    return notes
