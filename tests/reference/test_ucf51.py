from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd
import pytest

from cca_tools.associations.table import COLUMNS
from cca_tools.reference.ucf51 import published_rows, ucf51_classes, ucf51_levels
from cca_tools.reference.ucf51_artefacts import (
    published_associations,
    published_tables,
    table_a,
    write_ucf51,
)
from cca_tools.taggers.labels import audioset_labels
from cca_tools.workspace import Workspace, read_provenance


def test_is_what_the_supplement_prints(shared: Path) -> None:
    with (shared / "paper" / "ucf51_tables_d_e_f.csv").open(encoding="utf-8", newline="") as file:
        printed = list(csv.DictReader(file))
    expected: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in sorted(printed, key=lambda row: int(row["rank"])):
        key = (row["table"], row["video_class"], row["correlation"])
        expected[key].append(row["audio_class"])
    found = {
        (row["table"], row["class_name"], row["level"]): row["audio_classes"].split("; ")
        for row in published_rows()
    }
    assert found == dict(expected)


def test_tables_a_to_c_are_what_the_supplement_prints(shared: Path) -> None:
    printed = json.loads((shared / "paper" / "tables_a_b_c.json").read_text(encoding="utf-8"))
    found = published_tables()
    for level, row in printed["table_a"].items():
        assert found["table_a"].loc[level].to_dict() == row
    for stratum in ("weak_or_high", "not_correlated"):
        assert found["table_b"].loc[stratum].to_dict() == printed["table_b"][stratum]
    assert list(found["table_c"].columns) == printed["table_c"]["columns"]
    for method in ("baseline", "crd", "cmc", "ccl"):
        assert found["table_c"].loc[method].tolist() == printed["table_c"][method]


def test_there_are_51_classes_with_ten_audioset_names_each() -> None:
    names = set(audioset_labels().names)
    assert len(set(ucf51_classes())) == 51
    for row in published_rows():
        audio = row["audio_classes"].split("; ")
        assert len(set(audio)) == 10
        assert set(audio) <= names


def test_the_classes_are_those_of_ucf101(shared: Path) -> None:
    index = shared / "data" / "ucf51" / "ucfTrainTestlist" / "classInd.txt"
    known = {line.split()[1] for line in index.read_text().splitlines() if line.strip()}
    assert set(ucf51_classes()) <= known


def test_table_a_is_recomputed() -> None:
    table = table_a(ucf51_levels())
    assert table["level"].tolist() == ["highly", "weakly", "not"]
    assert table["classes"].tolist() == [15, 15, 21]
    assert table["percent"].tolist() == [29.4, 29.4, 41.2]
    counted = Counter(ucf51_levels().values())
    assert dict(zip(table["level"], table["classes"], strict=True)) == counted
    published = published_tables()["table_a"]
    assert table.set_index("level")["percent"].to_dict() == published["percent"].to_dict()


def test_table_a_of_nothing_is_undefined() -> None:
    table = table_a({})
    assert table["classes"].tolist() == [0, 0, 0]
    assert table["percent"].isna().all()


def test_the_artefact_has_the_schema_of_our_own(tmp_path: Path) -> None:
    write_ucf51(Workspace(tmp_path))
    frame = pd.read_parquet(tmp_path / "reference-ucf51" / "associations.parquet")
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 510
    for _, rows in frame.groupby("class_name"):
        assert rows["rank"].tolist() == list(range(1, 11))
    unpublished = [name for name in COLUMNS if name not in ("class_name", "rank", "mid", "tag")]
    assert frame[unpublished].isna().all(axis=None)
    labels = audioset_labels()
    assert all(labels.name_of(row.mid) == row.tag for row in frame.itertuples())
    pd.testing.assert_frame_equal(
        frame[["class_name", "mid"]], published_associations()[["class_name", "mid"]]
    )


def test_the_studys_own_results_are_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "associations.parquet"
    own.write_bytes(b"mine")
    files = write_ucf51(Workspace(tmp_path))
    assert own.read_bytes() == b"mine"
    assert all(path.is_relative_to(tmp_path / "reference-ucf51") for path in files)
    assert all(path.is_file() for path in files)
    assert read_provenance(files[0])["command"] == "reference ucf51"


def test_the_tables_are_laid_out_as_printed(tmp_path: Path) -> None:
    write_ucf51(Workspace(tmp_path))
    tables = tmp_path / "reference-ucf51" / "tables"
    markdown = (tables / "associations.md").read_text(encoding="utf-8").splitlines()
    assert markdown[0] == "| Video class | Top-10 associated audio classes | Correlated |"
    assert markdown[2] == (
        "| ApplyEyeMakeup | Speech; Inside, small room; Music; Female speech, woman speaking; "
        "Vehicle; Writing; Conversation; Narration, monologue; Animal; Rustle | not |"
    )
    assert len(markdown) == 2 + 51
    assert r"weakly & 15 & 29.4 \\" in (tables / "table_a.tex").read_text()
    with (tables.parent / "levels.csv").open(newline="") as file:
        levels = {row["class_name"]: row["level"] for row in csv.DictReader(file)}
    assert levels == ucf51_levels()


@pytest.mark.parametrize("name", ["HandstandPushups", "WritingOnBoard"])
def test_classes_are_spelt_as_ucf101_spells_its_folders(name: str) -> None:
    assert name in ucf51_classes()
