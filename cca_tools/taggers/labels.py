"""Label spaces: which audio classes a tagger scores, keyed by MID, in the tagger's order."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from cca_tools.errors import DataError, UsageError

# name -> package-data CSV with the columns index, mid, display_name
_TABLES = {"audioset": "audioset_labels.csv", "yamnet": "yamnet_labels.csv"}
SHIPPED = tuple(_TABLES)
_NAME_COLUMNS = ("name", "display_name", "mid")


@dataclass(frozen=True)
class LabelSpace:
    """The audio classes that a tagger scores, in the order of its outputs.

    Args:
        name: ``audioset``, ``yamnet``, or the name of a user's own table.
        mids: One machine id a class, each once, such as ``/m/09x0r``.
        names: The display names, in the same order.

    Raises:
        DataError: The table is empty, a MID is empty or stands twice, or the lengths differ.

    >>> space = LabelSpace("pets", ("/m/0bt9lr", "/m/01yrx"), ("Dog", "Cat"))
    >>> space.index("/m/01yrx"), space.name_of("/m/0bt9lr"), len(space)
    (1, 'Dog', 2)
    """

    name: str
    mids: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        twice = [mid for mid, count in Counter(self.mids).items() if count > 1]
        problem = ""
        if not self.mids or not all(self.mids):
            problem = "has no classes, or a class without a MID"
        elif len(self.mids) != len(self.names):
            problem = f"has {len(self.mids)} MIDs but {len(self.names)} names"
        elif twice:
            problem = f"has {twice[0]} more than once"
        if problem:
            raise DataError(f"the label table {self.name} {problem}", "Give each class one line")

    def __len__(self) -> int:
        return len(self.mids)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of MIDs and names in order: what tells two label spaces apart."""
        text = "\n".join(f"{mid}\t{name}" for mid, name in zip(self.mids, self.names, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {mid: position for position, mid in enumerate(self.mids)}

    def index(self, mid: str) -> int:
        """Return the position of ``mid`` among the tagger's outputs.

        Raises:
            DataError: The label space has no such class.
        """
        if mid not in self._positions:
            raise DataError(
                f"the label space {self.name} has no class {mid!r}",
                f"Give one of its {len(self)} MIDs",
            )
        return self._positions[mid]

    def name_of(self, mid: str) -> str:
        """Return the display name of ``mid``.

        Raises:
            DataError: The label space has no such class.
        """
        return self.names[self.index(mid)]


def audioset_labels() -> LabelSpace:
    """Return the 527 classes of AudioSet, in the order of ``class_labels_indices.csv``.

    >>> len(audioset_labels()), audioset_labels().names[0]
    (527, 'Speech')
    """
    return label_space("audioset")


def yamnet_labels() -> LabelSpace:
    """Return the 521 classes of YAMNet, in the order of ``yamnet_class_map.csv``.

    >>> len(yamnet_labels()), yamnet_labels().names[520]
    (521, 'Field recording')
    """
    return label_space("yamnet")


@cache
def label_space(name: str) -> LabelSpace:
    """Return a label space that the package ships.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in _TABLES:
        raise UsageError(f"no label space {name!r}", f"Known are {', '.join(_TABLES)}")
    text = _packaged(_TABLES[name])
    return _parse(name, text.splitlines())


def audioset_csv() -> str:
    """Return the text of AudioSet's label table (index, mid, display_name)."""
    return _packaged(_TABLES["audioset"])


def _packaged(file: str) -> str:
    return (resources.files("cca_tools.taggers") / "data" / file).read_text(encoding="utf-8")


def read_label_table(path: Path) -> LabelSpace:
    """Read a user's own label table: CSV with a header, a column ``mid``, and ``name``.

    The order of the lines is the order of the network's outputs. ``display_name`` is taken for
    ``name``; without either, the MID is the name.

    Raises:
        DataError: The file cannot be read, has no column ``mid``, or repeats a MID.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the label table {path} cannot be read: {error}", "Give a CSV file in UTF-8"
        ) from error
    return _parse(path.stem, lines)


def _parse(name: str, lines: Sequence[str]) -> LabelSpace:
    reader = csv.DictReader(lines)
    columns = reader.fieldnames or ()
    if "mid" not in columns:
        raise DataError(
            f"the label table {name} has no column 'mid'", "Begin it with the line `mid,name`"
        )
    name_column = next(column for column in _NAME_COLUMNS if column in columns)
    rows = [(row["mid"] or "", row[name_column] or row["mid"] or "") for row in reader]
    return LabelSpace(name, tuple(mid for mid, _ in rows), tuple(text for _, text in rows))
