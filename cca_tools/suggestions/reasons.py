"""Why a level is suggested, in plain sentences with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cca_tools.suggestions.audio_probe import NUM_WAYS
from cca_tools.suggestions.features import FAMILIES, Meaning
from cca_tools.suggestions.names import split_words

_SHOWN = 3
_OWN_LIFT, _OWN_SHARE = 2.0, 0.1  # an audio class with so much more, or in so few classes
_LITTLE = 0.1  # of the log-odds: neither for nor against
_WITHOUT = {
    "meaning": "what names mean",
    "distinctiveness": "which audio classes it has",
    "audio": "how well audio alone tells it",
}


@dataclass(frozen=True)
class Evidence:
    """What is known of one class.

    Args:
        name: The class.
        heard: Its ten audio classes: tag, videos, share, lift, log_odds_z, class_share.
        meaning: What its names mean, None where not known.
        audio: Its row of the audio probe, None where not known.
        num_classes: How many classes the audio probe had.
        contributions: Family -> what it adds to the log-odds of a higher level.
    """

    name: str
    heard: pd.DataFrame
    meaning: Meaning | None
    audio: pd.Series | None
    num_classes: int
    contributions: Mapping[str, float]


def reasons(evidence: Evidence, lacks: Mapping[str, str]) -> list[str]:
    """Return one sentence for each family of features, and one for what was not used.

    Args:
        evidence: Of one class.
        lacks: Family -> why no class has it.
    """
    if evidence.heard.empty:
        return ["Nothing is heard: no video of the class counts, so only how frequent the levels "
                "are is known."]  # fmt: skip
    said = [_distinctive(evidence)]
    if evidence.meaning is not None:
        said.insert(0, _meaning(evidence.name, evidence.meaning, evidence.contributions))
    if evidence.audio is not None:
        said.append(_audio(evidence))
    unused = [family for family in FAMILIES if family not in evidence.contributions]
    for family in unused:
        why = lacks.get(family, "it is not known of this class")
        said.append(f"Not used is {_WITHOUT[family]}: {why}.")
    return said


def _speaks(contributions: Mapping[str, float], family: str) -> str:
    value = contributions.get(family)
    if value is None:
        return "; not used"
    if abs(value) < _LITTLE:
        return "; this speaks neither for nor against"
    return f"; this speaks {'for' if value > 0 else 'against'} a correlation ({value:+.1f})"


def _meaning(name: str, meaning: Meaning, contributions: Mapping[str, float]) -> str:
    nearest = ", ".join(f"{one.tag} ({one.similarity:.2f})" for one in meaning.heard[:_SHOWN])
    verb = "is" if meaning.nearer == 1 else "are"
    others = (
        f"{meaning.nearer or 'none'} of the other {meaning.known - 1} audio classes {verb} nearer "
        "than the first"
    )
    end = _speaks(contributions, "meaning")
    return (
        f"Of what is heard, nearest in meaning to '{split_words(name)}': {nearest}; {others}{end}."
    )


def _distinctive(evidence: Evidence) -> str:
    heard = evidence.heard
    lift = heard["lift"].fillna(np.inf)
    own = heard[(heard["class_share"] <= _OWN_SHARE) & (lift >= _OWN_LIFT)]
    own = own.sort_values(["class_share", "rank"]).head(_SHOWN)
    common = heard["class_share"].mean()
    end = _speaks(evidence.contributions, "distinctiveness")
    average = f"on average its {len(heard)} audio classes are heard in {common:.0%} of classes"
    if own.empty:
        return f"None of its audio classes is distinctive: {average}{end}."
    listed = ", ".join(_strength(row) for row in own.to_dict("records"))
    return f"Distinctive: {listed}; {average}{end}."


def _strength(row: Mapping[Any, Any]) -> str:
    """Return an audio class with its measures; a published table has the share of classes alone."""
    if not np.isfinite(row["share"]):
        return f"{row['tag']} (heard in {row['class_share']:.0%} of classes)"
    lift, z = f"lift {row['lift']:.3g}", f"log-odds z {row['log_odds_z']:.1f}"
    return f"{row['tag']} ({row['share']:.0%} of its videos, {lift}, {z})"


def _audio(evidence: Evidence) -> str:
    row, num = evidence.audio, evidence.num_classes
    assert row is not None
    interval = f"95 % interval {row['accuracy_low']:.0%} to {row['accuracy_high']:.0%}"
    ways = "" if np.isnan(row["ten_way"]) else f", {row['ten_way']:.0%} among {NUM_WAYS}"
    end = _speaks(evidence.contributions, "audio")
    return (
        f"Audio alone tells {row['accuracy']:.0%} of its {int(row['videos'])} videos among {num} "
        f"classes ({interval}; chance {1 / num:.0%}){ways}{end}."
    )
