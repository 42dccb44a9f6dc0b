from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.datasets.manifest import COLUMNS
from cca_tools.errors import DataError, UsageError
from cca_tools.reference.ucf51 import ucf51_levels
from cca_tools.splits import (
    SplitFile,
    hash_rows,
    make_splits,
    read_splits,
    split_classes,
    write_splits,
)
from cca_tools.workspace import Workspace

NAMES = ("highly_correlated", "weakly_correlated", "not_correlated", "weak_or_high")


def a_file(levels: dict[str, str]) -> SplitFile:
    return SplitFile(make_splits(levels), levels, "l" * 64, "t" * 64, "m" * 64, "majority")


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.sampled_from(["highly", "weakly", "not", "unsure", ""]),
    )
)
def test_every_class_is_where_its_level_says(levels):
    splits = {name: set(split.classes) for name, split in make_splits(levels).items()}
    assert tuple(splits) == NAMES
    for name, level in levels.items():
        assert (name in splits["highly_correlated"]) == (level == "highly")
        assert (name in splits["weakly_correlated"]) == (level == "weakly")
        assert (name in splits["not_correlated"]) == (level == "not")
        assert (name in splits["weak_or_high"]) == (level in ("highly", "weakly"))
    for split in make_splits(levels).values():
        assert list(split.classes) == sorted(split.classes)


def test_the_published_levels_give_30_and_21_classes():
    splits = make_splits(ucf51_levels())
    assert {name: len(split.classes) for name, split in splits.items()} == {
        "highly_correlated": 15,
        "weakly_correlated": 15,
        "not_correlated": 21,
        "weak_or_high": 30,
    }
    assert splits["weak_or_high"].rule == "level is highly or weakly"


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "splits.json"
    content = a_file({"b": "highly", 'a "quoted" ü': "not", "c": ""})
    write_splits(path, content)
    assert read_splits(path) == content
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["splits"]["highly_correlated"] == {
        "classes": ["b"],
        "rule": "level is highly",
        "count": 1,
    }
    assert record["counts"] == {"": 1, "highly": 1, "not": 1}


def test_classes_of_a_split(tmp_path):
    workspace = Workspace(tmp_path)
    write_splits(workspace.splits, a_file({"b": "highly", "a": "weakly", "c": "weakly"}))
    assert split_classes(workspace, "weak_or_high") == ("a", "b", "c")
    with pytest.raises(UsageError, match=r"'best'.* all, highly_correlated, weakly_"):
        split_classes(workspace, "best")
    with pytest.raises(DataError, match="not_correlated has no class"):
        split_classes(workspace, "not_correlated")


def test_all_is_every_class_of_the_manifest(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(DataError, match="cca-tools index"):
        split_classes(workspace, "all")
    rows = [dict.fromkeys(COLUMNS, "") | {"video_id": str(n), "class_name": name} for n, name in
            enumerate("bab")]  # fmt: skip
    numbers = {name: 0 for name, kind in COLUMNS.items() if kind != "str"}
    pd.DataFrame([row | numbers for row in rows]).astype(COLUMNS).to_parquet(workspace.manifest)
    assert split_classes(workspace, "all") == ("a", "b")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"splits": {"a": 3}}', '{"splits": {"a": {"classes": 3}}}', "\x00"]
)
def test_what_is_no_file_of_splits_says_so(tmp_path, content):
    workspace = Workspace(tmp_path)
    workspace.splits.write_text(content)
    with pytest.raises(DataError, match="is no file of splits"):
        read_splits(workspace.splits)


def test_splits_that_are_not_there_name_the_command(tmp_path):
    with pytest.raises(DataError, match="Make them with `cca-tools split`"):
        split_classes(Workspace(tmp_path), "highly_correlated")


def test_the_hash_tells_contents_apart_and_not_their_order():
    assert hash_rows([("a", "b"), ("c", "d")]) == hash_rows([("c", "d"), ("a", "b")])
    different = [[("a", "b")], [("ab", "")], [("a", "b", "")], [("a", "b"), ("a", "b")], []]
    assert len({hash_rows(rows) for rows in different}) == len(different)
