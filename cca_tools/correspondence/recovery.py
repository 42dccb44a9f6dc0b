"""Whether the planted strata are found again: by suggestions, associations and audio alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from cca_tools.correspondence.generate import CLASS_TRUTH
from cca_tools.correspondence.steps import dataset_folder
from cca_tools.suggestions.evaluate import Agreement, agreement
from cca_tools.workspace import Workspace

SIGNIFICANT_Q = 0.05
SHARED_FROM = 0.5  # of a class's share: from there on another class has the sound, too
_RANK = {"not": 0, "weakly": 1, "highly": 2}


@dataclass(frozen=True)
class Recovery:
    """What was planted, and what was found.

    Attributes:
        classes: One row a class: ``class_name``, ``level`` (planted), ``suggested``,
            ``by_associations``, ``sound`` (what the rule of `level_by_associations` went by),
            ``audio_accuracy`` (of audio alone, on test videos).
        suggestions: Agreement of the suggested levels with the planted ones.
        associations: That of the levels by the associations' rule.
        audio: By level: ``classes``, ``mean``, ``least``, ``most`` of the accuracy of audio alone.
        ordered: Share of the pairs of classes of different levels that audio alone orders rightly.
        ordered_by_suggestions: The same for the expected level of the suggestions.
    """

    classes: pd.DataFrame
    suggestions: Agreement
    associations: Agreement
    audio: pd.DataFrame
    ordered: float
    ordered_by_suggestions: float


def read_recovery(workspace: Workspace) -> Recovery:
    """Compare what a workspace found with what was planted.

    Raises:
        DataError: A step was not taken.
    """
    truth = pd.read_csv(dataset_folder(workspace) / CLASS_TRUTH)
    planted: dict[str, str] = dict(zip(truth["class_name"], truth["level"], strict=True))
    suggested = pd.read_parquet(workspace.require(workspace.suggestions, "cca-tools suggest"))
    pairs = pd.read_parquet(workspace.require(workspace.associations, "cca-tools associate"))
    probe_path = workspace.require(workspace.root / "audio_probe.parquet", "cca-tools suggest")
    probe = pd.read_parquet(probe_path)
    told: dict[str, float] = dict(zip(probe["class_name"], probe["accuracy"], strict=True))
    rules = {name: level_by_associations(pairs, name) for name in planted}
    by_rule = {name: level for name, (level, _) in rules.items()}
    by_model: dict[str, str] = dict(zip(suggested["class_name"], suggested["level"], strict=True))
    expected = _expected_level(suggested)
    classes = pd.DataFrame(
        {
            "class_name": name,
            "level": level,
            "suggested": by_model.get(name, ""),
            "by_associations": by_rule[name],
            "sound": rules[name][1],
            "audio_accuracy": told.get(name, np.nan),
        }
        for name, level in planted.items()
    )
    by_level = classes.groupby("level", sort=False)["audio_accuracy"]
    audio = by_level.agg(classes="count", mean="mean", least="min", most="max").reset_index()
    return Recovery(
        classes,
        agreement(by_model, planted),
        agreement(by_rule, planted),
        audio,
        ordered_share(told, planted),
        ordered_share(expected, planted),
    )


def _expected_level(suggested: pd.DataFrame) -> dict[str, float]:
    level = 2 * suggested["p_highly"] + suggested["p_weakly"]
    return dict(zip(suggested["class_name"], level, strict=True))


def level_by_associations(pairs: pd.DataFrame, class_name: str) -> tuple[str, str]:
    """Return the level that associations alone speak for, and the audio class it rests on.

    Of the audio classes that go with the class significantly more often than with others (q at
    most 0.05, lift above 1), the one with the largest log-odds is its sound. No such sound:
    ``not``. Another class has it at least half as often: ``weakly``. Else ``highly``.

    Args:
        pairs: The table of associations: class_name, tag, share, lift, log_odds_z, q_value.
        class_name: Which class.
    """
    own = pairs[(pairs["class_name"] == class_name) & (pairs["lift"] > 1)]
    own = own[own["q_value"] <= SIGNIFICANT_Q]
    if own.empty:
        return "not", ""
    best = own.iloc[int(own["log_odds_z"].to_numpy().argmax())]
    others = pairs[(pairs["tag"] == best["tag"]) & (pairs["class_name"] != class_name)]
    is_shared = bool((others["share"] >= SHARED_FROM * best["share"]).any())
    return ("weakly" if is_shared else "highly"), str(best["tag"])


def ordered_share(values: Mapping[str, float], levels: Mapping[str, str]) -> float:
    """Return the share of pairs of classes of different levels that the values order rightly.

    Ties count a half; 0.5 is chance, 1 is perfect. NaN without such a pair.

    >>> ordered_share({"a": 0.9, "b": 0.5, "c": 0.5}, {"a": "highly", "b": "weakly", "c": "not"})
    0.8333333333333334
    """
    scores = []
    for one, other in combinations(sorted(set(values) & set(levels)), 2):
        planted = np.sign(_RANK[levels[one]] - _RANK[levels[other]])
        if planted:
            scores.append(0.5 + 0.5 * float(planted * np.sign(values[one] - values[other])))
    return float(np.mean(scores)) if scores else float("nan")
