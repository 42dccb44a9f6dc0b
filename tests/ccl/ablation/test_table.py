from __future__ import annotations

import numpy as np
import pytest

from ccl.ablation.comparison import Settings
from ccl.ablation.table import TOGETHER, ClassEvidence, Part, analyse

from .simulated import predictions

LEVELS = {f"c{n}": ("not", "not", "weakly", "highly")[n % 4] for n in range(8)}
AUDIO = {f"c{n}": n / 10 for n in range(8)}
EVIDENCE = ClassEvidence(LEVELS, AUDIO)
QUICK = Settings(resamples=200, permutations=200)


def part(split="all", classes=8, seeds=(0, 1, 2), methods=("baseline", "crd", "ccl"), first=0):
    names = tuple(f"c{n}" for n in range(first, first + classes))
    every = np.repeat(names, 12)
    groups = np.array([f"g{n // 3}" for n in range(len(every))])
    r = np.random.default_rng(7)
    runs = {
        (m, s): predictions(r.random(len(every)) < 0.4 + 0.1 * n, every, groups)
        for n, m in enumerate(methods)
        for s in seeds
    }
    return Part(split, names, {split: names}, runs)


def test_every_stratum_has_a_row_for_each_method():
    whole = part()
    strata = {"all": whole.classes, "quiet": ("c0", "c1", "c4", "c5"), "loud": ("c3", "c7")}
    found = analyse([Part("all", whole.classes, strata, whole.predictions)], EVIDENCE, QUICK)
    assert found.rows.groupby("stratum").size().to_dict() == {"all": 3, "quiet": 3, "loud": 3}
    rows = found.rows.set_index(["stratum", "method"])
    videos = rows.loc[[(name, "ccl") for name in ("all", "quiet", "loud")], "videos"]
    assert videos.tolist() == [96, 48, 24]
    quiet = [
        answers[0] == own
        for seed in range(3)
        for own, answers in whole.predictions["ccl", seed][["class_name", "top5"]].values
        if own in strata["quiet"]
    ]
    assert rows.loc[("quiet", "ccl"), "accuracy"] == pytest.approx(np.mean(quiet))
    assert len(found.seeds) == 27
    assert not found.lacks


def test_holm_counts_all_comparisons_of_the_table():
    found = analyse([part("one", 4), part("two", 4, first=4)], EVIDENCE, QUICK).rows
    raw = found["p_method"].dropna()
    assert len(raw) == 4
    assert found["p_method_holm"].min() == pytest.approx(min(1, 4 * raw.min()))


def test_gains_stand_beside_the_evidence_and_its_correlation():
    found = analyse([part("one", 4), part("two", 4, first=4)], EVIDENCE, QUICK)
    by_class = found.classes[found.classes["method"] == "ccl"].set_index("class_name")
    assert by_class["level"].to_dict() == LEVELS
    assert by_class["audio_accuracy"].to_dict() == AUDIO
    assert set(found.evidence["split"]) == {"one", "two", TOGETHER}
    together = found.evidence.set_index(["split", "method", "evidence"])
    assert together.loc[(TOGETHER, "ccl", "audio_accuracy"), "classes"] == 8


def test_splits_that_overlap_are_not_taken_together():
    found = analyse([part("one", 4), part("two", 6)], EVIDENCE, QUICK)
    assert set(found.evidence["split"]) == {"one", "two"}


def test_only_distilled_classes_count_as_evidence():
    whole = part()
    masked = Part("few", whole.classes[:5], {"all": whole.classes}, whole.predictions)
    found = analyse([masked], EVIDENCE, QUICK)
    assert len(found.classes) == 16
    assert found.classes["distilled"].sum() == 10
    assert set(found.evidence["classes"]) == {5}


@pytest.mark.parametrize(
    ("parts", "evidence", "said"),
    [
        ([part(seeds=(3,))], EVIDENCE, "1 seed: nothing can be said of other seeds"),
        ([part(methods=("crd", "ccl"))], EVIDENCE, "no run of baseline is done"),
        ([part(), Part("none", (), {}, {})], EVIDENCE, "none: no run is done"),
        ([part()], ClassEvidence(), "all 8 classes without a level"),
        ([part()], ClassEvidence(LEVELS, {"c0": 0.5}), "7 of 8 classes without audio-only"),
        ([Part("all", ("c0",), {"all": ("c0",), "empty": ()}, part().predictions)], EVIDENCE,
         "no test video in the stratum empty"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said_and_the_rest_reported(parts, evidence, said):
    found = analyse(parts, evidence, QUICK)
    assert any(said in lack for lack in found.lacks), found.lacks
    assert len(found.rows) >= 2
    assert found.rows["accuracy"].notna().all()


def test_missing_cells_are_told_with_the_seeds_that_are_compared():
    whole = part()
    runs = {run: frame for run, frame in whole.predictions.items() if run != ("ccl", 1)}
    found = analyse([Part("all", whole.classes, whole.strata, runs)], EVIDENCE, QUICK)
    assert any("ccl and baseline are compared on the seeds they share, 0, 2" in lack
               for lack in found.lacks)  # fmt: skip


def test_an_ablation_without_any_run_is_a_table_without_rows():
    found = analyse([Part("none", ("a",), {"none": ("a",)}, {})], EVIDENCE, QUICK)
    assert found.rows.empty
    assert {"split", "method", "accuracy", "p_runs_holm"} <= set(found.rows.columns)
    assert found.lacks == ("none: no run is done",)
