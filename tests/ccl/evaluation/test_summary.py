from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from ccl.evaluation.measures import MEASURES, measure_videos
from ccl.evaluation.report import as_json, to_markdown, write_evaluation
from ccl.evaluation.summary import Intervals, summarise

from .said import CLASSES, make_predictions, random_predictions

FAST = Intervals(resamples=50)


def by_hand():
    """Six videos of three classes: four right, in three groups; two of them on one side."""
    probs = [
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.6, 0.2],
        [0.4, 0.2, 0.4],
        [0.0, 0.1, 0.9],
    ]
    test = make_predictions([0, 0, 1, 1, 2, 2], probs, groups=["a", "a", "b", "b", "c", "c"])
    gallery = make_predictions(
        [0, 1, 0], np.eye(3), np.eye(3), split="train", groups=["a", "z", "y"]
    )
    return test, gallery


def test_every_number_by_hand():
    result = summarise(*by_hand(), {"dog": "highly", "cat|s": "not"}, FAST)
    assert result.value("top1") == pytest.approx((1 + 0 + 1 + 1 + 0.5 + 1) / 6)
    assert result.value("top5") == 1.0
    assert result.value("clip_top1") == pytest.approx(0.5)
    assert result.class_mean["top1"]["value"] == pytest.approx((0.5 + 1 + 0.75) / 3)
    # nearest axis: 0, 1, 1, 1, (0 or 2: of class 0 both), 2; class 2 is not in the gallery
    assert result.value("r1") == pytest.approx((1 + 0 + 1 + 1) / 4)
    # without item 0, whose group is a: the first query ties items 1 and 2, the second has 1
    assert result.value("r1_other_groups") == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert result.metrics["r1"]["videos"] == 4
    assert result.metrics["r1"]["groups"] == 2
    assert result.metrics["r1"]["chance"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 3) / 4)
    assert result.metrics["top1"]["chance"] == pytest.approx(1 / 3)
    assert result.sizes == {
        "videos": 6, "groups": 3, "classes": 3, "classes_with_videos": 3, "clips": 12,
        "gallery_videos": 3,
    }  # fmt: skip
    assert (result.split, result.gallery) == ("test", "train")
    levels = {row["level"]: row for row in result.levels}
    assert list(levels) == ["highly", "not"]
    assert levels["highly"]["metrics"]["top1"]["value"] == 0.5
    assert levels["not"]["metrics"]["top1"]["value"] == 1.0
    assert levels["not"]["videos"] == 2
    owl = next(row for row in result.classes if row["class_name"] == "$owl$")
    assert (owl["level"], owl["metrics"]["top1"]["value"]) == ("", 0.75)
    assert owl["metrics"]["r1"]["value"] is None
    assert result.confusions[0] == {
        "class_name": "dog", "taken_for": "cat|s", "videos": 1.0, "share": 0.5
    }  # fmt: skip
    assert result.counts["no_relevant"] == 2
    assert any("2 queries have nothing of their class" in line for line in result.notices)
    assert any("top-5 of 3 classes" in line for line in result.notices)


def test_recognition_is_scikit_learns():
    said = random_predictions(8, 12, signal=0.7)
    result = summarise(said, random_predictions(8, 9, 1, "train"), {}, FAST)
    targets = said.videos["target"]
    for k in (1, 5):
        expected = top_k_accuracy_score(targets, said.probs, k=k, labels=range(8))
        assert result.value(f"top{k}") == pytest.approx(expected)
    expected = balanced_accuracy_score(targets, said.probs.argmax(axis=1))
    assert result.class_mean["top1"]["value"] == pytest.approx(expected)
    means = [row["metrics"]["top1"]["value"] for row in result.classes]
    assert np.mean(means) == pytest.approx(expected)
    assert result.levels == []


def test_intervals_hold_their_value_and_strata_add_up():
    said, gallery = random_predictions(6, 20, signal=0.6), random_predictions(6, 9, 1, "train")
    levels = {f"c{i}": ("highly", "weakly", "not")[i % 3] for i in range(6)}
    result = summarise(said, gallery, levels, Intervals(400))
    for metric in (*result.metrics.values(), *result.class_mean.values()):
        assert metric["low"] <= metric["value"] <= metric["high"]
    for name in MEASURES:
        total = sum(row["metrics"][name]["value"] * row["videos"] for row in result.levels)
        assert total / len(said) == pytest.approx(result.value(name))
    assert [row["level"] for row in result.levels] == ["highly", "weakly", "not"]


