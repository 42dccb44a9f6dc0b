"""Any dataset, by a table that has one row a video or segment."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pandas as pd

from cca_tools.datasets.base import Entry, Layout, Listing, segment_id, split_name
from cca_tools.datasets.lists import read_text, require_file
from cca_tools.errors import DataError, UsageError

TABLE_COLUMNS = ("path", "video_id", "class_name", "split", "group", "start_s", "end_s")
_READABLE = (".csv", ".tsv", ".parquet")


class Table(Layout):
    """A CSV, TSV or Parquet table with a column ``path`` and any of the other columns.

    Paths are relative to the root (to the table's folder where the root is the table itself),
    or absolute. Columns of other names are chosen by ``--columns path=file,class_name=label``.
    """

    name: ClassVar[str] = "table"
    about: ClassVar[str] = "a CSV, TSV or Parquet table: ROOT itself, or --splits"

    @property
    def media_root(self) -> Path:
        """The root, or the folder of the table where the root is the table."""
        return self.root.parent if self.root.suffix.lower() in _READABLE else self.root

    def annotation_files(self) -> list[Path]:
        """Return the table.

        Raises:
            DataError: It is not there, or is of an unknown kind.
        """
        file = require_file(
            self.annotations.splits or self.root, "Give the table as ROOT or with --splits"
        )
        if file.suffix.lower() not in _READABLE:
            raise DataError(f"{file} is no table", f"Give a file in {', '.join(_READABLE)}")
        return [file]

    def read(self) -> Listing:
        """List the rows of the table.

        Raises:
            DataError: The table or the folder cannot be used.
            UsageError: ``columns`` names a column that the manifest does not have.
        """
        (file,) = self.annotation_files()
        if not self.media_root.is_dir():
            raise DataError(f"the folder {self.media_root} is not there", "Check ROOT")
        listing = Listing()
        frame = _chosen(_load(file), self.annotations.columns, file)
        for number, row in enumerate(frame.itertuples(index=False), 1):
            entry = _entry(dict(zip(frame.columns, row, strict=True)), f"row {number}", listing)
            if entry is not None:
                listing.add(entry)
        return listing


def _load(file: Path) -> pd.DataFrame:
    try:
        if file.suffix.lower() == ".parquet":
            frame = pd.read_parquet(file)
        else:
            read_text(file)  # tells wrong encodings in our words
            separator = "\t" if file.suffix.lower() == ".tsv" else ","
            # class names such as "NA" and ids such as "007" are texts
            frame = pd.read_csv(
                file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}", "Give a CSV or Parquet table") from error
    return frame


def _chosen(frame: pd.DataFrame, columns: Mapping[str, str], file: Path) -> pd.DataFrame:
    """Return the columns that we know, under our names, as texts; a missing value is empty."""
    unknown = [ours for ours in columns if ours not in TABLE_COLUMNS]
    if unknown:
        raise UsageError(
            f"--columns names {unknown[0]!r}", f"Columns to fill are {', '.join(TABLE_COLUMNS)}"
        )
    theirs = {ours: columns.get(ours, ours) for ours in TABLE_COLUMNS}
    absent = [name for ours, name in theirs.items() if name not in frame and ours in columns]
    if absent or theirs["path"] not in frame:
        raise DataError(
            f"{file} has no column {[*absent, theirs['path']][0]!r}, but {list(frame.columns)}",
            "Say which is which, as in --columns path=file,class_name=label",
        )
    present = {ours: frame[name] for ours, name in theirs.items() if name in frame}
    return pd.DataFrame(
        {ours: column.astype(object).where(column.notna(), "") for ours, column in present.items()}
    ).map(lambda value: str(value).strip())


def _entry(row: Mapping[str, str], where: str, listing: Listing) -> Entry | None:
    split = split_name(row.get("split", ""))
    start_s, end_s = (_seconds(row.get(name, "")) for name in ("start_s", "end_s"))
    if not row["path"] or split is None or start_s is None or end_s is None:
        shown = ", ".join(f"{name}={value}" for name, value in row.items())
        listing.tell("bad_row", where, f"path, split or seconds make no sense: {shown}")
        return None
    path = posixpath.normpath(row["path"])
    video_id = row.get("video_id") or segment_id(path, start_s, end_s)
    if end_s <= max(0.0, start_s) or start_s < 0:
        listing.tell("bad_segment", video_id, f"{start_s:g} to {end_s:g} s")
        return None
    return Entry(
        video_id, path, row.get("class_name", ""), split, row.get("group", ""), start_s, end_s
    )


def _seconds(text: str) -> float | None:
    """Return a number of seconds, NaN where there is none, None where it makes no sense."""
    try:
        seconds = float(text) if text else math.nan
    except ValueError:
        return None
    return None if math.isinf(seconds) else seconds
