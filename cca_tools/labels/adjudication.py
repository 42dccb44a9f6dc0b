"""From several people's answers to one level a class, by a stated rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.errors import UsageError
from cca_tools.labels.dawid_skene import MISSING, dawid_skene
from cca_tools.labels.store import LabelStore
from cca_tools.reports.levels import LEVELS

RULES = ("majority", "dawid-skene", "adjudicated")
UNDECIDED = "unsure"
_DECIDED = LEVELS[:3]
_HALF = 0.5 + 1e-6  # two equal probabilities decide nothing, whatever their last digits


def final_levels(
    labels: LabelStore | pd.DataFrame,
    rule: str = "majority",
    decisions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one level a class.

    ``majority``: the level most people gave; where two or more lead, ``unsure``.
    ``dawid-skene``: the likeliest level by a model of how each annotator errs; ``unsure`` where
    none has more than half of the probability, or nobody gave an ordered level.
    ``adjudicated``: the decision that stands, and where there is none the majority.

    Args:
        labels: A store, or each annotator's level of each class: ``annotator``, ``class_name``,
            ``level``.
        rule: One of `RULES`.
        decisions: With a frame of labels: ``annotator``, ``class_name``, ``level`` of each
            decision that stands.

    Returns:
        By class: ``class_name``, ``level``, ``p_highly``, ``p_weakly``, ``p_not`` (by the model,
        or shares of the votes; NaN where nobody gave one of these), ``votes`` (such as ``2 highly,
        1 not``), ``disputed`` (not all said the same), ``source`` (``majority``, ``tie``,
        ``dawid-skene``, or ``adjudicated by NAME``).

    Raises:
        UsageError: There is no such rule.
    """
    if rule not in RULES:
        raise UsageError(f"{rule!r} is no rule", f"Give one of {', '.join(RULES)}")
    if not isinstance(labels, pd.DataFrame):
        return final_levels(labels.current(), rule, labels.adjudicated())
    if rule != "adjudicated":
        return _by_rule(labels, rule)
    by_vote = _by_rule(labels, "majority")
    return by_vote if decisions is None else _with_decisions(by_vote, decisions)


def _by_rule(labels: pd.DataFrame, rule: str) -> pd.DataFrame:
    labels = labels[labels["level"].isin(LEVELS)]
    table = labels.pivot(index="class_name", columns="annotator", values="level").fillna("")
    answers = table.to_numpy(dtype=str).reshape(table.shape)
    votes = np.stack([(answers == level).sum(axis=1) for level in LEVELS], axis=1)
    if rule == "dawid-skene":
        values = np.select([answers == level for level in LEVELS], range(len(LEVELS)), MISSING)
        probabilities = dawid_skene(values, len(_DECIDED), len(LEVELS)).probabilities
        clear = (probabilities.max(axis=1) > _HALF) & votes[:, : len(_DECIDED)].any(axis=1)
        levels = np.where(clear, np.array(_DECIDED)[probabilities.argmax(axis=1)], UNDECIDED)
        sources = np.full(len(levels), rule)
    else:
        levels, sources = _majority(votes)
        decided = votes[:, : len(_DECIDED)].astype(np.float64)
        total = decided.sum(axis=1, keepdims=True)
        probabilities = decided / np.where(total > 0, total, np.nan)
    return pd.DataFrame(
        {
            "class_name": table.index.astype("str"),
            "level": levels.astype(str),
            **{f"p_{level}": probabilities[:, at] for at, level in enumerate(_DECIDED)},
            "votes": [_told(row) for row in votes],
            "disputed": (votes > 0).sum(axis=1) > 1,
            "source": sources.astype(str),
        }
    )


def _majority(votes: NDArray[np.int64]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    most = votes.max(axis=1, keepdims=True)
    tie = (votes == most).sum(axis=1) > 1
    levels = np.where(tie, UNDECIDED, np.array(LEVELS)[votes.argmax(axis=1)])
    return levels, np.where(tie, "tie", "majority")


def _told(votes: NDArray[np.int64]) -> str:
    return ", ".join(f"{n} {level}" for level, n in zip(LEVELS, votes, strict=True) if n)


def _with_decisions(levels: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    decided = decisions.set_index("class_name")
    result = levels.set_index("class_name")
    result = result.reindex(sorted({*result.index, *decided.index}))
    for name, row in decided.iterrows():
        result.loc[name, ["level", "source"]] = row["level"], f"adjudicated by {row['annotator']}"
    result["votes"] = result["votes"].fillna("")
    result["disputed"] = result["disputed"].eq(True)
    return result.rename_axis("class_name").reset_index()
