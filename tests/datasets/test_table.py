"""Tables of one's own: columns, texts, segments, Parquet."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cca_tools.datasets.base import Annotations
from cca_tools.datasets.table import Table
from cca_tools.errors import DataError, UsageError


def read(tmp_path, text, columns=None, name="t.csv", encoding="utf-8"):
    (tmp_path / name).write_text(text, encoding=encoding)
    return Table(tmp_path, Annotations(tmp_path / name, columns=columns or {})).read()


def test_every_column(tmp_path):
    listing = read(
        tmp_path,
        "video_id,path,class_name,split,group,start_s,end_s,more\n"
        "one,a/b.mp4,dog,Training,g1,,,x\n"
        "two,./a//b.mp4,007,,g1,1.5,3,\n"
        ',-c.mp4,"NA, null",eval,,,2,\n',
    )
    first, second, third = listing.entries.values()
    assert (first.video_id, first.path, first.class_name, first.split, first.group) == (
        "one",
        "a/b.mp4",
        "dog",
        "train",
        "g1",
    )
    assert math.isnan(first.start_s)
    assert (second.path, second.class_name, second.start_s, second.end_s) == (
        "a/b.mp4",
        "007",
        1.5,
        3,
    )
    assert (third.video_id, third.class_name, third.split) == ("-c#-2", "NA, null", "test")
    assert listing.problems == []


def test_the_table_may_be_the_root(tmp_path):
    (tmp_path / "t.tsv").write_text("path\tclass_name\na.mp4\tdog\n")
    table = Table(tmp_path / "t.tsv")
    assert list(table.read().entries) == ["a"]
    assert table.media_root == tmp_path
    assert table.annotation_files() == [tmp_path / "t.tsv"]


def test_parquet_with_numbers_and_gaps(tmp_path):
    frame = pd.DataFrame(
        {
            "file": ["a.mp4", "b.mp4", None],
            "label": [3, 4, 5],
            "start_s": [0.5, math.nan, 1],
            "end_s": [2.0, None, 2],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    columns = {"path": "file", "class_name": "label"}
    listing = Table(tmp_path, Annotations(tmp_path / "t.parquet", columns=columns)).read()
    assert [(e.video_id, e.class_name) for e in listing.entries.values()] == [
        ("a#0.5-2", "3"),
        ("b", "4"),
    ]
    assert [(p.kind, p.item) for p in listing.problems] == [("bad_row", "row 3")]


def test_absolute_paths(tmp_path):
    listing = read(tmp_path, f"path\n{tmp_path}/far/x.mp4\n")
    (entry,) = listing.entries.values()
    assert str(tmp_path / "elsewhere" / entry.path) == f"{tmp_path}/far/x.mp4"


def test_byte_order_mark_and_foreign_letters(tmp_path):
    listing = read(tmp_path, "path,class_name\nä ö.mp4,猫\n", encoding="utf-8-sig")
    assert {e.path: e.class_name for e in listing.entries.values()} == {"ä ö.mp4": "猫"}


def test_faults_are_named_by_row(tmp_path):
    listing = read(
        tmp_path,
        "path,split,start_s,end_s\na.mp4,,,\na.mp4,,,\n,,,\n"
        "b.mp4,holdout,,\nb.mp4,,soon,\nb.mp4,,inf,\nb.mp4,,3,2\nb.mp4,,-1,2\nb.mp4,,,0\n",
    )
    assert list(listing.entries) == ["a"]
    assert [(p.kind, p.item) for p in listing.problems] == [
        ("duplicate_id", "a"),
        ("bad_row", "row 3"),
        ("bad_row", "row 4"),
        ("bad_row", "row 5"),
        ("bad_row", "row 6"),
        ("bad_segment", "b#3-2"),
        ("bad_segment", "b#-1-2"),
        ("bad_segment", "b#-0"),
    ]


@pytest.mark.parametrize(
    ("text", "columns", "error", "message"),
    [
        ("file\na.mp4\n", {}, DataError, r"no column 'path', but \['file'\]\. Say which is which"),
        ("path\na\n", {"class_name": "x"}, DataError, "no column 'x'"),
        ("path\na\n", {"label": "path"}, UsageError, "--columns names 'label'. Columns to fill"),
        ("", {}, DataError, "cannot be read"),
        ('path\n"a\n', {}, DataError, "cannot be read"),
    ],
)
def test_tables_that_will_not_do(tmp_path, text, columns, error, message):
    with pytest.raises(error, match=message):
        read(tmp_path, text, columns)


def test_wrong_kinds_of_file(tmp_path):
    with pytest.raises(DataError, match="is no table"):
        read(tmp_path, "path\n", name="t.xlsx")
    (tmp_path / "t.parquet").write_text("path\n")
    with pytest.raises(DataError, match="cannot be read"):
        Table(tmp_path, Annotations(tmp_path / "t.parquet")).read()
    with pytest.raises(DataError, match="not UTF-8"):
        read(tmp_path, "path\nä\n", encoding="latin-1")
    with pytest.raises(DataError, match=r"the folder .* is not there"):
        Table(tmp_path / "gone", Annotations(tmp_path / "t.csv")).read()
