"""The levels of video classes, as a table gives them."""

from __future__ import annotations

import csv
from pathlib import Path

from cca_tools.errors import DataError
from cca_tools.labels.files import unquote_formula
from cca_tools.reference.ucf51 import ucf51_levels

PUBLISHED_UCF51 = "published-ucf51"
LEVELS = ("highly", "weakly", "not", "unsure")
_CLASS_COLUMNS = ("class_name", "class", "video_class")


def read_levels(source: str) -> dict[str, str]:
    """Return the level of each class.

    Args:
        source: ``published-ucf51``, or a CSV file with the columns ``class_name`` and ``level``
            (one of ``highly``, ``weakly``, ``not``, ``unsure``).

    Raises:
        DataError: The file cannot be read, lacks a column, has another level, or gives a class
            two levels.
    """
    if source == PUBLISHED_UCF51:
        return ucf51_levels()
    path = Path(source)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"the levels {source} cannot be read: {error}",
            f"Give a CSV file in UTF-8 with the columns class_name,level, or {PUBLISHED_UCF51}",
        ) from error
    class_column = next((name for name in _CLASS_COLUMNS if name in names), None)
    if class_column is None or "level" not in names:
        raise DataError(
            f"the levels {source} have the columns {', '.join(names) or 'none'}",
            "Begin the file with the line `class_name,level`",
        )
    levels: dict[str, str] = {}
    for row in rows:
        name = unquote_formula(row[class_column] or "").strip()  # as `labels export` writes it
        level = (row["level"] or "").strip()
        if level and level not in LEVELS:
            raise DataError(
                f"the levels {source} give {name!r} the level {level!r}",
                f"A level is one of {', '.join(LEVELS)}, or empty",
            )
        if levels.get(name, level) != level:
            raise DataError(
                f"the levels {source} give {name!r} both {levels[name]} and {level}",
                "Give each class one level",
            )
        levels[name] = level
    return levels
