import numpy as np
import pandas as pd
import pytest

from ccl.ablation.comparison import Settings, compare_methods
from ccl.ablation.outcomes import Outcomes
from ccl.ablation.pairs import PAIR_COLUMNS, compare_pairs

SETTINGS = Settings(resamples=200, permutations=500)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    rng = np.random.default_rng(0)
    videos = pd.DataFrame(
        {
            "video_id": [f"v{n}" for n in range(60)],
            "class_name": np.repeat(["a", "b", "c"], 20),
            "group": np.repeat([f"g{n}" for n in range(20)], 3),
        }
    )
    correct = {
        (method, seed): rng.random(60) < share
        for method, share in (("baseline", 0.4), ("crd", 0.5), ("ccl", 0.9))
        for seed in range(4)
    }
    del correct["crd", 3]
    return Outcomes(videos, correct, correct)


def test_against_the_baseline_it_is_the_ablation(outcomes: Outcomes) -> None:
    pair = compare_pairs(outcomes, [("ccl", "baseline")], SETTINGS).iloc[0]
    table = compare_methods(outcomes, SETTINGS).set_index("method")
    for name in PAIR_COLUMNS[2:]:
        assert pair[name] == table.loc["ccl", name], name


def test_the_difference_is_that_of_the_means(outcomes: Outcomes) -> None:
    pair = compare_pairs(outcomes, [("ccl", "crd")], SETTINGS).iloc[0]
    expected = np.mean(
        [
            outcomes.correct["ccl", seed].mean() - outcomes.correct["crd", seed].mean()
            for seed in range(3)  # those that both were run with
        ]
    )
    assert pair["paired_seeds"] == 3
    assert pair["difference"] == pytest.approx(expected)
    assert pair["method_low"] < expected < pair["method_high"]
    assert pair["p_method"] < 0.05


def test_turned_round_it_is_the_same_with_the_other_sign(outcomes: Outcomes) -> None:
    there = compare_pairs(outcomes, [("ccl", "baseline")], SETTINGS).iloc[0]
    back = compare_pairs(outcomes, [("baseline", "ccl")], SETTINGS).iloc[0]
    assert back["method"] == "baseline"
    assert back["difference"] == pytest.approx(-there["difference"])
    assert back["p_method"] == pytest.approx(there["p_method"])
    assert back["method_low"] == pytest.approx(-there["method_high"])


def test_methods_that_were_not_run_are_left_out(outcomes: Outcomes) -> None:
    found = compare_pairs(outcomes, [("cmc", "baseline"), ("ccl", "kd")], SETTINGS)
    assert found.empty
    assert list(found.columns) == list(PAIR_COLUMNS)
