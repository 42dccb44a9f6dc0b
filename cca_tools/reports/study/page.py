"""From sections to one HTML file that needs no network, and to one file of tables for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from cca_tools.reports import formats
from cca_tools.reports.study.blocks import Section, TableBlock
from cca_tools.reports.study.consistency import shown_path
from cca_tools.workspace import utc_now

_TEMPLATES = resources.files(__package__) / "templates"
_PACKAGES = "% needs \\usepackage{array,booktabs,longtable,xcolor} and \\usepackage[T1]{fontenc}\n"
_WIDE = 40  # letters: such a column is broken into lines
_FEW = 4  # columns beside which one of them can have half the page


def render(title: str, sections: Sequence[Section], root: Path, hashes: Mapping[Path, str]) -> str:
    """Return the report as HTML.

    Args:
        title: Of the page.
        sections: In the order of reading.
        root: Of the workspace: sources are shown below it.
        hashes: SHA-256 of the artefacts.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {
        "slug": slug,
        "below": lambda path: shown_path(path, root),
        "artefact": lambda path: slug(shown_path(path, root)),
        "hash": lambda path: hashes.get(path, "")[:12],
    }
    package = f"cca-tools {version('cca-tools')}"
    return environment.from_string(_read("report.html.j2")).render(
        title=title,
        made=f"Made by {package} on {utc_now()[:10]} from {root.resolve().name}.",
        package=package,
        sections=sections,
        style=Markup(_read("report.css")),
        script=Markup(_read("report.js")),
    )


def _visible(value: object) -> object:
    return type(value)(formats.visible(value)) if isinstance(value, str) else value


def slug(text: str) -> str:
    """Return text as it may stand in an address.

    >>> slug("runs/ccl-audio/all/seed0")
    'runs-ccl-audio-all-seed0'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def to_latex(sections: Sequence[Section]) -> str:
    """Return every table of the report for LaTeX, but for the list of artefacts."""
    tables = [
        _latex(table)
        for section in sections
        for table in section.tables
        if section.key != "provenance"
    ]
    return _PACKAGES + "\n".join(tables)


def _latex(table: TableBlock) -> str:
    cells = table.latex
    if cells is None:
        rows = [[cell.striptags() if isinstance(cell, Markup) else cell for cell in row]
                for row in table.rows]  # fmt: skip
        cells = pd.DataFrame(rows, columns=table.frame.columns)
    columns = [_column(cells, name, number) for name, number in zip(
        cells.columns, table.numeric, strict=True
    )]  # fmt: skip
    return formats.to_latex(
        cells, columns, table.caption, f"tab:{table.label}", escaped=table.latex is not None
    )


def _column(cells: pd.DataFrame, name: str, is_number: bool) -> str:
    if is_number:
        return "r"
    longest = max((len(str(cell)) for cell in cells[name]), default=0)
    part = 0.55 if len(cells.columns) <= _FEW else 0.25
    return rf">{{\raggedright\arraybackslash}}p{{{part}\linewidth}}" if longest > _WIDE else "l"


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
