"""Options of the commands that read labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cca_tools.labels.adjudication import RULES
from cca_tools.labels.study import DEFAULT_RULE
from cca_tools.reports.levels import PUBLISHED_UCF51

Command = TypeVar("Command", bound=Callable[..., Any])


def database_option(command: Command) -> Command:
    """Add ``--database``, where labels lie that are not in the workspace."""
    return click.option(
        "--database",
        metavar="URL",
        envvar="CCA_LABELS_DATABASE",
        show_envvar=True,
        help="The label database: sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        "  [default: labels.db in the workspace]",
    )(command)


def rule_option(command: Command) -> Command:
    """Add ``--rule``, by which several answers become one level."""
    return click.option(
        "--rule",
        type=click.Choice(RULES),
        default=DEFAULT_RULE,
        show_default=True,
        help="How several answers become one level; adjudicated is the decision that stands, and "
        "where there is none the majority.",
    )(command)


def levels_option(command: Command) -> Command:
    """Add ``--levels``, a file instead of a label database."""
    return click.option(
        "--levels",
        metavar="FILE",
        help=f"Instead of labels: a CSV of class_name,level, or {PUBLISHED_UCF51}.",
    )(command)
