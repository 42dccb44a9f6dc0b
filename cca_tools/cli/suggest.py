"""``cca-tools suggest``: propose a level for each class."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from cca_tools.cli.label_options import database_option
from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.reference.ucf51 import LEVELS
from cca_tools.reports.levels import PUBLISHED_UCF51
from cca_tools.suggestions.evaluate import Agreement
from cca_tools.suggestions.settings import AUDIO, OWN_LABELS, Settings
from cca_tools.suggestions.suggest import Outcome, run_suggest
from cca_tools.workspace import Workspace

_SOURCE = f"`{OWN_LABELS}` (the study's own), a CSV file, or {PUBLISHED_UCF51}"


@click.command()
@workspace_option
@database_option
@click.option(
    "--associations",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In place of the workspace's own, such as those that `reference ucf51` writes.",
)
@click.option(
    "--encoder",
    default=Settings.encoder,
    show_default=True,
    help="Text encoder: the bundled one, any name or folder of sentence-transformers, or none.",
)
@click.option(
    "--audio",
    type=click.Choice(AUDIO),
    default=Settings.audio,
    show_default=True,
    help="How audio alone is tested: in folds by recording, on the manifest's split, or not.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Audio features (.npz or .parquet: video_id, embedding) in place of those of the tags.",
)
@click.option("--tags", metavar="NAME", help="The tag run, by the beginning of its name.")
@click.option(
    "--most-videos",
    default=Settings.most_videos,
    show_default=True,
    help="Test audio alone on a sample of at most about so many videos, equal by class.",
)
@click.option("--learn-from", metavar="LEVELS", help=f"Learn from more labels: {_SOURCE}.")
@click.option("--against", metavar="LEVELS", help=f"Compare with labels: {_SOURCE}.")
@click.option("--seed", default=0, show_default=True, help="Of folds, samples and resamples.")
@json_option
def suggest_command(workspace: Path, against: str | None, as_json: bool, **options: Any) -> None:
    r"""Suggest a level for each class, with probabilities and reasons; people decide.

    Read are associations.parquet and, where tags hold embeddings, how well audio alone tells the
    classes. Written are suggestions.parquet, audio_probe.parquet, tables/ and figures/. The
    model has learnt from the 51 published labels of UCF51, and from your own where you say so.

    \b
    Examples:
      cca-tools tag-audio --keep scores,embedding
      cca-tools associate
      cca-tools suggest
      cca-tools suggest --learn-from labels --against labels
    """
    outcome = run_suggest(
        Workspace(workspace),
        Settings(**options),
        against,
        command_line(),
        lambda what: click.echo(f"{what} ...", err=True),
    )
    if as_json:
        click.echo(json.dumps(_as_json(outcome), indent=2, ensure_ascii=False))
        return
    for notice in outcome.notices:
        click.echo(f"note: {notice}", err=True)
    _print(outcome, workspace)


def _print(outcome: Outcome, workspace: Path) -> None:
    header = ("class", "suggested", *LEVELS, "told by audio alone")
    audio = outcome.audio
    told = {} if audio is None else dict(zip(audio["class_name"], audio["accuracy"], strict=True))
    rows = [
        (
            row["class_name"],
            row["level"],
            *(f"{row[f'p_{level}']:.0%}" for level in LEVELS),
            f"{told[row['class_name']]:.0%}" if row["class_name"] in told else "",
        )
        for row in outcome.frame.to_dict("records")
    ]
    print_table(header, rows)
    for name, found in outcome.learnt.items():
        click.echo(f"\nlearnt from {found.classes} {name} labels; each left out: {_scores(found)}")
    if outcome.against is not None:
        _print_agreement(outcome.against)
    click.echo(f"why: {workspace / 'tables' / 'suggestions.md'}")
    click.echo(f"files: {', '.join(path.name for path in outcome.files)}")


def _print_agreement(found: Agreement) -> None:
    if not found.classes:
        click.echo("no class has both a suggestion and a label")
        return
    click.echo(f"{found.classes} classes with a label: {_scores(found)}")
    counts = found.confusion
    rows = [
        (f"labelled {level}", *row) for level, row in zip(LEVELS, counts.to_numpy(), strict=True)
    ]
    print_table(("", *(f"suggested {level}" for level in LEVELS)), rows)


def _scores(found: Agreement) -> str:
    return (
        f"accuracy {_number(found.accuracy)} {_ends(found.accuracy_interval)}, "
        f"quadratic kappa {_number(found.kappa)} {_ends(found.kappa_interval)}"
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "undefined"


def _ends(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:.2f}, {interval[1]:.2f}]" if math.isfinite(interval[0]) else ""


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        **_plain(outcome.about),
        "notices": list(outcome.notices),
        "suggestions": [_plain(row) for row in outcome.frame.to_dict("records")],
        "audio": []
        if outcome.audio is None
        else [_plain(row) for row in outcome.audio.to_dict("records")],
        "against": None if outcome.against is None else _agreement(outcome.against),
        "files": [str(path) for path in outcome.files],
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    record = {**found.__dict__, "confusion": found.confusion.to_dict("index")}
    return {str(key): value for key, value in _plain(record).items()}


def _plain(value: Any) -> Any:
    """Return the value with null for what is undefined: NaN is no JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
