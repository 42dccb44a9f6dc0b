"""Reading the text files that come with datasets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from cca_tools.errors import DataError


def require_file(path: Path, remedy: str) -> Path:
    """Return ``path`` if it is a file.

    Raises:
        DataError: It is not.
    """
    if not path.is_file():
        raise DataError(f"the annotation file {path} is not there", remedy)
    return path


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without byte order mark.

    Raises:
        DataError: It cannot be read, or is no such text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error.reason}", "Save it as UTF-8") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}", "Check the path"
        ) from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without empty ones."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of a comma-separated file, without empty lines.

    Raises:
        DataError: It is not comma-separated text.
    """
    reader = csv.reader(read_text(path).splitlines(keepends=True))
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: {error}", "Give a comma-separated file"
        ) from error
