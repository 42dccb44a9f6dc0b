"""Bring labels from elsewhere into a store: published ones, VGGSounder's, tables, exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from cca_tools.errors import CcaError, DataError, UsageError
from cca_tools.labels.events import EVENT_KINDS, UNDO, Event, NewLabel, check_text
from cca_tools.labels.files import read_table
from cca_tools.labels.items import Item, check_level
from cca_tools.labels.rows import HISTORY_COLUMNS
from cca_tools.labels.store import LabelStore
from cca_tools.labels.vggsounder import COLUMNS as VGGSOUNDER_COLUMNS
from cca_tools.labels.vggsounder import Thresholds, vggsounder_levels
from cca_tools.reference.ucf51 import published_rows
from cca_tools.reports.levels import PUBLISHED_UCF51

Parsed = TypeVar("Parsed", Event, NewLabel)
VGGSOUNDER = "vggsounder"
_CLASS_COLUMNS = ("class_name", "class", "video_class")


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Args:
        form: ``published-ucf51``, ``vggsounder``, ``history`` or ``labels``.
        read: How many labels or events the source has.
        new: How many were added; the others were there already.
        classes: How many classes they are about.
    """

    form: str
    read: int
    new: int
    classes: int


def import_labels(
    store: LabelStore,
    source: str,
    *,
    annotator: str | None = None,
    thresholds: Thresholds | None = None,
) -> Imported:
    """Add the labels of a source, all or none; what stands already is not added again.

    Args:
        store: Where to.
        source: ``published-ucf51``; VGGSounder's CSV; a history that was exported; or a table
            (CSV, Parquet, JSON) of ``class_name``, ``level`` and perhaps ``annotator``,
            ``item_kind``, ``key``, ``note``, ``hints``, ``position``. The columns tell which.
        annotator: In whose name; needed for a table without that column.
        thresholds: For VGGSounder.

    Raises:
        DataError: The source cannot be read; the message names the row.
        UsageError: A table has no annotators and none is given.
        WorkspaceError: The database is gone, locked, read-only or cannot be reached.
    """
    if source == PUBLISHED_UCF51:
        return _add(store, source, published_labels(annotator or source))
    rows = read_table(Path(source))
    columns = set(rows[0]) if rows else set[str]()
    if columns >= set(HISTORY_COLUMNS):
        past = _parsed(source, dict(enumerate(rows, start=1)), _event)
        classes = {event.item.class_name for event in past}
        return Imported("history", len(past), store.restore(past), len(classes))
    if columns >= set(VGGSOUNDER_COLUMNS):
        labels = vggsounder_labels(Path(source), annotator or VGGSOUNDER, thresholds)
        return _add(store, VGGSOUNDER, labels)
    return _add(store, "labels", _labels(source, rows, annotator))


def _labels(source: str, rows: list[dict[str, Any]], annotator: str | None) -> list[NewLabel]:
    columns = sorted(set(rows[0])) if rows else []
    class_column = next((name for name in _CLASS_COLUMNS if name in columns), None)
    if class_column is None or "level" not in columns:
        raise DataError(
            f"{source} has {'the columns ' + ', '.join(columns) if columns else 'no rows'}",
            "A table of labels has class_name and level, and VGGSounder's "
            + ", ".join(VGGSOUNDER_COLUMNS),
        )
    if annotator is None and "annotator" not in columns:
        raise UsageError(f"{source} does not say who labelled", "Give --annotator NAME")
    filled = {n: row for n, row in enumerate(rows, start=1) if _has_level(row)}
    labels = _parsed(source, filled, lambda row: _label(row, class_column, annotator))
    return _once(source, labels)


def _has_level(row: Mapping[str, Any]) -> bool:
    level = row.get("level")
    return level is not None and str(level).strip() != ""


def _once(source: str, labels: Sequence[NewLabel]) -> list[NewLabel]:
    """Return each label once, and refuse two answers of one person to one question."""
    found: dict[tuple[str, Item], NewLabel] = {}
    for label in labels:
        other = found.setdefault((label.annotator, label.item), label)
        if other.level != label.level:
            raise DataError(
                f"{source} says of {label.item.class_name!r} {label.item.key} both {other.level} "
                f"and {label.level}, in the name of {label.annotator!r}",
                "Keep one line for each class and annotator",
            )
    return list(found.values())


