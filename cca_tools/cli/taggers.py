"""``cca-tools taggers``: what there is to choose from."""

from __future__ import annotations

import json

import click

from cca_tools.cli.options import json_option
from cca_tools.cli.output import print_table, size_text
from cca_tools.taggers.overview import tagger_overview


@click.command(epilog="\b\nExample:\n  cca-tools taggers")
@json_option
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
