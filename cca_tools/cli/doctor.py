"""``cca-tools doctor``: what works on this machine and what does not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cca_tools.cli.options import json_option, workspace_option
from cca_tools.cli.output import one_line
from cca_tools.doctor import run_checks

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@click.command(name="doctor")
@workspace_option
@json_option
def doctor_command(workspace: Path, as_json: bool) -> int:
    r"""Check what works on this machine: packages, decoding, tagging, devices, weights, folders.

    Exit code 1 means that a check failed; its line says what to do.

    \b
    Example:
      cca-tools doctor
    """
    checks = list(run_checks(workspace))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        table = Table("check", "", "found", box=None, padding=(0, 2, 0, 0))
        for check in checks:
            state = Text(check.state, STYLES[check.state])
            table.add_row(check.name, state, Text(one_line(check.detail)))
        Console(highlight=False).print(table)
    return 1 if any(check.state == "failed" for check in checks) else 0
