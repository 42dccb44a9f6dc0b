from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from cca_tools.errors import DataError
from cca_tools.reports.figures import save_figure, slug
from cca_tools.reports.heatmap import choose_columns, cluster_order, matrix
from cca_tools.reports.plots import draw_class, draw_heat_map


def pairs_of(num_classes: int, num_codes: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for class_id in range(num_classes):
        met = rng.permutation(num_codes)[: max(1, int(num_codes * 0.8))]
        for rank, code in enumerate(met, start=1):
            rows.append(
                {
                    "class_name": f"class {class_id:03d}",
                    "rank": rank,
                    "mid": f"/m/{code:04d}",
                    "tag": f"audio {code}",
                    "support": 20,
                    "share": rng.random(),
                    "base_share": rng.random(),
                    "lift": 1.0,
                    "log_odds_z": rng.normal(),
                    "q_value": 0.5,
                }
            )
    frame = pd.DataFrame(rows)
    return frame.assign(share_low=frame["share"] * 0.9, share_high=frame["share"] * 1.05)


def tick_labels(figure: Figure, which: str) -> list[str]:
    axes = figure.axes[0]
    ticks = axes.get_xticklabels() if which == "x" else axes.get_yticklabels()
    return [tick.get_text() for tick in ticks]


@pytest.mark.parametrize("measure", ["share", "log_odds_z"])
def test_a_heat_map_shows_each_value_in_its_place(measure: str) -> None:
    pairs = pairs_of(6, 9)
    figure = draw_heat_map(pairs, measure)
    rows, columns = tick_labels(figure, "y"), tick_labels(figure, "x")
    assert sorted(rows) == sorted(pairs["class_name"].unique())
    assert sorted(columns) == sorted(pairs["tag"].unique())
    drawn = figure.axes[0].collections[0].get_array().reshape(len(rows), len(columns))
    known = {(row.class_name, row.tag): getattr(row, measure) for row in pairs.itertuples()}
    for at_row, name in enumerate(rows):
        for at_column, tag in enumerate(columns):
            if (name, tag) in known:
                assert drawn[at_row, at_column] == pytest.approx(known[name, tag])
            elif measure == "share":
                assert drawn[at_row, at_column] == 0.0
            else:
                assert np.ma.is_masked(drawn[at_row, at_column])


def test_many_classes_are_drawn_denser_and_named_at_both_ends() -> None:
    few, many = draw_heat_map(pairs_of(12, 30), "share"), draw_heat_map(pairs_of(309, 30), "share")
    assert len(tick_labels(many, "y")) == 309
    assert many.get_size_inches()[1] / 309 < few.get_size_inches()[1] / 12
    assert many.axes[0].xaxis.get_tick_params()["labeltop"]
    assert not few.axes[0].xaxis.get_tick_params()["labeltop"]


def test_rows_and_names_do_not_overlap() -> None:
    for number in (12, 309):
        figure = draw_heat_map(pairs_of(number, 20), "log_odds_z")
        figure.canvas.draw()
        boxes = [tick.get_window_extent() for tick in figure.axes[0].get_yticklabels()]
        tops = sorted((box.y0, box.y1) for box in boxes)
        assert all(low[1] <= high[0] + 1 for low, high in pairwise(tops))
        assert min(box.x0 for box in boxes) >= 0  # nothing is cut off at the left


def test_only_the_chosen_columns_are_drawn_and_that_is_said() -> None:
    figure = draw_heat_map(pairs_of(5, 200), "log_odds_z")
    assert len(tick_labels(figure, "x")) == 60
    said = [text.get_text() for text in figure.axes[0].texts]
    assert any("60 of" in text and "highest log-odds of each video class" in text for text in said)


@pytest.mark.parametrize(("classes", "codes"), [(1, 1), (1, 5), (2, 1), (2, 2)])
def test_the_smallest_tables_are_drawn(classes: int, codes: int) -> None:
    for measure in ("share", "log_odds_z"):
        assert draw_heat_map(pairs_of(classes, codes), measure).axes
    undefined = pairs_of(classes, codes).assign(log_odds_z=np.nan)
    assert draw_heat_map(undefined, "log_odds_z").axes


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(DataError, match="no associations to draw"):
        draw_heat_map(pairs_of(1, 1).iloc[:0], "share")
    with pytest.raises(DataError, match="no associations of the class 'x'"):
        draw_class(pairs_of(1, 1), "x")


def test_columns_are_chosen_in_rounds() -> None:
    table = [("A", "p", 9), ("A", "q", 8), ("A", "r", 7), ("B", "s", 2), ("B", "q", 1)]
    pairs = pd.DataFrame(table, columns=["class_name", "mid", "share"])
    order = ["p", "s", "q", "r"]  # first choices p and s; second q (8); then q again and r
    for most in range(1, 5):
        assert choose_columns(pairs, "share", most) == order[:most]


@given(st.integers(0, 1000))
def test_every_class_is_heard_while_there_is_room(seed: int) -> None:
    pairs = pairs_of(7, 15, seed)
    chosen = choose_columns(pairs, "log_odds_z", 7)
    best = pairs.loc[pairs.groupby("class_name")["log_odds_z"].idxmax(), "mid"]
    assert set(best) <= set(chosen)
    assert len(chosen) == len(set(chosen)) == 7


def test_matrix_holds_the_values() -> None:
    pairs = pairs_of(3, 4)
    wide = matrix(pairs, "share", ["/m/0002", "/m/0001"])
    assert list(wide.columns) == ["audio 2", "audio 1"]
    for row in pairs[pairs["mid"] == "/m/0001"].itertuples():
        assert wide.loc[row.class_name, "audio 1"] == row.share


@given(st.integers(0, 1000))
def test_blocks_stand_together_after_clustering(seed: int) -> None:
    rng = np.random.default_rng(seed)
    block = rng.permutation(np.repeat([0, 1, 2], 4))
    values = pd.DataFrame((block[:, None] == np.arange(3)) + 0.05 * rng.random((12, 3)))
    rows, columns = cluster_order(values)
    assert sorted(rows) == list(range(12))
    assert sorted(columns) == [0, 1, 2]
    assert (np.diff(block[rows]) != 0).sum() == 2


def test_rows_of_nothing_do_not_break_the_clustering() -> None:
    rows, _ = cluster_order(pd.DataFrame(np.zeros((4, 3))))
    assert sorted(rows) == [0, 1, 2, 3]


def test_a_bar_chart_shows_shares_intervals_and_the_dataset() -> None:
    pairs = pairs_of(2, 20)
    figure = draw_class(pairs, "class 001")
    mine = pairs[(pairs["class_name"] == "class 001") & (pairs["rank"] <= 10)]
    axes = figure.axes[0]
    lengths = [bar.get_width() for bar in axes.patches]
    assert lengths == pytest.approx(mine.sort_values("rank", ascending=False)["share"].tolist())
    assert tick_labels(figure, "y")[::-1] == mine["tag"].tolist()
    marks = axes.collections[-1].get_offsets()[:, 0]
    assert sorted(marks) == pytest.approx(sorted(mine["base_share"]))
    assert "(20 videos)" in axes.get_title(loc="left")


def test_a_bar_chart_without_intervals_and_tests() -> None:
    pairs = pairs_of(1, 3).assign(share_low=np.nan, share_high=np.nan, q_value=np.nan)
    figure = draw_class(pairs, "class 000")
    assert not any("q " in text.get_text() for text in figure.axes[0].texts)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["all videos"]


def test_dollars_are_no_mathematics(tmp_path: Path) -> None:
    pairs = pairs_of(2, 3).replace({"class 000": "$a_b$ $", "audio 1": "50 $ x $y_$"})
    paths = save_figure(draw_class(pairs, "$a_b$ $"), tmp_path / "x")
    paths += save_figure(draw_heat_map(pairs, "share"), tmp_path / "y")
    assert all(path.stat().st_size > 1000 for path in paths)


def test_pictures_are_written_as_png_and_pdf(tmp_path: Path) -> None:
    png, pdf = save_figure(draw_class(pairs_of(1, 12), "class 000"), tmp_path / "deep" / "chart.v1")
    assert (png.name, pdf.name) == ("chart.v1.png", "chart.v1.pdf")
    with Image.open(png) as image:
        assert image.width > 1000
    assert pdf.read_bytes().startswith(b"%PDF")


@given(st.lists(st.text(max_size=120), unique=True, max_size=10))
def test_file_names_are_safe_and_distinct(names: list[str]) -> None:
    files = [slug(name) for name in names]
    assert len(set(files)) == len(files)
    assert all(file and len(file.encode()) < 200 for file in files)
    assert not any(set(file) & set('/\\\0\n:*?"<>|') for file in files)