def test_the_mean_over_classes_varies_also_where_no_class_does():
    """Each class is all right or all wrong: drawn within classes nothing would vary."""
    probs = np.eye(6, dtype=np.float32)[np.repeat([0, 1, 2, 0, 0, 0], 4)]
    said = make_predictions(np.repeat(np.arange(6), 4), probs)
    gallery = make_predictions([0], np.eye(6)[:1], split="train")
    mean = summarise(said, gallery, {}, Intervals(500)).class_mean["top1"]
    assert mean["value"] == 0.5
    assert mean["low"] < 0.35
    assert mean["high"] > 0.65


def test_what_cannot_be_wrong_has_no_interval_round_it():
    result = summarise(*by_hand(), {}, FAST)
    top5 = result.metrics["top5"]
    assert (top5["low"], top5["value"], top5["high"], top5["chance"]) == (1, 1, 1, 1)


def test_the_order_of_videos_and_the_scale_of_embeddings_do_not_matter():
    said, gallery = random_predictions(5, 8, signal=0.5), random_predictions(5, 6, 1, "train")
    order = np.random.default_rng(0).permutation(len(said))
    turned = replace(
        said,
        videos=said.videos.iloc[order].reset_index(drop=True),
        probs=said.probs[order],
        embeddings=100 * said.embeddings[order],
    )
    first, second = (summarise(one, gallery, {}, FAST) for one in (said, turned))
    assert first.metrics.keys() == second.metrics.keys()
    for name, metric in first.metrics.items():
        assert second.metrics[name] == pytest.approx(metric)


def test_retrieval_beats_chance_where_there_is_a_signal_and_not_without():
    gallery = random_predictions(10, 10, 1, "train")
    good = summarise(random_predictions(10, 10), gallery, {}, Intervals(200))
    assert good.metrics["r1"]["low"] > good.metrics["r1"]["chance"]
    noise = random_predictions(10, 40, signal=0.0)
    bad = summarise(noise, random_predictions(10, 10, 1, "train", 0.0), {}, Intervals(200))
    assert bad.metrics["r1"]["low"] < bad.metrics["r1"]["chance"] < bad.metrics["r1"]["high"]
    assert bad.metrics["top1"]["low"] < 0.1 < bad.metrics["top1"]["high"]


def test_no_gallery_is_told_and_no_number_is_made_up():
    test, gallery = by_hand()
    result = summarise(test, gallery.of_split("none"), {}, FAST)
    assert result.metrics["r1"]["value"] is None
    assert np.isnan(result.value("r1"))
    assert any("no training video" in line for line in result.notices)
    assert "| R@1 | - |" in to_markdown(result)


def test_a_diverged_network_is_wrong_and_told():
    test, gallery = by_hand()
    broken = np.full_like(test.probs, np.nan)
    result = summarise(replace(test, probs=broken, embeddings=broken), gallery, {}, FAST)
    assert result.value("top1") == 0.0
    assert result.value("r20") == 0.0
    assert result.counts["not_finite"] == result.counts["queries_not_finite"] == 6
    assert result.confusions == []


def test_no_bootstrap_leaves_intervals_open():
    result = summarise(*by_hand(), {}, Intervals(0))
    assert result.metrics["top1"]["low"] is None
    assert result.class_mean["top1"]["high"] is None


def test_json_is_strict_and_holds_everything(tmp_path):
    result = summarise(*by_hand(), {"dog": "highly"}, FAST)
    path, markdown = write_evaluation(result, tmp_path / "evaluation")
    assert json.loads(path.read_text()) == json.loads(json.dumps(as_json(result)))
    assert "NaN" not in path.read_text()
    assert markdown.read_text() == to_markdown(result)


def test_markdown_names_gallery_and_query_and_keeps_its_cells():
    text = to_markdown(summarise(*by_hand(), {"dog": "highly"}, FAST))
    assert "query test, gallery 3 train videos" in text
    assert "R@1 without own group" in text
    assert "top-1 per clip" in text
    assert "cat\\|s" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()]
        assert len({len(row) for row in rows}) == 1
    assert CLASSES[0] in text


def test_measures_are_one_row_a_video():
    measured = measure_videos(*by_hand())
    assert tuple(measured.values.columns) == MEASURES == tuple(measured.chance.columns)
    assert measured.values["top1"].tolist() == [1, 0, 1, 1, 0.5, 1]
    assert measured.values["r1"].isna().tolist() == [False] * 4 + [True] * 2
