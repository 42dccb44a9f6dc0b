from __future__ import annotations

import numpy as np
import pytest

from cca_tools.errors import DataError
from ccl.ablation.outcomes import read_outcomes

from .simulated import predictions

CLASSES = np.array(["a", "a", "b", "b", "c"])
GROUPS = np.array(["g1", "g1", "g2", "", ""])


def frame(right, **changes):
    return predictions(np.array(right, bool), CLASSES, GROUPS).assign(**changes)


def test_runs_are_brought_to_the_same_order():
    first = frame([1, 0, 1, 0, 1])
    shuffled = frame([1, 1, 0, 0, 1]).sample(frac=1, random_state=3)
    found = read_outcomes({("baseline", 0): first, ("ccl", 0): shuffled})
    assert found.correct["baseline", 0].tolist() == [True, False, True, False, True]
    assert found.correct["ccl", 0].tolist() == [True, True, False, False, True]
    assert found.dropped == 0


def test_the_first_five_answers_count_apart_from_the_first():
    wrong = frame([1, 0, 0, 0, 0])
    wrong.at[1, "top5"] = ["b", "c", "x", "y", "a"]
    wrong.at[2, "top5"] = np.array(["a", "c", "x", "y", "z", "b"])  # sixth
    found = read_outcomes({("ccl", 0): wrong})
    assert found.correct["ccl", 0].tolist() == [True, False, False, False, False]
    assert found.among_five["ccl", 0].tolist() == [True, True, False, False, False]


def test_videos_without_a_group_stand_for_themselves():
    found = read_outcomes({("ccl", 0): frame([1] * 5)})
    assert found.videos["group"].nunique() == 4
    assert found.videos["group"].tolist()[:3] == ["g1", "g1", "g2"]


def test_only_test_videos_count():
    found = read_outcomes({("ccl", 0): frame([1] * 5, split=["train", "val", "", "test", "test"])})
    assert found.videos["video_id"].tolist() == ["v0003", "v0004"]


def test_videos_that_a_run_lacks_are_dropped_from_all_and_counted():
    full, short = frame([1, 0, 1, 0, 1]), frame([1, 1, 1, 1, 1]).iloc[1:4]
    found = read_outcomes({("baseline", 0): full, ("ccl", 1): short})
    assert found.dropped == 2
    assert found.correct["baseline", 0].tolist() == [False, True, False]
    assert found.methods == ["baseline", "ccl"]
    assert (found.seeds("baseline"), found.seeds("ccl"), found.seeds("ccl", "baseline")) == (
        [0], [1], [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ({}, "no predictions"),
        ({("ccl", 0): frame([1] * 5, split="train")}, "ccl (seed 0) has no test predictions"),
        (
            {("ccl", 2): frame([1] * 5, video_id="one")},
            "ccl (seed 2) answers the video 'one' twice",
        ),
        (
            {("ccl", 0): frame([1] * 5), ("crd", 1): frame([1] * 5, class_name="z")},
            "ccl (seed 0) and crd (seed 1) disagree on the class of 5 test videos, first 'v0000'",
        ),
        (
            {("a", 0): frame([1] * 5), ("b", 0): frame([1] * 5, video_id=list("vwxyz"))},
            "a (seed 0), b (seed 0) have no test video in common",
        ),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused_by_name(frames, said):
    with pytest.raises(DataError) as error:
        read_outcomes(frames)
    assert said in str(error.value)