def published_labels(annotator: str = PUBLISHED_UCF51) -> list[NewLabel]:
    """Return the published levels of the 51 classes of UCF101 that have sound, as labels.

    The red and green of Tables D to F is not among the published text, so only classes have levels.
    """
    return [
        NewLabel(
            annotator,
            Item("class", row["class_name"]),
            row["level"],
            note=f"Table {row['table']} of the CVPR 2021 supplement",
        )
        for row in published_rows()
    ]


def vggsounder_labels(
    path: Path, annotator: str = VGGSOUNDER, thresholds: Thresholds | None = None
) -> list[NewLabel]:
    """Return the levels that follow from VGGSounder's clips as labels; the notes have the counts.

    Raises:
        DataError: See `vggsounder_levels`.
    """
    thresholds = thresholds or Thresholds()
    rule = f"highly from {thresholds.highly_from:.3g}, weakly from {thresholds.weakly_from:.3g}"
    return [
        NewLabel(
            annotator,
            Item("class", str(row["class_name"])),
            str(row["level"]),
            note=f"{row['clips']} clips: A {row['a']}, V {row['v']}, AV {row['av']}; "
            f"AV share {row['share_av']:.3f} ({rule})",
        )
        for row in vggsounder_levels(path, thresholds).to_dict("records")
    ]


def _add(store: LabelStore, form: str, labels: Sequence[NewLabel]) -> Imported:
    new = store.add_imported(labels)
    return Imported(form, len(labels), len(new), len({label.item.class_name for label in labels}))


def _parsed(
    source: str, rows: Mapping[int, Mapping[str, Any]], parse: Callable[[Mapping[str, Any]], Parsed]
) -> list[Parsed]:
    parsed = []
    for number, row in rows.items():
        try:
            parsed.append(parse(row))
        except CcaError as error:
            raise DataError(f"{source}, row {number}: {error.problem}", error.remedy) from error
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise DataError(
                f"{source}, row {number} is no label: {type(error).__name__} {error}",
                "See docs/labels.md for the columns",
            ) from error
    return parsed


def _label(row: Mapping[str, Any], class_column: str, annotator: str | None) -> NewLabel:
    item = Item(row.get("item_kind") or "class", row[class_column].strip(), row.get("key") or "")
    return NewLabel(
        annotator or row["annotator"].strip(),
        item,
        row["level"].strip(),
        note=row.get("note") or "",
        hints=_hints(row.get("hints") or []),
        position=_whole(row.get("position")),
    )


def _event(row: Mapping[str, Any]) -> Event:
    if row["kind"] not in EVENT_KINDS:
        raise UsageError(f"{row['kind']!r} is no kind of event", f"Give {', '.join(EVENT_KINDS)}")
    if (row["kind"] == UNDO) == (row["undoes"] is None):
        raise UsageError("an undo, and only an undo, takes an event back", "Fill in undoes")
    datetime.fromisoformat(row["created_at"])
    checked = NewLabel(
        row["annotator"],
        Item(row["item_kind"], row["class_name"], row["key"]),
        check_level(row["level"]),
        note=row["note"],
        hints=_hints(row["hints"]),
        position=_whole(row["position"]),
    )
    return Event(
        id=int(row["event_id"]),
        kind=row["kind"],
        annotator=checked.annotator,
        item=checked.item,
        level=checked.level,
        note=checked.note,
        hints=checked.hints,
        position=checked.position,
        undoes=_whole(row["undoes"]),
        app_version=check_text(row["app_version"]),
        created_at=row["created_at"],
    )


def _hints(value: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f"the hints are {value!r}", "Give a list of text")
    return tuple(value)


def _whole(value: float | None) -> int | None:
    """Return a whole number, which pandas writes as 1.0 or NaN where others are missing."""
    if value is None or value != value:
        return None
    if int(value) != value:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)
