"""All that the runs of an ablation say: tables, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from ccl.ablation.class_gains import (
    CLASS_COLUMNS,
    ORDER_OF_LEVELS,
    gains_by_class,
    rank_correlation,
)
from ccl.ablation.comparison import (
    ADJUSTED,
    COLUMNS,
    SEED_COLUMNS,
    Settings,
    add_holm,
    compare_methods,
    compare_seeds,
)
from ccl.ablation.crossed import FEWEST_SEEDS
from ccl.ablation.outcomes import BASELINE, Outcomes, Run, read_outcomes

TOGETHER = "all splits together"
EVIDENCE = ("audio_accuracy", "level")
_EVIDENCE_COLUMNS = ["split", "method", "evidence", "classes", "rho", "rho_low", "rho_high",
                     "p_value"]  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The runs of one split and what to test them on.

    Args:
        split: The named set of classes; audio is distilled for these classes alone.
        classes: Of the split.
        strata: Name -> classes to test on; with one stratum named as the split, that split.
        predictions: (method, seed) -> what the run wrote.
    """

    split: str
    classes: tuple[str, ...]
    strata: Mapping[str, tuple[str, ...]]
    predictions: Mapping[Run, pd.DataFrame]


@dataclass(frozen=True)
class ClassEvidence:
    """What is known of the sound of each class.

    Args:
        levels: ``highly``, ``weakly``, ``not`` or something else, by class.
        audio_accuracy: How often the class is told from its sound alone, by class.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    audio_accuracy: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """What the runs of an ablation say; docs/ablation.md defines the columns.

    Args:
        rows: One a (split, stratum, method).
        seeds: One a (split, stratum, method, seed).
        classes: One a (split, method, class).
        evidence: One a (split, method, kind of evidence).
        lacks: What could not be said, and why.
    """

    rows: pd.DataFrame
    seeds: pd.DataFrame
    classes: pd.DataFrame
    evidence: pd.DataFrame
    lacks: tuple[str, ...]


def analyse(
    parts: list[Part], evidence: ClassEvidence, settings: Settings | None = None
) -> Analysis:
    """Compare the methods of an ablation with its baseline, on every stratum.

    Args:
        parts: One a split; those without predictions are named as lacking.
        evidence: Of the classes; what is not known is left out.
        settings: How much is drawn.

    Raises:
        DataError: The predictions of a split do not belong together; see `read_outcomes`.
    """
    chosen = settings or Settings()
    rows, seeds, classes, lacks = [], [], [], []
    for part in parts:
        if not part.predictions:
            lacks.append(f"{part.split}: no run is done")
            continue
        outcomes = read_outcomes(part.predictions)
        lacks += _lacks_of(part, outcomes)
        for stratum, names in part.strata.items():
            within = outcomes.of_classes(names)
            if within.videos.empty:
                lacks.append(f"{part.split}: no test video in the stratum {stratum}")
                continue
            about = {"split": part.split, "stratum": stratum}
            rows.append(compare_methods(within, chosen).assign(**about))
            seeds.append(compare_seeds(within).assign(**about))
        gains = gains_by_class(outcomes, chosen)
        classes.append(gains.assign(split=part.split, distilled=_is_in(gains, part.classes)))
    by_class = _with_evidence(_joined(classes, ["split", *CLASS_COLUMNS, "distilled"]), evidence)
    table = add_holm(_joined(rows, ["split", "stratum", *COLUMNS]))
    return Analysis(
        table[_with_holm(list(table.columns))],
        _joined(seeds, ["split", "stratum", *SEED_COLUMNS]),
        by_class,
        _correlations(by_class, chosen.seed),
        (*lacks, *_lacks_of_evidence(by_class)),
    )


def _is_in(gains: pd.DataFrame, classes: tuple[str, ...]) -> pd.Series:
    return gains["class_name"].isin(classes)


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if not frame.empty]
    if not filled:
        return pd.DataFrame(columns=columns)
    return pd.concat(filled, ignore_index=True)[columns]


def _with_holm(columns: list[str]) -> list[str]:
    """Put each adjusted p beside its own."""
    plain = [name for name in columns if name not in ADJUSTED.values()]
    return [
        each for name in plain for each in (name, *([ADJUSTED[name]] if name in ADJUSTED else []))
    ]


def _with_evidence(classes: pd.DataFrame, evidence: ClassEvidence) -> pd.DataFrame:
    names = classes["class_name"]
    return classes.assign(
        level=[evidence.levels.get(name, "") for name in names],
        audio_accuracy=np.array(
            [evidence.audio_accuracy.get(name, np.nan) for name in names], dtype=np.float64
        ),
    )


def _correlations(classes: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows = []
    for split, method, gains in _scopes(classes[classes["distilled"].astype(bool)]):
        known = {
            "audio_accuracy": gains["audio_accuracy"].to_numpy(np.float64),
            "level": gains["level"].map(ORDER_OF_LEVELS).to_numpy(np.float64),
        }
        for kind in EVIDENCE:
            found = rank_correlation(known[kind], gains["gain"].to_numpy(np.float64), seed)
            if found["classes"]:
                rows.append({"split": split, "method": method, "evidence": kind} | found)
    return pd.DataFrame(rows, columns=_EVIDENCE_COLUMNS)


def _scopes(classes: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Give the gains of each method on each split, then on all splits where none overlap."""
    for (split, method), gains in classes.groupby(["split", "method"], sort=False):
        yield str(split), str(method), gains
    sets = [set(frame["class_name"]) for _, frame in classes.groupby("split")]
    if len(sets) > 1 and not any(one & other for one, other in combinations(sets, 2)):
        for method, gains in classes.groupby("method", sort=False):
            yield TOGETHER, str(method), gains


