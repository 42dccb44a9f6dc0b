"""``cca-tools train``: train a student by one method."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.workspace import Workspace

if TYPE_CHECKING:
    from ccl.training.config import TrainConfig
    from ccl.training.train import RunSummary

# option -> the setting that it is short for
_SETTINGS = {
    "method": "method.name",
    "split": "data.split",
    "seed": "data.seed",
    "on_missing": "data.on_missing",
    "audio_teacher": "data.audio_teacher",
    "cache": "data.cache",
    "batch_size": "data.batch_size",
    "student": "student.name",
    "weights": "student.weights",
    "epochs": "optim.epochs",
    "lr": "optim.lr",
    "clip_norm": "optim.clip_norm",
    "precision": "run.precision",
    "compile": "run.compile",
    "patience": "run.patience",
}
_SHOWN = ("top1", "top5", "r1", "r5", "r10", "r20")


@click.command("train")
@workspace_option
@click.option("--method", metavar="NAME", help="ccl, baseline, crd, ...: see docs/training.md.")
@click.option("--distill", metavar="TEACHERS", help="audio, image, audio,image or none.")
@click.option("--split", metavar="NAME", help="The classes: `all`, or a split of splits.json.")
@click.option("--seed", type=click.IntRange(min=0), help="Of weights, order, crops, negatives.")
@click.option("--preset", metavar="NAME", help="default, ucf51-released (as published) or demo.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML or JSON with settings, nested as --dry-run shows them.",
)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting.")
@click.option("--student", metavar="NAME", help="r2plus1d-ccl, tiny, r2plus1d_18, mc3_18, r3d_18.")
@click.option("--weights", metavar="FILE", help="Start its backbone from a file, or `kinetics`.")
@click.option(
    "--audio-teacher",
    metavar="NAME",
    help="tags, imported features, a file; controls: shuffled, random-class, random-clip.",
)
@click.option("--epochs", type=int, help="Passes over the training videos.")
@click.option("--batch-size", type=int, help="Clips a step, over all processes.")
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--clip-norm", type=float, help="Longest gradient allowed.")
@click.option("--patience", type=int, help="Epochs without progress before stopping; 0: never.")
@click.option("--precision", type=click.Choice(["fp32", "tf32", "bf16"]), help="Of the student.")
@click.option("--compile/--no-compile", default=None, help="Compile the student.")
@click.option("--cache", type=click.Choice(["auto", "device", "host", "disk"]), help="Of frames.")
@click.option("--on-missing", type=click.Choice(["error", "skip"]), help="On unusable videos.")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1; a GPU where there is one.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Of the run  [default: runs/METHOD-TEACHERS/SPLIT/seedN in the workspace]",
)
@click.option("--restart", is_flag=True, help="Begin anew, not where the run was left.")
@click.option("--evaluate/--no-evaluate", default=True, help="Evaluate on the test videos after.")
@click.option("--dry-run", is_flag=True, help="Print the settings and the data, train nothing.")
@json_option
def train_command(workspace: Path, as_json: bool, dry_run: bool, **options: Any) -> int:
    r"""Train a video network by one method, and evaluate it.

    Killed or stopped, the same command goes on where the run was left. With several GPUs:
    torchrun --nproc-per-node 4 --no-python cca-tools train ...

    \b
    Examples:
      cca-tools train --method ccl --distill audio,image --split weak_or_high
      cca-tools train --method baseline --preset ucf51-released --seed 1
      cca-tools train --method ccl --distill audio --preset demo --set optim.lr=0.01 --dry-run
    """
    from ccl.training.plan import plan
    from ccl.training.train import Options, train

    config = _config(options)
    place = Workspace(workspace)
    if dry_run:
        _print_plan(plan(config, place, options["folder"], options["device"]), as_json)
        return 0
    told = Options(
        resume=not options["restart"],
        progress=not as_json,
        evaluate=options["evaluate"],
        device=options["device"],
        command=command_line(),
        tell=None if as_json else _print_notes,
    )
    summary = train(config, place, folder=options["folder"], options=told)
    if os.environ.get("RANK", "0") == "0":
        _print_summary(summary, as_json)
    return summary.exit_code


def _config(options: dict[str, Any]) -> TrainConfig:
    from ccl.methods.registry import parse_distill
    from ccl.training.configure import configure

    given = {_SETTINGS[k]: v for k, v in options.items() if k in _SETTINGS and v is not None}
    if options["distill"] is not None:
        given["data.distill"] = parse_distill(options["distill"])
    return configure(
        preset_name=options["preset"],
        file=options["file"],
        values=given,
        assignments=options["assignments"],
    )


def _print_plan(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(json.dumps(found["config"], indent=2))
    print_table(("data", "videos", "classes", "with audio teacher"), found["parts"])
    _print_notes(found["notes"])
    click.echo(
        f"{found['student']}, {found['parameters']:,} parameters; "
        f"{found['steps']:,} steps an epoch; folder {found['folder']}"
    )


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _print_summary(summary: RunSummary, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        click.echo(json.dumps(asdict(summary) | {"folder": str(summary.folder)}, indent=2))
        return
    if summary.state == "stopped":
        done = f"{summary.epochs} epochs done, saved in {summary.folder}"
        click.echo(f"stopped: {done}; the same command goes on from there", err=True)
        return
    odd = {k: n for k, n in summary.counts.items() if n and not k.endswith("rows")}
    if odd:
        told = ", ".join(f"{name} {number:,}" for name, number in odd.items())
        click.echo(f"note: of the last epoch: {told}", err=True)
    rows = [(name, f"{summary.metrics[name]:.1%}") for name in _SHOWN if name in summary.metrics]
    if rows:
        print_table(("test videos", "value"), rows)
    chosen = "the last epoch" if summary.val_top1 is None else f"epoch {summary.best_epoch + 1}"
    click.echo(
        f"{summary.state} after {summary.epochs} epochs, student of {chosen}: {summary.folder}"
    )
