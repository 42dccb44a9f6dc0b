"""Options that several commands share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cca_tools.workspace import DEFAULT_ROOT

Command = TypeVar("Command", bound=Callable[..., Any])


def workspace_option(command: Command) -> Command:
    """Add ``--workspace``, the folder of the study."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_ROOT,
        show_default=True,
        help="The folder of the study, where every artefact lies.",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``, for reports that programs read."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )


def command_line() -> str:
    """Return the command line as it was given, for provenance."""
    return shlex.join(["cca-tools", *sys.argv[1:]])
