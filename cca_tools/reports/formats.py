"""Write a table of text as CSV, Markdown or LaTeX, with what is special in each made harmless."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import pandas as pd

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # at the beginning of a row it would be an option of the row before
    "*": "{*}",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are.

    >>> csv_cell("=1+1"), csv_cell("Dog"), csv_cell(-3)
    ("'=1+1", 'Dog', -3)
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return value


def to_csv(frame: pd.DataFrame) -> str:
    """Return CSV with a header; text that looks like a formula gets a quote in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([csv_cell(str(name)) for name in frame.columns])
    columns = [
        frame[name].tolist() if _is_number(frame[name]) else map(csv_cell, frame[name])
        for name in frame.columns
    ]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escape_markdown("a|b *c* snake_case"))
    a\|b \*c\* snake_case
    """
    line = " ".join(text.split())
    line = re.sub(r"([\\`*|\[\]])", r"\\\1", line)
    line = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", line)
    return line.replace("&", "&amp;").replace("<", "&lt;")


def to_markdown(frame: pd.DataFrame) -> str:
    """Return a Markdown table; columns of numbers stand to the right."""
    marks = ["---:" if _is_number(frame[name]) else "---" for name in frame.columns]
    rows = [list(map(str, frame.columns)), *([str(cell) for cell in row] for row in _rows(frame))]
    lines = ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(marks) + " |", *lines[1:]]) + "\n"


def escape_latex(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    >>> print(escape_latex("R&B_50%"))
    R\&B\_50\%
    """
    line = "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))
    return re.sub(r"(?<=([-',]))(?=\1)", "{}", line)  # else two of them would become one sign


def to_latex(
    frame: pd.DataFrame,
    columns: Sequence[str],
    caption: str,
    label: str,
    *,
    escaped: bool = False,
) -> str:
    r"""Return a ``longtable`` in the style of booktabs; it breaks over pages by itself.

    Args:
        frame: The rows.
        columns: The type of each column, such as ``l``, ``r`` or ``p{3cm}``.
        caption: Plain text.
        label: For ``\ref``.
        escaped: Whether the cells are LaTeX already.
    """
    cell_text = str if escaped else lambda cell: escape_latex(str(cell))
    heads = " & ".join(rf"\textbf{{{escape_latex(str(name))}}}" for name in frame.columns) + r" \\"
    body = [" & ".join(map(cell_text, row)) + r" \\" for row in _rows(frame)]
    width = len(frame.columns)
    return "\n".join(
        [
            "% needs \\usepackage{array,booktabs,longtable} and \\usepackage[T1]{fontenc}",
            rf"\begin{{longtable}}{{@{{}}{''.join(columns)}@{{}}}}",
            rf"\caption{{{escape_latex(caption)}}}\label{{{label}}} \\",
            *(r"\toprule", heads, r"\midrule", r"\endfirsthead"),
            rf"\multicolumn{{{width}}}{{@{{}}l}}{{\small (continued)}} \\",
            *(r"\toprule", heads, r"\midrule", r"\endhead"),
            *(r"\bottomrule", r"\endlastfoot"),
            *body,
            r"\end{longtable}",
            "",
        ]
    )


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame.itertuples(index=False, name=None))


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))
