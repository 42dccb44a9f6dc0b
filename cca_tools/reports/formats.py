"""Write a table of text as CSV, Markdown or LaTeX, with what is special in each made harmless."""

from __future__ import annotations

import csv
import io
import re
import textwrap
import unicodedata
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


_JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def visible(text: str) -> str:
    r"""Return text without characters that are not seen, or that turn the direction of writing.

    Such a name would mirror the numbers beside it, and LaTeX and HTML refuse control characters.

    >>> visible("a\u202eb\x07\n")
    'ab\n'
    """
    if text.isprintable():  # so are data addresses, which are long
        return text
    return "".join(
        letter
        for letter in text
        if letter in "\n\t" + _JOINERS or unicodedata.category(letter) not in _UNSEEN
    )


def csv_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are.

    >>> csv_cell("=1+1"), csv_cell("Dog"), csv_cell(-3)
    ("'=1+1", 'Dog', -3)
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return value


def to_csv(frame: pd.DataFrame) -> str:
    """Return CSV with a header; text that looks like a formula gets a quote in front.

    Undefined numbers are empty cells.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([csv_cell(str(name)) for name in frame.columns])
    columns = [
        [None if pd.isna(number) else number for number in frame[name].tolist()]
        if _is_number(frame[name])
        else map(csv_cell, frame[name])
        for name in frame.columns
    ]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escape_markdown("a|b *c* snake_case"))
    a\|b \*c\* snake_case
    """
    line = visible(" ".join(text.split()))
    line = re.sub(r"([\\`*|~$\[\]])", r"\\\1", line)
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
    line = "".join(_LATEX.get(letter, letter) for letter in visible(" ".join(text.split())))
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

    Headings are broken into lines where they are wider than what stands below them, and tables of
    many columns are set in small print.

    Args:
        frame: The rows.
        columns: The type of each column, such as ``l``, ``r`` or ``p{3cm}``.
        caption: Plain text.
        label: For ``\ref``.
        escaped: Whether the cells are LaTeX already.
    """
    cell_text = str if escaped else lambda cell: escape_latex(str(cell))
    rows = [list(map(cell_text, row)) for row in _rows(frame)]
    heads, letters = _heads(frame, columns, rows)
    body = [" & ".join(row) + r" \\" for row in rows]
    width = len(columns)
    is_wide = letters > _LETTERS and set(columns) <= set(_UNBROKEN)
    return "\n".join(
        [
            "% needs \\usepackage{array,booktabs,longtable} and \\usepackage[T1]{fontenc};"
            " names beyond Latin letters: LuaLaTeX",
            *(["{\\scriptsize\\setlength{\\tabcolsep}{2.5pt}"] if is_wide else []),
            rf"\begin{{longtable}}{{@{{}}{''.join(columns)}@{{}}}}",
            rf"\caption{{{escape_latex(caption)}}}\label{{{label}}} \\",
            *(r"\toprule", heads, r"\midrule", r"\endfirsthead"),
            rf"\multicolumn{{{width}}}{{@{{}}l}}{{\small (continued)}} \\",
            *(r"\toprule", heads, r"\midrule", r"\endhead"),
            *(r"\bottomrule", r"\endlastfoot"),
            *body,
            r"\end{longtable}" + ("}" if is_wide else ""),
            "",
        ]
    )


_UNBROKEN = ("l", "r")  # types of columns that are as wide as their widest cell
_LETTERS = 90  # about what stands beside one another on a page


def _heads(
    frame: pd.DataFrame, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[str, int]:
    """Return the row of headings, each on several lines if need be, and the letters of a row."""
    cells, letters = [], 0
    for place, (name, kind) in enumerate(zip(frame.columns, columns, strict=True)):
        widest = max((len(row[place]) for row in rows), default=0)
        room = max(widest, 6) if kind in _UNBROKEN else _LETTERS
        lines = textwrap.wrap(str(name), room, break_long_words=False) or [""]
        cells.append(_stacked(lines))
        letters += max(widest, *map(len, lines))
    return " & ".join(cells) + r" \\", letters


def _stacked(lines: Sequence[str]) -> str:
    shown = r" \\ ".join(rf"\textbf{{{escape_latex(line)}}}" for line in lines)
    return shown if len(lines) == 1 else rf"\shortstack[l]{{{shown}}}"


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame.itertuples(index=False, name=None))


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))