def _lacks_of(part: Part, outcomes: Outcomes) -> Iterator[str]:
    if outcomes.dropped:
        videos = "1 test video" if outcomes.dropped == 1 else f"{outcomes.dropped} test videos"
        yield f"{part.split}: {videos} left out, which some runs answer and others do not"
    if BASELINE not in outcomes.methods:
        yield f"{part.split}: no run of {BASELINE} is done, so there is nothing to compare with"
        return
    base = outcomes.seeds(BASELINE)
    for method in outcomes.methods:
        shared = outcomes.seeds(method, BASELINE)
        if method != BASELINE and not shared:
            yield f"{part.split}: {method} has no seed in common with {BASELINE}"
        elif method != BASELINE and shared != sorted({*base, *outcomes.seeds(method)}):
            yield (
                f"{part.split}: {method} and {BASELINE} are compared on the seeds they share, "
                f"{', '.join(map(str, shared))}"
            )
    fewest = min(len(outcomes.seeds(method, BASELINE)) for method in outcomes.methods)
    if fewest < FEWEST_SEEDS:
        seeds = "1 seed" if fewest == 1 else f"{fewest} seeds"
        yield (
            f"{part.split}: {seeds}: nothing can be said of other seeds, which takes at least "
            f"{FEWEST_SEEDS}; p and intervals are of these trained networks alone"
        )
    if outcomes.videos["group"].nunique() < 2:
        yield f"{part.split}: all test videos are of one group, so there are no intervals"


def _lacks_of_evidence(classes: pd.DataFrame) -> Iterator[str]:
    if classes.empty:
        return
    distilled = classes[classes["distilled"].astype(bool)].drop_duplicates("class_name")
    unknown = ~distilled["level"].isin(ORDER_OF_LEVELS)
    if unknown.any():
        yield f"{_classes(unknown)} without a level (`cca-tools split` makes them from labels)"
    unheard = distilled["audio_accuracy"].isna()
    if unheard.any():
        yield f"{_classes(unheard)} without audio-only accuracy (`cca-tools suggest` measures it)"


def _classes(which: pd.Series) -> str:
    number = "all" if which.all() else f"{int(which.sum())} of"
    return f"{number} {len(which)} classes"
