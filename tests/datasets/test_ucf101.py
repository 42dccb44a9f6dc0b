"""UCF101's own quirks, with the official lists and with made-up ones."""

from __future__ import annotations

from collections import Counter

import pytest

from cca_tools.datasets.base import Annotations
from cca_tools.datasets.ucf101 import Ucf101
from cca_tools.errors import DataError
from cca_tools.reference.ucf51 import ucf51_classes

# Videos of train and test in each official split: Soomro et al. 2012, and the lists' line counts.
OFFICIAL = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}


@pytest.fixture
def lists(shared):
    return shared / "data/ucf51/ucfTrainTestlist"


@pytest.mark.parametrize("split", OFFICIAL)
def test_official_lists(lists, tmp_path, split):
    listing = Ucf101(tmp_path, Annotations(lists, split)).read()
    entries = list(listing.entries.values())
    counts = Counter(entry.split for entry in entries)
    assert (counts["train"], counts["test"]) == OFFICIAL[split]
    assert len(entries) == 13320
    assert len({entry.class_name for entry in entries}) == 101
    assert len({entry.group for entry in entries}) == 101 * 25
    assert listing.problems == []


def test_groups_of_the_official_lists_are_on_one_side(lists, tmp_path):
    sides = {}
    for entry in Ucf101(tmp_path, Annotations(lists, 1)).read().entries.values():
        sides.setdefault(entry.group, set()).add(entry.split)
    assert set(map(len, sides.values())) == {1}


def test_handstand_pushups_has_one_name_that_of_the_lists(lists, tmp_path):
    listing = Ucf101(tmp_path, Annotations(lists, 1)).read()
    names = {e.class_name for e in listing.entries.values() if "andstandpush" in e.path.lower()}
    assert names == {"HandstandPushups"}
    assert "HandstandPushups" in ucf51_classes()
    assert "37 HandstandPushups" in (lists / "classInd.txt").read_text()


def test_all_classes_of_the_subset_are_in_the_lists(lists, tmp_path):
    listing = Ucf101(tmp_path, Annotations(lists, 1)).read()
    assert set(ucf51_classes()) <= {entry.class_name for entry in listing.entries.values()}


def test_the_folder_above_the_lists_will_do(shared, lists, tmp_path):
    above = Ucf101(tmp_path, Annotations(shared / "data/ucf51", 3))
    assert above.annotation_files() == Ucf101(tmp_path, Annotations(lists, 3)).annotation_files()


def test_real_clips(shared, lists):
    listing = Ucf101(shared / "data/clips/ucf101", Annotations(lists, 1)).read()
    clip = listing.entries["ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01"]
    assert (clip.class_name, clip.split, clip.group) == (
        "ApplyEyeMakeup",
        "test",
        "ApplyEyeMakeup/g01",
    )


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def small_lists(folder, train, test, classes=("Archery", "HandstandPushups")):
    folder.mkdir()
    numbered = [f"{number} {name}" for number, name in enumerate(classes, 1)]
    (folder / "classInd.txt").write_text("\n".join(numbered))
    (folder / "trainlist01.txt").write_text("\n".join(train))
    (folder / "testlist01.txt").write_text("\n".join(test))
    return Annotations(folder)


def test_without_lists_the_file_names_tell(tmp_path):
    make(
        tmp_path,
        "HandstandPushups/v_HandStandPushups_g07_c02.avi",
        "v_YoYo_g25_c05.mp4",
        "Archery/holiday.avi",
    )
    listing = Ucf101(tmp_path).read()
    assert [(e.class_name, e.group, e.split) for e in listing.entries.values()] == [
        ("Archery", "", ""),
        ("HandstandPushups", "HandstandPushups/g07", ""),
        ("YoYo", "YoYo/g25", ""),
    ]
    assert [(p.kind, p.item) for p in listing.problems] == [("odd_name", "Archery/holiday.avi")]


def test_split_folders_on_disk(tmp_path):
    make(tmp_path, "train/YoYo/v_YoYo_g25_c05.avi", "test/YoYo/v_YoYo_g01_c01.avi")
    listing = Ucf101(tmp_path).read()
    assert {e.path: e.split for e in listing.entries.values()} == {
        "test/YoYo/v_YoYo_g01_c01.avi": "test",
        "train/YoYo/v_YoYo_g25_c05.avi": "train",
    }


def test_flat_transcoded_and_respelt_files_are_found(tmp_path):
    make(tmp_path / "v", "v_Archery_g01_c01.mp4", "x/V_handstandpushups_G01_C01.MKV")
    annotations = small_lists(
        tmp_path / "lists",
        ["Archery/v_Archery_g01_c01.avi 1"],
        ["HandstandPushups/v_HandStandPushups_g01_c01.avi"],
    )
    listing = Ucf101(tmp_path / "v", annotations).read()
    assert [(e.video_id, e.class_name, e.split) for e in listing.entries.values()] == [
        ("v_Archery_g01_c01", "Archery", "train"),
        ("x/V_handstandpushups_G01_C01", "HandstandPushups", "test"),
    ]
    assert listing.problems == []


def test_what_the_lists_do_not_name_is_left_out_and_told(tmp_path):
    make(tmp_path / "v", "v_Archery_g01_c01.avi", "v_Archery_g09_c01.avi")
    annotations = small_lists(tmp_path / "lists", ["Archery/v_Archery_g01_c01.avi 1"], [])
    listing = Ucf101(tmp_path / "v", annotations).read()
    assert list(listing.entries) == ["v_Archery_g01_c01"]
    assert [(p.kind, p.item) for p in listing.problems] == [("not_listed", "v_Archery_g09_c01.avi")]


def test_faults_of_lists_are_named(tmp_path):
    annotations = small_lists(
        tmp_path / "lists",
        [
            "Archery/v_Archery_g01_c01.avi 1",
            "Archery/v_Archery_g01_c01.avi 1",
            "Archery/v_Archery_g01_c02.avi 2",
            "Juggling/v_Juggling_g01_c01.avi 3",
        ],
        ["Archery/v_Archery_g01_c02.avi", "Juggling/v_Juggling_g01_c02.avi"],
    )
    (tmp_path / "v").mkdir()
    listing = Ucf101(tmp_path / "v", annotations).read()
    assert [(p.kind, p.item, p.is_failure) for p in listing.problems] == [
        ("duplicate_id", "Archery/v_Archery_g01_c01", True),
        ("label_mismatch", "trainlist01.txt, line 3", True),
        ("duplicate_id", "Archery/v_Archery_g01_c02", True),
        ("unknown_class", "Juggling", True),
    ]
    assert listing.problems[3].detail == "2 videos, but it is not in classInd.txt"
    assert {e.class_name for e in listing.entries.values()} == {"Archery", "Juggling"}


def test_a_validation_list_of_your_own(tmp_path):
    make(tmp_path / "v", "v_Archery_g01_c01.avi")
    annotations = small_lists(tmp_path / "lists", [], [])
    (tmp_path / "lists/vallist01.txt").write_text("Archery/v_Archery_g01_c01.avi")
    listing = Ucf101(tmp_path / "v", annotations).read()
    assert [e.split for e in listing.entries.values()] == ["val"]


@pytest.mark.parametrize("split", [0, 4])
def test_there_are_three_splits(lists, tmp_path, split):
    with pytest.raises(DataError, match=rf"trainlist0{split}\.txt is not there\. UCF101 has"):
        Ucf101(tmp_path, Annotations(lists, split)).read()


def test_lists_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"classInd\.txt is not there"):
        Ucf101(tmp_path, Annotations(tmp_path / "nowhere")).read()
