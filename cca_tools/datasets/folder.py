"""A folder of class folders, with or without split folders on top."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from cca_tools.datasets.base import Entry, Layout, Listing, split_name
from cca_tools.datasets.tree import MediaTree, preference, without_suffix
from cca_tools.errors import UsageError


class Folder(Layout):
    """``ROOT/CLASS/x.mp4``, ``ROOT/train/CLASS/x.mp4`` or ``ROOT/x.mp4``; video or audio files."""

    name: ClassVar[str] = "folder"
    about: ClassVar[str] = "class folders, perhaps below train, val and test folders"

    def annotation_files(self) -> list[Path]:
        """Return nothing: the folders say it all.

        Raises:
            UsageError: Split lists are given, which this layout would not read.
        """
        if self.annotations.splits is not None:
            raise UsageError(
                "--layout folder reads no --splits", "Choose the dataset's own layout, or table"
            )
        return []

    def read(self) -> Listing:
        """List every media file below the root."""
        self.annotation_files()
        listing = Listing()
        tree = self.scan(listing)
        depth = 1 if has_split_folders(tree) else 0
        is_flat = all(path.count("/") <= depth for path in tree.files)
        # clip.mp4 before clip.wav: the video keeps the id that they share
        for path in sorted(tree.files, key=lambda path: (without_suffix(path), preference(path))):
            *folders, _ = path.split("/")
            split = split_name(folders[0]) if depth and folders else ""
            classes = folders[depth:]
            if not classes and not is_flat:
                listing.tell("no_class", path, "it lies beside the class folders")
            elif len(classes) > 1:
                listing.tell("nested_folder", path, f"its class is {classes[0]!r}")
            class_name = classes[0] if classes else ""
            listing.add(Entry(without_suffix(path), path, class_name, split or ""))
        return listing


def has_split_folders(tree: MediaTree) -> bool:
    """Tell whether all folders right below the root are splits (``train`` alone may be a class).

    >>> has_split_folders(MediaTree(("train/dog/a.mp4", "test/dog/b.mp4")))
    True
    >>> has_split_folders(MediaTree(("train/a.mp4", "bus/b.mp4"))), has_split_folders(MediaTree(()))
    (False, False)
    """
    tops = {path.split("/")[0] for path in tree.files if "/" in path}
    return bool(tops) and all(split_name(top) for top in tops)
