"""Walking a dataset: what counts as media, and what a walk must survive."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from cca_tools.datasets.tree import MediaTree, preference, without_suffix


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_media_files_of_all_spellings_sorted(tmp_path):
    touch(tmp_path, "b/X.MP4", "a/-y.webm", "a/ö ö.Flac", "c.opus", "a/b/c/d.avi")
    touch(tmp_path, "a/readme.txt", "a/x.jpg", "a/noext", "a/x.mp4.part", "labels.csv")
    assert MediaTree.scan(tmp_path).files == (
        "a/-y.webm",
        "a/b/c/d.avi",
        "a/ö ö.Flac",
        "b/X.MP4",
        "c.opus",
    )


def test_hidden_files_and_litter_do_not_count(tmp_path):
    touch(tmp_path, "a/._x.mp4", ".DS_Store", ".cache/y.mp4", "__MACOSX/a/z.mp4", "a/x.mp4")
    assert MediaTree.scan(tmp_path).files == ("a/x.mp4",)


def test_a_folder_named_like_a_video(tmp_path):
    """Empty or full of frames it is a video that fails; with videos inside it is a folder."""
    touch(tmp_path, "frames.avi/0001.jpg", "class.mp4/x.mp4")
    (tmp_path / "x.mp4").mkdir()
    assert MediaTree.scan(tmp_path).files == ("class.mp4/x.mp4", "frames.avi", "x.mp4")


def test_links_are_followed_and_circles_are_not(tmp_path):
    touch(tmp_path, "store/v.mp4")
    root = tmp_path / "root"
    touch(root, "a/x.mp4")
    (root / "b").symlink_to(tmp_path / "store")
    (root / "a/up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "broken.mp4").symlink_to(root / "gone.mp4")
    (root / "self.mp4").symlink_to(root / "self.mp4")
    assert MediaTree.scan(root).files == ("a/x.mp4", "b/v.mp4", "broken.mp4", "self.mp4")


def test_names_that_are_no_text_are_told(tmp_path):
    touch(tmp_path, "good.mp4")
    (tmp_path / os.fsdecode(b"b\xe4d.mp4")).touch()
    (tmp_path / os.fsdecode(b"f\xf6lder")).mkdir()
    tree = MediaTree.scan(tmp_path)
    assert tree.files == ("good.mp4",)
    assert tree.troubles == (
        ("bad_name", r"b\udce4d.mp4", "rename it"),
        ("bad_name", r"f\udcf6lder", "rename it"),
    )


def test_a_closed_folder_is_told(tmp_path, monkeypatch):
    touch(tmp_path, "a/x.mp4", "b/y.mp4")
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "a":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    tree = MediaTree.scan(tmp_path)
    assert tree.files == ("b/y.mp4",)
    assert tree.troubles == (("bad_folder", "a/", "Permission denied"),)


def test_a_folder_that_vanished_is_told(tmp_path):
    tree = MediaTree.scan(tmp_path / "gone")
    assert tree == MediaTree((), (("bad_folder", ".", "No such file or directory"),))


def test_by_stem_and_preference():
    tree = MediaTree(("a/x.wav", "b/x.mp4", "c/x.1.mp4"))
    assert tree.by_stem == {"x": ["a/x.wav", "b/x.mp4"], "x.1": ["c/x.1.mp4"]}
    assert sorted(["a.wav", "c.mp4", "b.mkv"], key=preference) == ["b.mkv", "c.mp4", "a.wav"]
    assert [without_suffix(p) for p in ("-_a.b.MKV", "v_x", ".mp4")] == ["-_a.b", "v_x", ".mp4"]
