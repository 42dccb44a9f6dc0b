"""How commands print: tables that cut nothing off and take no text for markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDER_THAN_ANY_TABLE = 1000


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table to standard output, as wide as it needs to be.

    Args:
        header: The names of the columns.
        rows: One value a column; numbers are set to the right.
    """
    table = Table(box=None, pad_edge=False)
    for position, title in enumerate(header):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        table.add_column(title, no_wrap=True, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(one_line(value)) for value in row))
    console = Console(highlight=False, width=_WIDER_THAN_ANY_TABLE)
    console.print(table, width=Measurement.get(console, console.options, table).maximum)


def one_line(value: object) -> str:
    r"""Return ``value`` as text that stays on its line.

    >>> print(one_line("two" + chr(10) + "lines"))
    'two\nlines'
    """
    text = str(value)
    return text if text.isprintable() else repr(text)


def size_text(number: int | None) -> str:
    """Return a file size in megabytes, or a question mark where it is not known.

    >>> size_text(4_066_513), size_text(None)
    ('4.1 MB', '?')
    """
    return "?" if number is None else f"{number / 1e6:.1f} MB"
