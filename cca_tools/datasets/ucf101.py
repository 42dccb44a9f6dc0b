"""UCF101: ``ClassName/v_ClassName_g01_c01.avi`` and the official train and test lists."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from cca_tools.datasets.base import Entry, Layout, Listing, split_name
from cca_tools.datasets.folder import has_split_folders
from cca_tools.datasets.lists import read_lines, require_file
from cca_tools.datasets.tree import MediaTree, without_suffix

_NAME = re.compile(r"v_(?P<class_name>\w+?)_g(?P<group>\d+)_c\d+")

# The files of one class are spelt otherwise than its folder and its line in classInd.txt.
_SPELLING = {"HandStandPushups": "HandstandPushups"}


def class_of(name: str) -> str:
    """Return a class name as ``classInd.txt`` (and the literature) spells it.

    >>> class_of("HandStandPushups"), class_of("Archery")
    ('HandstandPushups', 'Archery')
    """
    return _SPELLING.get(name, name)


class Ucf101(Layout):
    """UCF101, and what is named like it (UCF50, UCF11): class folders, a flat folder, any suffix.

    Files are told by name (``v_X_gNN_cNN``), not by folder or suffix. With lists, these decide
    what belongs to the dataset; without, every file does. Groups count anew in every class, so
    the group is ``ClassName/gNN``.
    """

    name: ClassVar[str] = "ucf101"
    about: ClassVar[str] = "UCF101; --splits is ucfTrainTestlist, --split 1, 2 or 3"

    def annotation_files(self) -> list[Path]:
        """Return the class list and the two or three lists of the split.

        Raises:
            DataError: The class list, or the train or test list, is not there.
        """
        return [] if self.annotations.splits is None else [self._class_list(), *self._lists()]

    def read(self) -> Listing:
        """List the videos of the split lists, or every video below the root."""
        listing = Listing()
        if self.annotations.splits is None:
            self._read_folders(listing)
        else:
            self._read_lists(listing)
        return listing

    def _folder(self) -> Path:
        splits = self.annotations.splits or self.root
        below = splits / "ucfTrainTestlist"
        return below if below.is_dir() else splits

    def _class_list(self) -> Path:
        return require_file(self._folder() / "classInd.txt", "Give the folder with --splits")

    def _lists(self) -> dict[Path, str]:
        number = f"{self.annotations.split:02d}"
        remedy = "UCF101 has --split 1, 2 and 3; give the folder of the lists with --splits"
        lists = {
            require_file(self._folder() / f"{split}list{number}.txt", remedy): split
            for split in ("train", "test")
        }
        validation = self._folder() / f"vallist{number}.txt"
        return lists | ({validation: "val"} if validation.is_file() else {})

    def _read_lists(self, listing: Listing) -> None:
        classes = {name: label for label, name in _pairs(self._class_list())}
        tree = self.scan(listing)
        on_disk = _by_key(tree)
        for file, split in self._lists().items():
            for number, line in enumerate(read_lines(file), 1):
                path, _, label = line.partition(" ")
                found = listing.choose(path, on_disk.get(_key(path), []))
                entry = _entry(found or path, split, listed_as=path)
                listing.add(entry)
                if label and classes.get(entry.class_name, label) != label.strip():
                    where = f"{file.name}, line {number}"
                    listing.tell("label_mismatch", where, f"{entry.class_name} is not {label}")
        unknown = Counter(entry.class_name for entry in listing.entries.values())
        for class_name in sorted(unknown.keys() - classes.keys()):
            detail = f"{unknown[class_name]} videos, but it is not in classInd.txt"
            listing.tell("unknown_class", class_name, detail)
        listing.tell_not_listed(tree)

    def _read_folders(self, listing: Listing) -> None:
        tree = self.scan(listing)
        has_splits = has_split_folders(tree)
        for path in tree.files:
            split = split_name(path.split("/")[0]) if has_splits else ""
            if _NAME.fullmatch(_stem(path)) is None:
                listing.tell("odd_name", path, "expected v_ClassName_gNN_cNN")
            listing.add(_entry(path, split or ""))


def _entry(path: str, split: str, listed_as: str = "") -> Entry:
    """Describe a file by its name, or by its folder where the name does not tell."""
    name = _NAME.fullmatch(_stem(path))
    folder = (listed_as or path).rpartition("/")[0].rpartition("/")[2]
    class_name = class_of(name["class_name"]) if name else folder
    group = f"{class_name}/g{name['group']}" if name else ""
    return Entry(without_suffix(path), path, class_name, split, group)


def _stem(path: str) -> str:
    return without_suffix(path.rpartition("/")[2])


def _key(path: str) -> str:
    return _stem(path).lower()


def _by_key(tree: MediaTree) -> dict[str, list[str]]:
    table: dict[str, list[str]] = defaultdict(list)
    for path in tree.files:
        table[_key(path)].append(path)
    return dict(table)


def _pairs(class_list: Path) -> Iterator[tuple[str, str]]:
    """Yield (label, class) of the lines ``37 HandstandPushups``."""
    for line in read_lines(class_list):
        label, _, name = line.partition(" ")
        yield label, name.strip()
