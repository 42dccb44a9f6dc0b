import json
import math

import pandas as pd
import pytest

from cca_tools.correspondence.recovery import Recovery
from cca_tools.correspondence.results import (
    TERM_VARIANTS,
    Results,
    fill,
    results_path,
    variants,
    write_results,
)
from cca_tools.correspondence.sizes import SIZES, size_named
from cca_tools.correspondence.text import accuracy_table, answers, markdown, sections, verdict
from cca_tools.errors import DataError, UsageError
from cca_tools.suggestions.evaluate import agreement
from cca_tools.workspace import Workspace
from ccl.ablation.settings import parse_variant
from ccl.methods.registry import METHODS
from ccl.training.configure import configure

NAN = float("nan")


@pytest.fixture
def results() -> Results:
    rows = pd.DataFrame(
        {
            "stratum": ["highly", "highly", "not", "not"],
            "method": ["baseline", "ccl"] * 2,
            "accuracy": [0.5, 0.625, 0.5, NAN],
            "accuracy_sd": [0.01, 0.02, NAN, NAN],
        }
    )
    pair = {
        "stratum": "highly", "method": "ccl", "reference": "baseline", "paired_seeds": 5,
        "difference": 0.125, "runs_low": 0.1, "runs_high": 0.15, "p_runs": 0.001,
        "method_low": 0.05, "method_high": 0.2, "p_method": 0.004, "detectable": 0.06,
        "p_runs_holm": 0.002, "p_method_holm": 0.008,
    }  # fmt: skip
    classes = pd.DataFrame(
        {
            "class_name": ["a", "b"],
            "level": ["highly", "not"],
            "suggested": ["highly", "weakly"],
            "by_associations": ["highly", "not"],
            "sound": ["Bell", ""],
            "audio_accuracy": [0.9, 0.1],
        }
    )
    planted = dict(zip(classes["class_name"], classes["level"], strict=True))
    audio = pd.DataFrame(
        {"level": ["highly", "not"], "classes": [1, 1], "mean": [0.9, 0.1], "least": [0.9, 0.1],
         "most": [0.9, 0.1]}
    )  # fmt: skip
    recovery = Recovery(
        classes,
        agreement({"a": "highly", "b": "weakly"}, planted),
        agreement({"a": "highly", "b": "not"}, planted),
        audio,
        1.0,
        NAN,
    )
    return Results({"sounds": "esc10"}, rows, pd.DataFrame([pair]), recovery)


def test_the_file_holds_the_numbers(results: Results, tmp_path) -> None:
    path = write_results(results, Workspace(tmp_path))
    assert path == results_path(Workspace(tmp_path))
    record = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert record["rows"][1]["accuracy"] == 0.625
    assert record["rows"][3]["accuracy"] is None
    assert record["pairs"][0]["p_method_holm"] == 0.008
    assert record["recovery"]["ordered"] == 1.0
    assert record["recovery"]["ordered_by_suggestions"] is None
    assert record["recovery"]["suggestions"]["accuracy"] == 0.5
    assert record["recovery"]["suggestions"]["confusion"]["not"]["weakly"] == 1


def test_the_text_has_the_same_numbers(results: Results) -> None:
    text = markdown(results)
    for part in ("62.5 (2.0)", "+12.5", "+5.0 to +20.0", "0.008", "1 of 2 levels right", "Bell"):
        assert part in text, part


def test_accuracies_stand_by_method_and_stratum(results: Results) -> None:
    table = accuracy_table(results.rows)
    assert list(table.columns) == ["method", "highly", "not"]
    assert table.to_numpy().tolist() == [
        ["baseline", "50.0 (1.0)", "50.0"],
        ["ccl", "62.5 (2.0)", "-"],
    ]


@pytest.mark.parametrize(
    ("difference", "p", "says"),
    [
        (0.03, 0.02, "better by 3.0"),
        (-0.03, 0.02, "worse by 3.0"),
        (0.03, 0.051, "no difference shown"),
        (0.03, 0.00001, "p < 0.001"),
        (0.03, NAN, "fewer than three seeds"),
    ],
)
def test_verdicts(difference: float, p: float, says: str) -> None:
    assert says in verdict({"difference": difference, "p_method_holm": p})


def test_every_question_has_an_answer(results: Results) -> None:
    assert len(answers(results.pairs)) == len(results.pairs)


def test_documents_are_filled(results: Results) -> None:
    text = "before\n<!-- benchmark: answers -->\nold\n<!-- end -->\nafter\n"
    filled = fill(text, sections(results))
    assert filled.startswith("before\n<!-- benchmark: answers -->\n- highly: ccl against baseline")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert "old" not in filled
    assert fill(filled, sections(results)) == filled
    assert fill("no mark\n", {}) == "no mark\n"


def test_marks_that_do_not_do_are_refused() -> None:
    with pytest.raises(DataError, match="'b'"):
        fill("<!-- benchmark: b -->\n<!-- end -->\n", {"a": ""})
    with pytest.raises(DataError, match="not closed"):
        fill("<!-- benchmark: a -->\n", {"a": ""})


def test_the_variants_are_understood_by_the_trainer() -> None:
    terms = METHODS["ccl"].routing
    for text in variants(tuple(TERM_VARIANTS)):
        variant = parse_variant(text)
        config = configure(
            values={"method.name": variant.method, "data.distill": ["audio"]},
            assignments=list(variant.assignments),
        )
        assert set(config.method.weights) <= set(terms)
        assert set(config.method.weights.values()) <= {0}
        assert len(config.method.weights) == len(TERM_VARIANTS[variant.label])


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_are_understood_by_the_trainer(name: str) -> None:
    size = size_named(name)
    assert set(size.methods) <= set(METHODS)
    values = {"method.name": "ccl", "data.distill": ["audio"]}
    config = configure(values=values, assignments=list(size.assignments))
    assert config.student.name == "tiny"
    assert config.data.flip == 0
    assert (config.data.num_frames or math.inf) * config.data.stride <= 24


def test_the_default_asks_what_the_issue_asks() -> None:
    assert SIZES["default"].seeds >= 5
    assert {
        "baseline",
        "crd",
        "cmc",
        "ccl",
        "ccl-released",
        "labels-only",
        "random-teacher",
    } <= set(SIZES["default"].methods)


def test_an_unknown_size() -> None:
    with pytest.raises(UsageError, match="smoke"):
        size_named("huge")
