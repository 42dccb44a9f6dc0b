"""Options that several commands share."""

from __future__ import annotations

import re
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


# what stands between user and host of an address, or behind ?password=
_PASSWORD = re.compile(r"(?<=://)([^/?#:@]*):[^@]*(?=@)|([?&](?:ssl)?password)=[^&]*")


def command_line() -> str:
    """Return the command line as it was given, for provenance, without passwords of addresses."""
    return shlex.join(["cca-tools", *map(without_password, sys.argv[1:])])


def without_password(argument: str) -> str:
    """Return an argument with stars for the password of an address, if it is one.

    >>> without_password("--database=postgresql+psycopg://me:se/cret@host/labels")
    '--database=postgresql+psycopg://me:***@host/labels'
    >>> without_password("postgresql://host/labels?sslmode=require&password=secret")
    'postgresql://host/labels?sslmode=require&password=***'
    """
    return _PASSWORD.sub(lambda m: f"{m[2]}=***" if m[2] else f"{m[1]}:***", argument)
