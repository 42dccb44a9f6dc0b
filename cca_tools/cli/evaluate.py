"""``cca-tools evaluate``: recognition and retrieval of a trained run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.cli.runs import find_run
from cca_tools.workspace import Workspace

if TYPE_CHECKING:
    from ccl.evaluation.run import Outcome


@click.command()
@click.argument("run", metavar="RUN")
@workspace_option
@click.option(
    "--split",
    type=click.Choice(["test", "val"]),
    default="test",
    show_default=True,
    help="Whose videos are asked about; the gallery is the training videos.",
)
@click.option(
    "--clips",
    type=click.IntRange(min=1),
    show_default="as the run says",
    help="Clips a video, over which the softmax is averaged.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Resamples of the groups for the intervals; 0 for none.",
)
@click.option("--seed", default=0, show_default=True, help="Of the resamples and of t-SNE.")
@click.option("--figures/--no-figures", default=True, help="Draw the pictures (default), or not.")
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu or cuda."
)
@json_option
def evaluate_command(workspace: Path, run: str, as_json: bool, **options: Any) -> None:
    r"""Evaluate the best student of RUN: recognition, and retrieval from the training videos.

    RUN is a run's folder, or its name below runs/ of the workspace. Writes predictions.parquet,
    evaluation.json, evaluation.md, confusion.png and embeddings.png into it.

    \b
    Examples:
      cca-tools evaluate ccl-audio-image/weak_or_high/seed0
      cca-tools evaluate outputs/runs/ccl-audio/all/seed0 --split val --json
    """
    from cca_tools.taggers.device import choose_placement
    from ccl.evaluation.run import Request, evaluate_run, finished_run
    from ccl.evaluation.summary import Intervals

    study = Workspace(workspace)
    request = Request(
        split=options["split"],
        clips_per_video=options["clips"],
        intervals=Intervals(options["bootstrap"], options["seed"]),
        device=choose_placement(options["device"], "fp32").device,
        pictures=options["figures"],
        command=command_line(),
    )
    outcome = evaluate_run(finished_run(find_run(study, run)), study, request, _watch)
    if as_json:
        _print_json(outcome)
        return
    for notice in outcome.evaluation.notices:
        click.echo(f"note: {notice}", err=True)
    _print(outcome)


def _watch(batches: Any, split: str) -> Iterable[Any]:
    return tqdm(batches, desc=split, unit="batch", disable=None, leave=False, delay=0.5)


def _print_json(outcome: Outcome) -> None:
    from ccl.evaluation.report import as_json

    files = [str(path) for path in outcome.files]
    report = as_json(outcome.evaluation) | {"files": files}
    click.echo(json.dumps(report, indent=2, ensure_ascii=False))


def _print(outcome: Outcome) -> None:
    from ccl.evaluation.measures import OTHER_GROUPS
    from ccl.evaluation.report import METRIC_HEADER, metric_rows, percent

    evaluation = outcome.evaluation
    sizes = evaluation.sizes
    click.echo(
        f"{sizes['videos']} {evaluation.split} videos, {sizes['classes']} classes, "
        f"{sizes['groups']} groups; gallery: {sizes['gallery_videos']} train videos; all in percent"
    )
    print_table(METRIC_HEADER, metric_rows(evaluation))
    if evaluation.levels:
        click.echo()
        shown = {"top1": "top-1", "r1": "R@1", "r1" + OTHER_GROUPS: "R@1 without own group"}
        rows = [
            (
                row["level"],
                row["classes"],
                row["videos"],
                *(percent(row["metrics"][name]["value"]) for name in shown),
            )
            for row in evaluation.levels
        ]
        print_table(("level", "classes", "videos", *shown.values()), rows)
    folder = outcome.files[0].parent
    click.echo(f"{folder}: {', '.join(path.name for path in outcome.files)}")
