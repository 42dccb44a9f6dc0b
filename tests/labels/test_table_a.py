from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.labels.stats import draw_stats, shown_stats, stats_table, write_stats
from cca_tools.labels.table_a import table_a
from cca_tools.workspace import Workspace


def wilson(count: int, total: int) -> tuple[float, float]:
    """Wilson's score interval as in his paper of 1927: the roots of (p - s)^2 = z^2 s (1 - s) / n.

    z is the 97.5 % point of the normal distribution.
    """
    z, share = 1.959963984540054, count / total
    a, b, c = 1 + z**2 / total, -(2 * share + z**2 / total), share**2
    root = math.sqrt(max(b**2 - 4 * a * c, 0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@given(st.lists(st.sampled_from(["highly", "weakly", "not", "unsure", ""]), min_size=1))
def test_counts_shares_and_intervals(given_levels):
    levels = {f"class {n}": level for n, level in enumerate(given_levels)}
    table = table_a(levels)
    assert table["classes"].sum() == len(levels)
    assert table["share"].sum() == pytest.approx(1)
    for row in table.to_dict("records"):
        count = given_levels.count("" if row["level"] == "open" else row["level"])
        assert row["classes"] == count
        assert row["share"] == pytest.approx(float(Fraction(count, len(levels))))
        bounds = (row["share_low"], row["share_high"])
        assert bounds == pytest.approx(wilson(count, len(levels)), abs=1e-9)
    assert table["level"].tolist()[:3] == ["highly", "weakly", "not"]


def test_levels_that_no_class_has_are_shown_if_the_paper_shows_them():
    assert table_a({"a": "not"})["level"].tolist() == ["highly", "weakly", "not"]
    assert table_a({"a": "unsure", "b": ""})["classes"].tolist() == [0, 0, 0, 1, 1]


def test_without_classes_nothing_is_claimed():
    table = table_a({})
    assert table["classes"].tolist() == [0, 0, 0]
    assert np.isnan(table[["share", "share_low", "share_high"]].to_numpy()).all()
    assert shown_stats(stats_table({"x": {}}))["Proportion (%)"].tolist() == ["", "", ""]


def test_one_table_for_several_datasets(tmp_path):
    datasets = {"U_1 $a$": {"a": "highly", "b": ""}, "=V": {"c": "not"}}
    table = stats_table(datasets)
    assert table["dataset"].tolist() == ["U_1 $a$"] * 4 + ["=V"] * 3
    files = write_stats(table, Workspace(tmp_path))
    assert [path.name for path in files] == [
        "table_a.csv", "table_a.md", "table_a.tex", "table_a.png", "table_a.pdf",
    ]  # fmt: skip
    assert "\n'=V,not,1,1.0," in files[0].read_text()
    assert r"| U_1 \$a\$ | highly | 1 | 50.0 | 9.5 to 90.5 |" in files[1].read_text()
    assert r"U\_1 \$a\$ & highly & 1 & 50.0 & 9.5 to 90.5 \\" in files[2].read_text()
    assert files[3].read_bytes().startswith(b"\x89PNG")
    assert files[4].read_bytes().startswith(b"%PDF")


def test_the_picture_shows_the_figures():
    table = stats_table({"one": {"a": "highly", "b": "not", "c": "not"}, "two": {"a": "unsure"}})
    figure = draw_stats(table)
    first, second = figure.axes
    assert [bar.get_width() for bar in first.patches] == pytest.approx([100 / 3, 0, 200 / 3])
    assert [text.get_text() for text in first.texts] == ["1", "0", "2"]
    assert first.get_title(loc="left") == "one (3 classes)"
    assert [label.get_text() for label in second.get_yticklabels()] == [
        "highly", "weakly", "not", "unsure",
    ]  # fmt: skip
    (whiskers,) = first.collections
    low, high = wilson(2, 3)
    ends = whiskers.get_segments()[2][:, 0]
    assert ends == pytest.approx([100 * low, 100 * high])
