from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from cca_tools.errors import DataError
from cca_tools.reports.levels import read_levels
from cca_tools.reports.tables import (
    association_table,
    class_table,
    write_association_table,
    write_class_table,
)
from cca_tools.tagging.rows import STATUSES

PAIRS = pd.DataFrame(
    {
        "class_name": ["B"] * 12 + ["A"],
        "rank": [*range(12, 0, -1), 1],
        "tag": [f"tag {rank}" for rank in range(12, 0, -1)] + ["Inside, small room"],
    }
)
NAMES = pd.DataFrame({"class_name": ["A", "B", "C", ""]})


def test_is_laid_out_as_the_papers_tables() -> None:
    table = association_table(PAIRS, NAMES, {"B": "weakly"})
    assert list(table.columns) == [
        "Video class",
        "Top-10 associated audio classes",
        "Correlated",
    ]
    assert table.values.tolist() == [
        ["A", "Inside, small room", ""],
        ["B", "; ".join(f"tag {rank}" for rank in range(1, 11)), "weakly"],
        ["C", "(no video counts)", ""],
        ["(no class)", "(no video counts)", ""],
    ]


def test_the_column_of_levels_is_shown_where_one_is_known(tmp_path: Path) -> None:
    write_association_table(association_table(PAIRS, NAMES, {}), tmp_path)
    assert "Correlated" not in (tmp_path / "associations.md").read_text()
    assert "Correlated" not in (tmp_path / "associations.tex").read_text()
    write_association_table(association_table(PAIRS, NAMES, {"A": "not"}), tmp_path)
    assert "| A | Inside, small room | not |" in (tmp_path / "associations.md").read_text()
    assert r"A & Inside, small room & not \\" in (tmp_path / "associations.tex").read_text()
    with (tmp_path / "associations.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["Correlated"] == "not"


def classes() -> pd.DataFrame:
    frame = pd.DataFrame(0, index=range(2), columns=list(STATUSES))
    frame.insert(0, "class_name", ["A", "B"])
    frame.insert(1, "videos", [5, 4])
    frame.insert(2, "support", [3, 4])
    frame.insert(3, "groups", [2, 4])
    frame["ok"], frame["partial"] = [2, 4], [1, 0]
    frame["no_audio_stream"], frame["untagged"] = [1, 0], [1, 0]
    return frame


def test_class_table_shows_what_became_of_every_video() -> None:
    table = class_table(classes())
    assert list(table.columns) == [
        *("Video class", "Videos", "Counted", "Groups", "Partial"),
        *("No audio stream", "Untagged"),
    ]
    assert table.values.tolist() == [
        ["A", 5, 3, 2, 1, 1, 1],
        ["B", 4, 4, 4, 0, 0, 0],
        ["All classes", 9, 7, 6, 1, 1, 1],
    ]


def test_class_table_is_written_in_three_forms(tmp_path: Path) -> None:
    paths = write_class_table(class_table(classes()), tmp_path)
    assert [path.name for path in paths] == ["classes.csv", "classes.md", "classes.tex"]
    assert "All classes,9,7,6,1,1,1" in paths[0].read_text()
    assert "| All classes | 9 | 7 | 6 | 1 | 1 | 1 |" in paths[1].read_text()
    assert r"All classes & 9 & 7 & 6 & 1 & 1 & 1 \\" in paths[2].read_text()


def test_levels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "levels.csv"
    path.write_text("class,level\nA,highly\nB, not \nC,\n", encoding="utf-8-sig")
    assert read_levels(str(path)) == {"A": "highly", "B": "not", "C": ""}
    published = read_levels("published-ucf51")
    assert len(published) == 51
    assert published["PlayingCello"] == "highly"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class_name,level\nA,very\n", "give 'A' the level 'very'"),
        ("class_name,level\nA,not\nA,highly\n", "give 'A' both not and highly"),
        ("name,level\nA,not\n", "have the columns name, level"),
        ("", "have the columns none"),
    ],
)
def test_bad_levels_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "levels.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_levels(str(path))


def test_absent_levels_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv cannot be read.*published-ucf51"):
        read_levels(str(tmp_path / "absent.csv"))
