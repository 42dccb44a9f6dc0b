from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cca_tools.errors import DataError
from cca_tools.reference.ucf51 import LEVELS, ucf51_levels
from cca_tools.suggestions import audio_probe
from cca_tools.suggestions.audio_probe import COLUMNS, probe, ten_way
from cca_tools.suggestions.training import published_audio


def videos(num_classes: int = 12, groups: int = 6, clips: int = 3):
    """Names and groups of videos, a group being of one class."""
    rows = [
        (f"c{one:02}", f"c{one:02}/g{group}")
        for one in range(num_classes)
        for group in range(groups)
        for _ in range(clips)
    ]
    names, units = zip(*rows, strict=True)
    return np.array(names), np.array(units)


def codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def test_what_differs_by_class_is_told_and_what_does_not_is_chance() -> None:
    names, groups = videos()
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 16)) * 5
    centres[6:] = 0
    found = probe((centres[codes(names)] + rng.normal(size=(len(names), 16))), names, groups)
    assert list(found.columns) == list(COLUMNS)
    assert found["class_name"].tolist() == [f"c{one:02}" for one in range(12)]
    assert (found["videos"] == 18).all()
    assert (found["groups"] == 6).all()
    assert (found.loc[:5, "accuracy"] > 0.9).all()
    assert found.loc[6:, "accuracy"].mean() < 0.35
    np.testing.assert_allclose(found["accuracy"], found["correct"] / found["videos"])
    assert (found["accuracy_low"] <= found["accuracy"]).all()
    assert (found["accuracy_high"] >= found["accuracy"]).all()
    assert (found["ten_way"] >= found["accuracy"] - 1e-9).all()


def test_what_belongs_to_a_recording_alone_is_no_help() -> None:
    """Clips of a group are alike and classes are not: a probe that tears groups would shine."""
    names, groups = videos(10, 5, 6)
    rng = np.random.default_rng(1)
    of_group = rng.normal(size=(50, 64)) * 5
    values = of_group[codes(groups)] + 0.01 * rng.normal(size=(len(names), 64))
    assert probe(values, names, groups)["accuracy"].mean() < 0.25
    torn = probe(values, names, np.arange(len(names)).astype(str))
    assert torn["accuracy"].mean() > 0.95


def test_with_a_split_only_the_others_are_tested() -> None:
    names, groups = videos(4, 4, 2)
    rng = np.random.default_rng(2)
    train = ~np.char.endswith(groups, "g0")
    train[names == "c03"] = False  # a class that training does not have
    values = rng.normal(size=(len(names), 5)) + 8 * np.eye(4, 5)[codes(names)]
    found = probe(values, names, groups, train)
    assert found["class_name"].tolist() == ["c00", "c01", "c02"]
    assert (found["videos"] == 2).all()
    assert (found["accuracy"] == 1).all()


def test_a_class_of_one_recording_is_left_out_and_two_classes_are_needed() -> None:
    names, groups = videos(3, 3, 2)
    groups[names == "c02"] = "same"
    rng = np.random.default_rng(3)
    values = rng.normal(size=(len(names), 4))
    assert probe(values, names, groups)["class_name"].tolist() == ["c00", "c01"]
    groups[names == "c01"] = "other"
    with pytest.raises(DataError, match="fewer than two classes"):
        probe(values, names, groups)
    values[0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        probe(values, names, groups)


def test_the_order_of_the_videos_and_a_repetition_change_nothing() -> None:
    names, groups = videos(4, 4, 2)
    values = np.random.default_rng(4).normal(size=(len(names), 6)) + 2 * np.eye(4, 6)[codes(names)]
    first = probe(values, names, groups)
    pd.testing.assert_frame_equal(first, probe(values, names, groups))
    order = np.random.default_rng(5).permutation(len(names))
    shuffled = probe(values[order], names[order], groups[order])
    np.testing.assert_allclose(shuffled["accuracy"], first["accuracy"], atol=0.13)
    assert shuffled["correct"].tolist() == first["correct"].tolist()


def test_many_dimensions_are_reduced_and_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audio_probe, "_LARGE", 100)
    monkeypatch.setattr(audio_probe, "_REDUCED", 10)
    names, groups = videos(5, 6, 3)
    rng = np.random.default_rng(6)
    latent = rng.normal(size=(len(names), 5)) + 9 * np.eye(5)[codes(names)]
    values = latent @ rng.normal(size=(5, 60)) + 0.1 * rng.normal(size=(len(names), 60))
    assert probe(values, names, groups)["accuracy"].mean() > 0.9


@pytest.mark.parametrize("num_classes", [10, 11, 13])
def test_ten_way_is_the_share_of_nine_others_that_leave_the_class_first(num_classes: int) -> None:
    others = range(num_classes - 1)
    for above in range(num_classes):
        drawn = list(combinations(others, 9))
        free = sum(all(one >= above for one in chosen) for chosen in drawn)
        value = ten_way(np.array([above]), num_classes)[0]
        assert value == pytest.approx(free / len(drawn))


def test_ten_way_is_unknown_among_fewer_than_ten() -> None:
    assert np.isnan(ten_way(np.array([0, 1]), 9)).all()


@pytest.fixture(scope="session")
def ucf51(shared: Path):
    """Embeddings, names, groups of the released features, and the training half of split 1."""
    with np.load(shared / "data/ucf51/audio_features_cnn14_emb512.npz") as file:
        ids, names, values = file["video_id"], file["class_name"], file["embedding"]
    listed = (shared / "data/ucf51/ucfTrainTestlist/testlist01.txt").read_text().split()
    test = {Path(line).stem for line in listed}
    groups = np.array([one.rpartition("_c")[0] for one in ids])
    return values, names, groups, ~np.isin(ids, list(test))


def by_level(found: pd.DataFrame) -> list[float]:
    level = found["class_name"].map(ucf51_levels())
    return [float(found.loc[level == one, "accuracy"].mean()) for one in LEVELS]


def test_the_released_audio_tells_the_published_levels_apart_on_split_1(ucf51) -> None:
    """A linear probe made elsewhere gave 68, 42 and 30 % (design, section 8)."""
    found = probe(*ucf51)
    assert found["videos"].sum() == 1944
    np.testing.assert_allclose(by_level(found), [0.68, 0.42, 0.30], atol=0.015)


def test_what_ships_is_what_the_released_audio_gives(ucf51) -> None:
    found = probe(*ucf51[:3])
    shipped = published_audio()
    assert shipped["class_name"].tolist() == found["class_name"].tolist()
    assert shipped["videos"].tolist() == found["videos"].tolist()
    assert shipped["videos"].sum() == 6837
    np.testing.assert_allclose(shipped["correct"], found["correct"], atol=3)
    np.testing.assert_allclose(shipped["ten_way"], found["ten_way"], atol=0.02)
