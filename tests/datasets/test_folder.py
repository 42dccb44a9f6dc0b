"""Class folders, split folders, flat folders, and mixtures."""

from __future__ import annotations

import pytest

from cca_tools.datasets.base import Annotations
from cca_tools.datasets.folder import Folder
from cca_tools.errors import DataError, UsageError


def read(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return Folder(root).read()


def rows(listing):
    return [(e.video_id, e.class_name, e.split) for e in listing.entries.values()]


def test_split_folders_on_top(tmp_path):
    listing = read(tmp_path, "train/dog/a.mp4", "Validation/dog/b.mp4", "test/big cat/c.wav")
    assert rows(listing) == [
        ("Validation/dog/b", "dog", "val"),
        ("test/big cat/c", "big cat", "test"),
        ("train/dog/a", "dog", "train"),
    ]
    assert listing.problems == []


def test_a_class_may_be_called_train(tmp_path):
    listing = read(tmp_path, "train/a.mp4", "bus/b.mp4")
    assert rows(listing) == [("bus/b", "bus", ""), ("train/a", "train", "")]


def test_a_flat_folder_has_no_classes_and_that_is_no_problem(tmp_path):
    listing = read(tmp_path, "a.mp4", "b.mp4")
    assert rows(listing) == [("a", "", ""), ("b", "", "")]
    assert listing.problems == []


def test_files_beside_class_folders_and_below_them_are_noticed(tmp_path):
    listing = read(tmp_path, "a.mp4", "dog/b.mp4", "dog/small/c.mp4")
    assert rows(listing) == [("a", "", ""), ("dog/b", "dog", ""), ("dog/small/c", "dog", "")]
    assert [(p.kind, p.item, p.is_failure) for p in listing.problems] == [
        ("no_class", "a.mp4", False),
        ("nested_folder", "dog/small/c.mp4", False),
    ]


def test_the_video_keeps_the_id_it_shares_with_a_sound_file(tmp_path):
    listing = read(tmp_path, "dog/a.flac", "dog/a.mp4", "dog/a.wav", "dog/b.wav")
    assert [e.path for e in listing.entries.values()] == ["dog/a.mp4", "dog/b.wav"]
    assert [(p.kind, p.item, p.is_failure) for p in listing.problems] == [
        ("duplicate_id", "dog/a", True),
        ("duplicate_id", "dog/a", True),
    ]
    assert listing.problems[0].detail == (
        "dog/a.flac (dog, no split) after dog/a.mp4 (dog, no split)"
    )


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x.mp4").touch()
    with pytest.raises(DataError, match=r"x\.mp4 is a file\. --layout folder needs a folder"):
        Folder(tmp_path / "x.mp4").read()


def test_split_lists_are_refused(tmp_path):
    with pytest.raises(UsageError, match="reads no --splits"):
        Folder(tmp_path, Annotations(tmp_path)).read()
