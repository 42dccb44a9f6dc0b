"""``cca-tools reference``: published tables as artefacts."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from cca_tools.cli.options import json_option, workspace_option
from cca_tools.reference.ucf51 import ucf51_levels
from cca_tools.reference.ucf51_artefacts import table_a, write_ucf51
from cca_tools.workspace import Workspace


@click.group(name="reference")
def reference_group() -> None:
    r"""Write published tables in the form that the toolkit's own results have.

    \b
    Example:
      cca-tools reference ucf51
    """


@reference_group.command(name="ucf51")
@workspace_option
@json_option
def ucf51_command(workspace: Path, as_json: bool) -> None:
    r"""The audio classes and levels of the 51 UCF101 classes with sound (CVPR 2021, Tables A, D-F).

    Writes associations.parquet, levels.csv and tables/ into WORKSPACE/reference-ucf51, so that
    your own results stay as they are. What was not published is missing there.

    \b
    Examples:
      cca-tools reference ucf51
      cca-tools reference ucf51 --json
    """
    files = write_ucf51(Workspace(workspace))
    summary = table_a(ucf51_levels())
    if as_json:
        report = {"table_a": summary.to_dict("records"), "files": [str(path) for path in files]}
        click.echo(json.dumps(report, indent=2))
        return
    table = Table(title="Table A: do sound and picture of the 51 classes go together?")
    table.add_column("correlated")
    table.add_column("video classes", justify="right")
    table.add_column("proportion", justify="right")
    for row in summary.to_dict("records"):
        table.add_row(str(row["level"]), str(row["classes"]), f"{row['percent']} %")
    Console(highlight=False).print(table)
    for path in files:
        click.echo(path)
