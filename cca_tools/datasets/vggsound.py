"""VGGSound: clips named by YouTube id and start second, and the CSV with their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from cca_tools.datasets.base import Entry, Layout, Listing, split_name
from cca_tools.datasets.lists import read_rows
from cca_tools.datasets.tree import MediaTree
from cca_tools.errors import DataError

CLIP_S = 10
_CLIP_FILE = re.compile(r"(?P<youtube_id>.+)_(?P<start>\d+)(\.\w+)?")


class _Row(NamedTuple):
    youtube_id: str
    start_s: int
    label: str
    split: str

    @property
    def video_id(self) -> str:
        return f"{self.youtube_id}_{self.start_s:06d}"


class VggSound(Layout):
    """VGGSound: ten-second clips, or whole videos that the rows are segments of.

    The id of a row is ``{id}_{start:06d}`` however its file is called, and the group is the
    YouTube id. Files are looked for, anywhere below the root, as ``{id}_{start:06d}``,
    ``{id}_{start}``, ``{id}_{start ms}_{end ms}``, and last as the whole video ``{id}``.
    """

    name: ClassVar[str] = "vggsound"
    about: ClassVar[str] = "VGGSound; --splits is vggsound.csv or its folder"

    def annotation_files(self) -> list[Path]:
        """Return the CSV files: the one given, or those in the folder given (or in the root).

        Raises:
            DataError: There is none.
        """
        place = self.annotations.splits or self.root
        if place.is_file():
            return [place]
        whole = place / "vggsound.csv"
        files = [whole] if whole.is_file() else sorted(place.glob("vggsound_*.csv"))
        if not files:
            raise DataError(
                f"there is no vggsound.csv in {place}",
                "Give the file with --splits; it lies at https://www.robots.ox.ac.uk/~vgg/data/vggsound",
            )
        return files

    def read(self) -> Listing:
        """List the rows of the CSV files."""
        listing = Listing()
        files = self.annotation_files()
        tree = self.scan(listing)
        for file in files:
            for row in _rows(file, listing):
                listing.add(_entry(row, tree, listing))
        listing.tell_not_listed(tree)
        return listing


def _rows(file: Path, listing: Listing) -> Iterator[_Row]:
    for number, fields in read_rows(file):
        row = _parse(fields, file)
        if row is None and number == 1 and not any(map(str.isdigit, "".join(fields))):
            continue  # a header: rows have a start second
        if row is None:
            detail = f"expected id, start, label, split or file, label; got {', '.join(fields)}"
            listing.tell("bad_row", f"{file.name}, line {number}", detail)
        else:
            yield row


def _parse(fields: Sequence[str], file: Path) -> _Row | None:
    """Read ``id,start,label,split`` or ``id_start.mp4,label``; None where it is neither."""
    if len(fields) == 4 and fields[1].isdecimal():
        youtube_id, start, label, text = fields
    elif len(fields) == 2 and (name := _CLIP_FILE.fullmatch(fields[0])):
        youtube_id, start, label = name["youtube_id"], name["start"], fields[1]
        text = next((part for part in ("train", "test", "val") if part in file.stem), "")
    else:
        return None
    split = split_name(text)
    if not youtube_id or not label or split is None:
        return None
    return _Row(youtube_id, int(start), label, split)


def _entry(row: _Row, tree: MediaTree, listing: Listing) -> Entry:
    group, label, split = row.youtube_id, row.label, row.split
    end_s = row.start_s + CLIP_S
    names = (
        row.video_id,
        f"{row.youtube_id}_{row.start_s}",
        f"{row.youtube_id}_{row.start_s * 1000}_{end_s * 1000}",
    )
    for name in names:
        if name in tree.by_stem:
            path = listing.find(tree, name) or ""
            return Entry(row.video_id, path, label, split, group)
    if whole := listing.find(tree, row.youtube_id):
        return Entry(row.video_id, whole, label, split, group, row.start_s, end_s)
    return Entry(row.video_id, f"{row.video_id}.mp4", label, split, group)
