"""``cca-tools taggers``: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from cca_tools.taggers.overview import tagger_overview

WIDER_THAN_ANY_TABLE = 1000


@click.command(epilog="\b\nExample:\n  cca-tools taggers")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def taggers_command(as_json: bool) -> None:
    """List the audio taggers, and where their weights are."""
    rows = tagger_overview()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    header = ("tagger", "rate", "classes", "embedding", "weights", "size", "licence", "GFLOP/10 s")
    cells = [
        (
            row["name"],
            f"{row['sample_rate'] // 1000} kHz",
            str(row["classes"]),
            str(row["embedding"]),
            row["weights"],
            size_text(row["bytes"]),
            row["licence"],
            f"{row['gflop_10s']:.3g}",
        )
        for row in rows
    ]
    print_table(header, cells)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output, as wide as it needs to be: nothing is cut off."""
    table = Table(box=None, pad_edge=False)
    for title in header:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, width=WIDER_THAN_ANY_TABLE)
    width = Measurement.get(console, console.options, table).maximum
    console.print(table, width=width)


def size_text(number: int | None) -> str:
    """Return a file size in megabytes, or a question mark where it is not known.

    >>> size_text(4_066_513), size_text(None)
    ('4.1 MB', '?')
    """
    return "?" if number is None else f"{number / 1e6:.1f} MB"
