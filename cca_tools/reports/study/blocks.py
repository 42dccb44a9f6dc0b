"""What a section of the report is made of: texts, tables, pictures, and what is lacking."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

_NUMBER = re.compile(r"[-+<]? ?\d")


@dataclass(frozen=True)
class Paragraph:
    """A line of running text.

    Args:
        text: Plain.
        sources: The artefacts that its numbers come from, where no block below names them.
    """

    text: str
    sources: tuple[Path, ...] = ()
    kind: str = "paragraph"


@dataclass(frozen=True)
class TableBlock:
    """A table that a reader sees.

    Args:
        label: Unique in the report, for links and for LaTeX.
        caption: Plain text.
        frame: The cells as text or numbers; a cell may be ``Markup`` of our own making.
        sources: The artefacts that its numbers come from.
        latex: The same cells for LaTeX, where the HTML ones are marked up.
        filterable: Whether a reader may search its rows.
        note: Plain text below the table.
    """

    label: str
    caption: str
    frame: pd.DataFrame
    sources: tuple[Path, ...]
    latex: pd.DataFrame | None = None
    filterable: bool = False
    note: str = ""
    kind: str = "table"

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, which stand to the right."""
        return [_is_numeric(self.frame[name]) for name in self.frame.columns]

    @property
    def rows(self) -> list[list[str | Markup]]:
        """The cells as they are shown."""
        return [[_shown(cell) for cell in row] for row in self.frame.itertuples(index=False)]


@dataclass(frozen=True)
class PictureBlock:
    """A picture, as a data address.

    Args:
        label: Unique in the report.
        caption: Plain text.
        alt: What it shows, for those who do not see it.
        address: ``data:image/...``.
        sources: The artefacts that it was drawn from.
    """

    label: str
    caption: str
    alt: str
    address: str
    sources: tuple[Path, ...]
    kind: str = "picture"


@dataclass(frozen=True)
class Bar:
    """One audio class of a video class, for the bar charts of the class pages.

    Args:
        tag: Its name.
        share: Of the class's videos, in [0, 1].
        base: Of all videos, in [0, 1].
        z: Log-odds against the other classes.
        mark: ``highly``, ``weakly`` or empty: how annotators relate it to the class.
    """

    tag: str
    share: float
    base: float
    z: float
    mark: str


@dataclass(frozen=True)
class Sample:
    """The spectrogram of one video, as a data address."""

    video_id: str
    address: str


@dataclass(frozen=True)
class ClassPage:
    """What the report tells of one video class.

    Args:
        anchor: Unique in the report, for links.
        name: Of the class, as it is shown.
        level: Its level, empty where unknown.
        facts: Lines of running text.
        bars: Its audio classes by rank.
        samples: Spectrograms of some videos.
        missing: Why there are fewer samples than asked for.
        sources: The artefacts that its numbers come from.
    """

    anchor: str
    name: str
    level: str
    facts: tuple[str, ...]
    bars: tuple[Bar, ...]
    samples: tuple[Sample, ...]
    missing: str = ""
    sources: tuple[Path, ...] = ()
    kind: str = "class"


Block = Paragraph | TableBlock | PictureBlock | ClassPage


@dataclass
class Section:
    """A chapter of the report.

    Args:
        key: Unique, for links.
        title: Its heading.
        blocks: In the order of reading.
        lacks: What the study does not have yet, each with the command that makes it.
    """

    key: str
    title: str
    blocks: list[Block] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    @property
    def tables(self) -> list[TableBlock]:
        """Its tables."""
        return [block for block in self.blocks if isinstance(block, TableBlock)]


def _is_numeric(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return True
    texts = [cell for cell in column if isinstance(cell, str) and cell not in ("", "-")]
    return bool(texts) and all(_NUMBER.match(cell) for cell in texts)


def _shown(cell: object) -> str | Markup:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return "" if pd.isna(cell) else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
