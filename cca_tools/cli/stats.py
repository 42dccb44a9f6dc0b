"""``cca-tools stats``: how many classes have sound that goes with the picture."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pandas as pd

from cca_tools.cli.label_options import database_option, levels_option, rule_option
from cca_tools.cli.options import command_line, json_option
from cca_tools.cli.output import one_line, print_table
from cca_tools.errors import UsageError
from cca_tools.labels.stats import shown_stats, stats_table, write_stats
from cca_tools.labels.study import LevelSource, study_levels
from cca_tools.workspace import DEFAULT_ROOT, Workspace


@click.command(name="stats")
@click.option(
    "--workspace",
    "-w",
    "workspaces",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    default=(DEFAULT_ROOT,),
    show_default=True,
    help="The folder of a study; repeat it for one table of several datasets.",
)
@database_option
@rule_option
@levels_option
@json_option
def stats_command(workspaces: tuple[Path, ...], as_json: bool, **options: str) -> None:
    r"""Show Table A: how many classes are highly, weakly or not correlated, per dataset.

    Shares have 95 % Wilson intervals. Writes table_a as CSV, Markdown and LaTeX into tables/ and
    as a picture into figures/ of the (first) workspace. A dataset is called as its folder.

    \b
    Examples:
      cca-tools stats
      cca-tools stats -w outputs/ucf51 -w outputs/vggsound
      cca-tools stats --levels published-ucf51 --json
    """
    source = LevelSource(options["database"], options["rule"], options["levels"])
    if len(workspaces) > 1 and (source.database or source.file):
        raise UsageError(
            "several workspaces cannot share one --database or --levels", "Give one --workspace"
        )
    found = {
        name: study_levels(Workspace(root), source)
        for name, root in zip(_names(workspaces, source), workspaces, strict=True)
    }
    for name, study in found.items():
        if study.left_out:
            some = ", ".join(map(one_line, study.left_out))
            click.echo(f"note: these classes of {name} have labels and no video: {some}", err=True)
    table = stats_table({name: study.levels for name, study in found.items()})
    place = Workspace(workspaces[0])
    with place.lock(command_line()):
        files = write_stats(table, place)
    if as_json:
        click.echo(json.dumps(_as_json(table, files), indent=2, ensure_ascii=False))
        return
    shown = shown_stats(table)
    print_table(list(shown.columns), list(shown.itertuples(index=False, name=None)))
    for path in files:
        click.echo(path)


def _names(workspaces: tuple[Path, ...], source: LevelSource) -> list[str]:
    if source.file:
        return [Path(source.file).stem]
    names = [root.resolve().name for root in workspaces]
    counted = Counter(names)
    return [
        name if counted[name] == 1 else str(root)
        for name, root in zip(names, workspaces, strict=True)
    ]


def _as_json(table: pd.DataFrame, files: list[Path]) -> dict[str, Any]:
    rows = [
        {
            str(key): None if isinstance(value, float) and math.isnan(value) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
    return {"table_a": rows, "files": [str(path) for path in files]}
