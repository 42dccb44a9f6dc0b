"""Tables of labels as CSV, Parquet or JSON, without loss, and with no formula in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import atomic_path, write_json, write_text

SUFFIXES = (".csv", ".parquet", ".json")
_NUMBERS = ("event_id", "position", "undoes")
# What a spreadsheet may run, perhaps behind quotes of ours: one more quote is put in front.
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r]")
_CSV_FIELD_LIMIT = 2**31 - 1  # notes may be long


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table of labels or events; `read_table` gives the same back.

    Args:
        frame: Text, whole numbers that may be missing, and ``hints`` as tuples of text.
        path: By its suffix CSV (cells that look like formulas get a quote in front), Parquet or
            JSON (a list of objects).

    Raises:
        UsageError: The suffix is another.
        WorkspaceError: The file cannot be written.
    """
    suffix = check_suffix(path)
    if suffix == ".parquet":
        plain = frame.assign(**({"hints": frame["hints"].map(list)} if "hints" in frame else {}))
        with atomic_path(path) as temporary:
            pq.write_table(
                pa.Table.from_pandas(plain, _schema(frame), preserve_index=False), temporary
            )
    elif suffix == ".json":
        write_json(path, plain_rows(frame))
    else:
        write_text(path, csv_text(frame))


def csv_text(frame: pd.DataFrame) -> str:
    """Return the CSV that `write_table` writes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # quotes both wherever they stand
    writer.writerow(frame.columns)
    writer.writerows([_cell(value) for value in row.values()] for row in plain_rows(frame))
    return text.getvalue()


def read_table(path: Path) -> list[dict[str, Any]]:
    """Read a table of labels or events, a dict a row; missing numbers are None.

    Raises:
        UsageError: The suffix is none of `SUFFIXES`.
        DataError: The file is absent, or no table.
    """
    suffix = check_suffix(path)
    try:
        if suffix == ".parquet":
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        elif suffix == ".json":
            rows = [dict(row) for row in json.loads(path.read_text(encoding="utf-8"))]
        else:
            rows = _read_csv(path)
    except (OSError, ValueError, TypeError, RecursionError, csv.Error) as error:
        raise DataError(
            f"the table {path} cannot be read: {error}",
            f"Give a {', '.join(SUFFIXES)} file with a line a label and the names of the columns",
        ) from error
    return rows


def check_suffix(path: Path) -> str:
    """Return the suffix of a file of labels.

    Raises:
        UsageError: It is none of `SUFFIXES`.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{path.name} ends in {suffix or 'nothing'}", f"End it in {', '.join(SUFFIXES)}"
        )
    return suffix


def quote_formula(text: str) -> str:
    """Return text that no spreadsheet runs; `unquote_formula` gives the text back.

    >>> quote_formula("=1+1"), quote_formula("'=1+1"), quote_formula("Dog's bark")
    ("'=1+1", "''=1+1", "Dog's bark")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unquote_formula(text: str) -> str:
    """Return what `quote_formula` was given.

    >>> unquote_formula("'=1+1"), unquote_formula("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values: tuples as lists, what is missing or not defined as None."""
    return [
        {
            str(name): list(value) if name == "hints" else None if pd.isna(value) else value
            for name, value in row.items()
        }
        for row in frame.to_dict("records")
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return quote_formula(value) if isinstance(value, str) else value


def _read_csv(path: Path) -> list[dict[str, Any]]:
    csv.field_size_limit(_CSV_FIELD_LIMIT)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        return [_typed(row, reader.line_num) for row in reader]


def _typed(row: dict[Any, Any], line: int) -> dict[str, Any]:
    if None in row or None in row.values():
        raise ValueError(f"line {line} has more or fewer cells than the first line")
    values: dict[str, Any] = {name: unquote_formula(text) for name, text in row.items()}
    for name in _NUMBERS:
        if name in values:
            values[name] = int(values[name]) if values[name] else None
    if "hints" in values:
        values["hints"] = json.loads(values["hints"] or "[]")
    return values


def _schema(frame: pd.DataFrame) -> pa.Schema:
    kinds = {"hints": pa.list_(pa.string()), "disputed": pa.bool_()}
    kinds |= dict.fromkeys(_NUMBERS, pa.int64())
    kinds |= {str(name): pa.float64() for name in frame if str(name).startswith("p_")}
    return pa.schema([(str(name), kinds.get(str(name), pa.string())) for name in frame])
