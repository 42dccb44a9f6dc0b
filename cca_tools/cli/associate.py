"""``cca-tools associate``: tell what each class sounds like."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tqdm import tqdm

from cca_tools.associations.associate import Outcome, Source, run_associate
from cca_tools.associations.counting import UNTAGGED
from cca_tools.associations.settings import RANK_BY, Progress, Settings
from cca_tools.associations.table import shown_class
from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.reports.associations import Report
from cca_tools.reports.levels import PUBLISHED_UCF51, read_levels
from cca_tools.reports.tables import SHOWN
from cca_tools.tagging.rows import NOT_COUNTED
from cca_tools.workspace import Workspace

_MOST_CLASSES = 60  # rows on the screen
_TOP_ON_SCREEN = 5
_SHOWN_BY = {
    "frequency": ("share", "{:.0%}"),
    "npmi": ("npmi", "{:.2f}"),
    "log-odds": ("log_odds_z", "{:.1f}"),
}
_SHOWN_AS = {"frequency": "share of videos", "npmi": "NPMI", "log-odds": "log-odds (z)"}


@click.command()
@workspace_option
@click.option(
    "--top-k",
    type=int,
    show_default="10, or as many as are stored",
    help="How many of a video's best audio classes count.",
)
@click.option(
    "--rank-by",
    type=click.Choice(RANK_BY),
    default="frequency",
    show_default=True,
    help="The order of a class's audio classes; frequency is the paper's.",
)
@click.option("--tags", "run", metavar="NAME", help="The tag run, by the beginning of its name.")
@click.option(
    "--bootstrap",
    default=1000,
    show_default=True,
    help="Resamples for the shares' intervals; 0 for none.",
)
@click.option(
    "--permutations",
    type=click.IntRange(min=0),
    show_default="1,000 to 200,000, by the size of the data",
    help="Permutations for the p-values; 0 for none.",
)
@click.option("--seed", default=0, show_default=True, help="Of resamples and permutations.")
@click.option(
    "--collapse-parents",
    is_flag=True,
    help="Drop an audio class where a more specific one stands in the same top-k.",
)
@click.option(
    "--chart-class",
    "charts",
    multiple=True,
    metavar="NAME",
    help="Draw a bar chart of this class; repeatable, or `all`.",
)
@click.option(
    "--levels",
    metavar="FILE",
    help=f"CSV of class_name,level for the tables, or {PUBLISHED_UCF51}.",
)
@click.option("--figures/--no-figures", default=True, help="Draw the heat maps (default), or not.")
@json_option
def associate_command(
    workspace: Path, run: str | None, charts: tuple[str, ...], **options: Any
) -> None:
    r"""Count which audio classes go with each video class, and how strongly.

    Writes associations.parquet, tables/ (CSV, Markdown, LaTeX) and figures/ into the workspace.
    Videos whose sound could not be scored are counted beside, never skipped in silence.

    \b
    Examples:
      cca-tools associate
      cca-tools associate --rank-by log-odds --chart-class PlayingCello
      cca-tools associate --levels published-ucf51 --json
    """
    as_json, levels = options.pop("as_json"), options.pop("levels")
    report = Report(read_levels(levels) if levels else {}, charts, options.pop("figures"))
    with ExitStack() as bars:
        outcome = run_associate(
            Workspace(workspace),
            Source(run=run, command=command_line()),
            Settings(**options),
            report,
            _progress(bars),
        )
    if as_json:
        click.echo(json.dumps(_as_json(outcome), indent=2, ensure_ascii=False))
        return
    for notice in outcome.associations.notices:
        click.echo(f"note: {notice}", err=True)
    _print(outcome, options["rank_by"])


def _progress(bars: ExitStack) -> Progress:
    def begin(description: str, total: int) -> Callable[[int], object]:
        bar = tqdm(total=total, desc=description, unit="", disable=None, leave=False, delay=0.5)
        return bars.enter_context(bar).update

    return Progress(begin)


def _print(outcome: Outcome, rank_by: str) -> None:
    result = outcome.associations
    console = Console(highlight=False)
    top = result.pairs[result.pairs["rank"] <= _TOP_ON_SCREEN]
    cells = {name: _cell(rows, rank_by) for name, rows in top.groupby("class_name")}
    table = Table(
        title=f"What each class sounds like ({_about(result.about)})", title_justify="left"
    )
    table.add_column("class", no_wrap=True)
    table.add_column("videos", justify="right")
    table.add_column(f"top {_TOP_ON_SCREEN} audio classes, {_SHOWN_AS[rank_by]}")
    left_out = [name for name in (*NOT_COUNTED, UNTAGGED) if result.classes[name].any()]
    if left_out:
        table.add_column("left out", justify="right")
    for row in result.classes.head(_MOST_CLASSES).to_dict("records"):
        name = str(row["class_name"])
        out = [str(row["videos"] - row["support"])] if left_out else []
        shown = cells.get(name, "(no video counts)")
        table.add_row(escape(shown_class(name)), str(row["support"]), escape(shown), *out)
    console.print(table)
    hidden = len(result.classes) - _MOST_CLASSES
    if hidden > 0:
        console.print(f"... and {hidden} classes more: see the tables")
    _print_files(outcome)


def _cell(rows: pd.DataFrame, rank_by: str) -> str:
    column, form = _SHOWN_BY[rank_by]
    values = zip(rows["tag"], rows[column], strict=True)
    return ", ".join(f"{tag} {form.format(value)}" for tag, value in values)


def _about(about: dict[str, Any]) -> str:
    return f"{about['counted_videos']} videos, tags {about['tags']}"


def _print_files(outcome: Outcome) -> None:
    folders: dict[Path, list[str]] = {}
    for path in outcome.files:
        folders.setdefault(path.parent, []).append(path.name)
    for folder, names in folders.items():
        shown = ", ".join(names[:6]) + (f", ... ({len(names)} files)" if len(names) > 6 else "")
        click.echo(f"{folder}: {shown}")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    result = outcome.associations
    top = result.pairs[result.pairs["rank"] <= SHOWN]
    fields = [name for name in top.columns if name not in ("class_name", "support")]
    tops = {name: rows[fields].to_dict("records") for name, rows in top.groupby("class_name")}
    classes = [
        {**row, "top": [_finite(pair) for pair in tops.get(row["class_name"], [])]}
        for row in result.classes.to_dict("records")
    ]
    return {
        **result.about,
        "notices": list(result.notices),
        "classes": classes,
        "files": [str(path) for path in outcome.files],
    }


def _finite(pair: dict[Any, Any]) -> dict[Any, Any]:
    """Return the pair with null for what is undefined: NaN is no JSON."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in pair.items()
    }
