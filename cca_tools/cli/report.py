"""``cca-tools report``: the whole study as one HTML file."""

from __future__ import annotations

import json
from pathlib import Path

import click
from tqdm import tqdm

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.build import ReportOptions, build_report
from cca_tools.reports.study.sections.classes import Sampling
from cca_tools.workspace import Workspace


@click.command("report")
@workspace_option
@click.option("--title", default="", help="Of the page.  [default: names the workspace]")
@click.option("--levels", metavar="FILE", help="CSV of class_name,level, if not from the splits.")
@click.option("--database", metavar="URL", help="Of the labels, if not the workspace's labels.db.")
@click.option("--latex", is_flag=True, help="Write the tables for a paper, too.")
@click.option(
    "--samples",
    type=click.IntRange(0, 6),
    default=2,
    show_default=True,
    help="Spectrograms on each class page.",
)
@click.option("--seed", default=0, show_default=True, help="Of the drawing of samples.")
@json_option
def report_command(
    workspace: Path,
    title: str,
    levels: str | None,
    database: str | None,
    latex: bool,
    as_json: bool,
    **drawing: int,
) -> None:
    r"""Tell the whole study in one HTML file, from the dataset to the trained networks.

    The file needs nothing else: no network, no folder beside it. Steps that were not taken yet are
    named with their command. Artefacts that do not belong together are refused.

    \b
    Examples:
      cca-tools report
      cca-tools report --title "What UCF51 sounds like" --latex
    """
    place = Workspace(workspace)
    options = ReportOptions(
        title, levels, database, latex, Sampling(drawing["samples"], drawing["seed"])
    )
    classes = Study(place).classes
    total = 0 if classes is None else len(classes)
    with place.lock(command_line()), tqdm(total=total, desc="class pages", disable=None) as bar:
        built = build_report(place, options, command_line(), bar.update)
    if as_json:
        latex_path = None if built.latex is None else str(built.latex)
        record = {"report": str(built.path), "latex": latex_path, "lacks": list(built.lacks)}
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    for lack in built.lacks:
        click.echo(f"note: {lack}", err=True)
    for path in filter(None, (built.path, built.latex)):
        click.echo(f"wrote {path}")
