"""``cca-tools compare``: recognition and retrieval of any runs, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.cli.runs import find_run
from cca_tools.workspace import Provenance, Workspace


@click.command("compare")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@workspace_option
@click.option("--mean", is_flag=True, help="One row for runs that differ in the seed alone.")
@click.option(
    "--other-groups", is_flag=True, help="Show retrieval without the query's own group beside."
)
@click.option(
    "--different-videos",
    is_flag=True,
    help="Compare runs though they were asked about different videos.",
)
@click.option("--name", default="comparison", show_default=True, help="Of the files in tables/.")
@json_option
def compare_command(
    runs: tuple[str, ...], workspace: Path, name: str, as_json: bool, **options: bool
) -> None:
    r"""Compare the evaluations of runs: top-1, top-5, and R@1, 5, 10 and 20 (Table C).

    RUN is a run's folder, or its name below runs/ of the workspace. Runs that were asked about
    different videos are refused, by name. Writes tables/NAME.csv, .md and .tex.

    \b
    Examples:
      cca-tools compare baseline-none/all/seed0 ccl-audio/all/seed0
      cca-tools compare outputs/runs/*/all/seed* --mean
    """
    from cca_tools.reports import comparison as report
    from cca_tools.reports.ablation import records_of

    place = Workspace(workspace)
    provenance = Provenance(command_line(), {"runs": list(runs), **options})
    folders = [find_run(place, run) for run in dict.fromkeys(runs)]
    names = [_short(folder, place) for folder in folders]
    found = [report.read_compared_run(*pair) for pair in zip(names, folders, strict=True)]
    if not options["different_videos"]:
        report.check_same_videos(found)
    rows = report.comparison(found, mean=options["mean"])
    published = report.published_rows(place, found)
    table = report.comparison_table(rows, published, other_groups=options["other_groups"])
    provenance.inputs = [folder / report.EVALUATION for folder in folders]
    with place.lock(command_line()):
        files = report.write_comparison(rows, table, place.tables, name)
        provenance.write(files[0])
    for notice in report.notices(found):
        click.echo(f"note: {notice}", err=True)
    if as_json:
        record = {"rows": records_of(rows), "published": published, "files": [*map(str, files)]}
        click.echo(json.dumps(record | {"notices": report.notices(found)}, indent=2))
        return
    print_table(list(table.columns), table.to_numpy().tolist())


def _short(folder: Path, place: Workspace) -> str:
    """Return a run's name below the workspace's runs where it lies there."""
    inside = folder.resolve().is_relative_to(place.runs.resolve())
    return folder.resolve().relative_to(place.runs.resolve()).as_posix() if inside else str(folder)
