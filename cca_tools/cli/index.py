"""``cca-tools index``: make the manifest of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.datasets.base import PROBLEMS, Annotations
from cca_tools.datasets.index import Indexed, IndexOptions, run_index
from cca_tools.datasets.registry import LAYOUTS, SUBSETS, layout_named
from cca_tools.datasets.report import IndexReport
from cca_tools.workspace import Workspace

_SHOWN = 3  # problems of one kind that are named on the screen; all stand in index-report.csv

_LAYOUTS = "\n".join(f"  {name:<12} {layout.about}" for name, layout in LAYOUTS.items())
_EPILOG = f"""
\b
Layouts:
{_LAYOUTS}

\b
Examples:
  cca-tools index VIDEOS
  cca-tools index UCF-101 --layout ucf101 --splits ucfTrainTestlist --subset ucf51
  cca-tools index CLIPS --layout vggsound --splits vggsound.csv --on-missing skip
  cca-tools index ROOT --layout table --splits t.csv --columns path=file
"""


def _columns(ctx: click.Context, param: click.Parameter, value: str) -> dict[str, str]:
    """Read ``ours=theirs,ours=theirs``."""
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(sign and ours.strip() and theirs.strip() for ours, sign, theirs in pairs):
        raise click.BadParameter(f"{value!r} is not of the form path=file,class_name=label")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


@click.command(epilog=_EPILOG)
@click.argument("root", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    default="folder",
    show_default=True,
    type=click.Choice(list(LAYOUTS)),
    help="How the videos lie.",
)
@click.option(
    "--splits",
    type=click.Path(path_type=Path),
    help="Split lists, annotation file or table that comes with the videos.",
)
@click.option(
    "--split", default=1, show_default=True, type=click.IntRange(1), help="Official split number."
)
@click.option("--subset", type=click.Choice(list(SUBSETS)), help="Keep only these classes.")
@click.option(
    "--columns",
    default="",
    callback=_columns,
    metavar="OURS=THEIRS,...",
    help="For tables: what they call path, video_id, class_name, split, group, start_s, end_s.",
)
@click.option(
    "--on-missing",
    default="keep",
    show_default=True,
    type=click.Choice(["keep", "skip"]),
    help="Listed videos without a file: keep as failed rows, or leave out.",
)
@click.option("--probe/--no-probe", default=True, help="Look into every file, or only for it.")
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes; 0: one a processor.")
@click.option(
    "--timeout",
    "timeout_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds that looking into one file may take.",
)
@workspace_option
@json_option
def index_command(root: Path, workspace: Path, as_json: bool, **settings: Any) -> int:
    """Make the manifest of the videos in ROOT: one row a video, or a segment of one.

    Every file is looked into (streams, length), in processes that may crash without harm.
    Whatever is wrong is counted and named: on the screen the first few, in
    WORKSPACE/index-report.csv all. Ends with exit code 1 when anything failed.
    """
    annotations = Annotations(settings["splits"], settings["split"], settings["columns"])
    options: IndexOptions = {
        "on_missing": settings["on_missing"],
        "probe": settings["probe"],
        "workers": settings["workers"],
        "timeout_s": settings["timeout_s"],
        "progress": not as_json,
        "command": command_line(),
    }
    layout = layout_named(settings["layout"])(root, annotations)
    indexed = run_index(layout, settings["subset"], workspace, options)
    _show(indexed, Workspace(workspace), as_json)
    return 1 if indexed.report.num_failures else 0


def _show(indexed: Indexed, workspace: Workspace, as_json: bool) -> None:
    report = indexed.report
    if as_json:
        click.echo(json.dumps({"manifest": str(workspace.manifest), **report.to_json()}, indent=2))
        return
    Console(highlight=False).print(_counts(report))
    for kind, found in report.by_kind().items():
        is_failure, meaning = PROBLEMS[kind]
        click.secho(f"{kind}: {len(found):,} ({meaning})", fg="red" if is_failure else "yellow")
        for one in found[:_SHOWN]:
            click.echo(f"  {_printable(one.item)}: {_printable(one.detail)}")
        if len(found) > _SHOWN:
            click.echo(f"  and {len(found) - _SHOWN:,} more")
    click.echo(f"wrote {workspace.manifest}")
    if report.replaced:
        click.echo(f"replaced {report.replaced}", err=True)
    if report.problems:
        where = workspace.root / "index-report.csv"
        click.echo(f"{report.num_failures:,} failed; every problem stands in {where}", err=True)


def _counts(report: IndexReport) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in report.counts.items():
        table.add_row(name.replace("_", " "), f"{count:,.2f}" if name == "hours" else f"{count:,}")
    for split in ("train", "val", "test", ""):
        if split in report.splits:
            table.add_row(f"in {split or 'no split'}", f"{report.splits[split]:,}")
    return table


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)
