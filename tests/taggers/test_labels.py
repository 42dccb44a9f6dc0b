import csv
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.errors import DataError, UsageError
from cca_tools.taggers.labels import (
    LabelSpace,
    audioset_labels,
    label_space,
    read_label_table,
    yamnet_labels,
)


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [("audioset", "class_labels_indices.csv", 527), ("yamnet", "yamnet_class_map.csv", 521)],
)
def test_shipped_tables_are_the_published_ones(shared, name, file, count):
    with (shared / "data" / "annotations" / file).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    space = label_space(name)
    assert len(rows) == count
    assert space.mids == tuple(row["mid"] for row in rows)
    assert space.names == tuple(row["display_name"] for row in rows)


def test_index_and_name_are_inverse():
    for space in (audioset_labels(), yamnet_labels()):
        assert [space.index(mid) for mid in space.mids] == list(range(len(space)))
        assert [space.name_of(mid) for mid in space.mids] == list(space.names)


def test_hash_is_of_mids_and_names_in_order():
    space = LabelSpace("two", ("/m/a", "/m/b"), ("A", "B"))
    assert space.hash == hashlib.sha256(b"/m/a\tA\n/m/b\tB").hexdigest()
    assert LabelSpace("other", space.mids, space.names).hash == space.hash
    assert LabelSpace("two", ("/m/b", "/m/a"), ("B", "A")).hash != space.hash
    assert LabelSpace("two", space.mids, ("A", "C")).hash != space.hash
    assert audioset_labels().hash != yamnet_labels().hash


@pytest.mark.parametrize(
    ("mids", "names", "message"),
    [
        ((), (), "no classes"),
        (("/m/a", ""), ("A", "B"), "without a MID"),
        (("/m/a", "/m/a"), ("A", "B"), "more than once"),
        (("/m/a",), ("A", "B"), "1 MIDs but 2 names"),
    ],
)
def test_bad_tables_are_refused(mids, names, message):
    with pytest.raises(DataError, match=message):
        LabelSpace("bad", mids, names)


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="Known are audioset, yamnet"):
        label_space("imagenet")
    with pytest.raises(DataError, match="no class '/m/nothing'"):
        audioset_labels().index("/m/nothing")


names = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1), min_size=1, unique=True
)


@given(names)
def test_a_written_table_reads_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("labels") / "own.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["mid", "name"])
        writer.writerows((f"/own/{number}", name) for number, name in enumerate(names))
    space = read_label_table(path)
    assert space.name == "own"
    assert space.names == tuple(names)


def test_a_table_may_lack_names_but_not_mids(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("\ufeffmid\n/m/a\n/m/b\n", encoding="utf-8")
    assert read_label_table(path).names == ("/m/a", "/m/b")
    path.write_text("name\nDog\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'mid'"):
        read_label_table(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_label_table(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_label_table(tmp_path / "absent.csv")
