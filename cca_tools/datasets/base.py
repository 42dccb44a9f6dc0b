"""What every layout gives: the videos it lists, and what is wrong with the list."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from cca_tools.datasets.tree import MediaTree, preference, without_suffix
from cca_tools.errors import DataError

# kind -> whether it is a failure (exit code 1), and what it means
PROBLEMS: dict[str, tuple[bool, str]] = {
    "missing_file": (True, "listed, but not on disk"),
    "decode_error": (True, "cannot be read as audio or video"),
    "decoder_crash": (True, "made the decoder crash"),
    "timeout": (True, "could not be read in time"),
    "duplicate_id": (True, "the id stands more than once; the first was kept"),
    "unknown_class": (True, "a class that the dataset does not have"),
    "label_mismatch": (True, "its number in the list belongs to another class; the name was used"),
    "bad_row": (True, "a line of the annotations that cannot be understood; left out"),
    "bad_segment": (True, "a segment without any time inside its file; left out"),
    "bad_name": (True, "the file's name is not valid UTF-8; left out"),
    "bad_folder": (True, "the folder cannot be read"),
    "missing_skipped": (False, "listed, but not on disk; left out as --on-missing skip says"),
    "segment_clipped": (False, "the segment reached beyond its file and was shortened"),
    "not_listed": (False, "on disk, but not in the annotations; left out"),
    "several_files": (False, "several files fit; one was taken"),
    "no_class": (False, "lies in no class folder; its class is empty"),
    "nested_folder": (False, "lies deeper than its class folder; the class is the upper one"),
    "odd_name": (False, "is not named as the dataset names its files"),
    "empty_class": (False, "a class of the subset without any video"),
    "shared_group": (False, "a group with videos in more than one split"),
}

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        kind: A key of ``PROBLEMS``.
        item: The id, path, or line it is about.
        detail: What is wrong with it.
    """

    kind: str
    item: str
    detail: str

    @property
    def is_failure(self) -> bool:
        """Whether it makes the command end with exit code 1."""
        return PROBLEMS[self.kind][0]


@dataclass(frozen=True, slots=True)
class Entry:
    """One video, or a segment of one, as the annotations or the folders have it.

    Args:
        video_id: Unique in the dataset.
        path: Below the root, with ``/``; where nothing fits on disk, the path that was looked for.
        class_name: Empty where unknown.
        split: ``train``, ``val``, ``test`` or empty.
        group: What recordings of one source share; empty means a group of its own.
        start_s: Where the segment begins in the file, NaN for the whole file.
        end_s: Where it ends.
    """

    video_id: str
    path: str
    class_name: str = ""
    split: str = ""
    group: str = ""
    start_s: float = math.nan
    end_s: float = math.nan


@dataclass
class Listing:
    """The entries of a dataset by id, in order, and the problems met on the way."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Add ``entry``, or tell that its id is taken."""
        first = self.entries.setdefault(entry.video_id, entry)
        if first is not entry:
            detail = f"{_describe(entry)} after {_describe(first)}"
            self.tell("duplicate_id", entry.video_id, detail)

    def tell(self, kind: str, item: str, detail: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, item, detail))

    def tell_not_listed(self, tree: MediaTree) -> None:
        """Note the media files that no entry uses."""
        used = {entry.path for entry in self.entries.values()}
        for path in tree.files:
            if path not in used:
                self.tell("not_listed", path, "no annotation names it")

    def find(self, tree: MediaTree, stem: str) -> str | None:
        """Return the path of the media file called ``stem``, None where there is none."""
        return self.choose(stem, tree.by_stem.get(stem, []))

    def choose(self, name: str, paths: Iterable[str]) -> str | None:
        """Return the one of ``paths`` to use for ``name``, and tell if there was a choice."""
        found = sorted(paths, key=preference)
        if len(found) > 1:
            self.tell("several_files", name, f"took {found[0]}, not {', '.join(found[1:])}")
        return found[0] if found else None


def _describe(entry: Entry) -> str:
    return f"{entry.path} ({entry.class_name or 'no class'}, {entry.split or 'no split'})"


@dataclass(frozen=True)
class Annotations:
    """Where the lists of a dataset are, and how to read them.

    Args:
        splits: The folder of split lists, the annotation file, or the table.
        split: Number of the official split, where there are several.
        columns: For tables: our column -> the table's column.
    """

    splits: Path | None = None
    split: int = 1
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout(ABC):
    """One way in which a dataset lies on disk. Building one touches no disk.

    Args:
        root: The folder of the videos (for ``table`` also the table itself).
        annotations: What comes beside the videos.
    """

    name: ClassVar[str]
    about: ClassVar[str]

    root: Path
    annotations: Annotations = field(default_factory=Annotations)

    @property
    def media_root(self) -> Path:
        """The folder that the paths of the entries are relative to."""
        return self.root

    @abstractmethod
    def annotation_files(self) -> list[Path]:
        """Return the files beside the videos that shape the list.

        Raises:
            DataError: One that is needed is not there.
        """

    @abstractmethod
    def read(self) -> Listing:
        """List the videos; files that are listed need not be on disk.

        Raises:
            DataError: Root or annotations are not there, or are not what they should be.
        """

    def validate(self) -> list[Problem]:
        """Return what is wrong with the list, and what is listed but not on disk."""
        listing = self.read()
        for entry in listing.entries.values():
            if not (self.media_root / entry.path).exists():
                listing.tell("missing_file", entry.path, f"for {entry.video_id}")
        return listing.problems

    def scan(self, listing: Listing) -> MediaTree:
        """Return the media files below the root; what cannot be read is noted in ``listing``.

        Raises:
            DataError: The root is no folder.
        """
        if not self.root.is_dir():
            what = "is a file" if self.root.exists() else "is not there"
            raise DataError(
                f"the folder {self.root} {what}", f"--layout {self.name} needs a folder of videos"
            )
        tree = MediaTree.scan(self.root)
        for kind, item, detail in tree.troubles:
            listing.tell(kind, item, detail)
        return tree


def split_name(text: str) -> str | None:
    """Return ``train``, ``val``, ``test`` or empty for the usual spellings, else None.

    >>> split_name("Validation"), split_name(""), split_name("holdout")
    ('val', '', None)
    """
    plain = text.strip().lower()
    return _SPLIT_NAMES.get(plain) if plain else ""


def segment_id(path: str, start_s: float, end_s: float) -> str:
    """Return the id of a file, or of a segment of it.

    >>> segment_id("dog/a.b.mp4", math.nan, math.nan), segment_id("x.mkv", 5, 12.5)
    ('dog/a.b', 'x#5-12.5')
    """
    stem = without_suffix(path)
    if math.isnan(start_s) and math.isnan(end_s):
        return stem
    return f"{stem}#{_plain(start_s)}-{_plain(end_s)}"


def _plain(seconds: float) -> str:
    return "" if math.isnan(seconds) else f"{seconds:.3f}".rstrip("0").rstrip(".")
