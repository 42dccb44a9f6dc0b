"""``cca-tools benchmark``: runs of the whole pipeline on data whose truth is known."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from cca_tools.cli.options import command_line, json_option
from cca_tools.correspondence.results import NAME, TERM_VARIANTS, TERMS, variants
from cca_tools.correspondence.sizes import SIZES, Size, size_named
from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Workspace

if TYPE_CHECKING:
    from cca_tools.correspondence.steps import Choices

_SPLITS = ("highly_correlated", "weakly_correlated", "not_correlated")
_STOPPED = 130  # what commands return on Ctrl-C
_TERM_SPLITS = ("highly_correlated", "not_correlated")
_SIZES = "\n".join(f"  {name:<8} {size.about}" for name, size in SIZES.items())


@click.group("benchmark")
def benchmark_group() -> None:
    r"""Run the whole pipeline on data whose truth is known.

    \b
    Example:
      cca-tools benchmark correspondence --sounds ESC-10
    """


@benchmark_group.command("correspondence", epilog=f"\b\nSizes:\n{_SIZES}")
@click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("outputs/benchmark"),
    show_default=True,
    help="The folder of the study, where every artefact lies.",
)
@click.option(
    "--sounds",
    type=click.Path(path_type=Path),
    help="Recordings in class folders, such as ESC-10.  [default: synthesised sounds]",
)
@click.option("--tagger", default="yamnet", show_default=True, help="The audio network.")
@click.option("--smoke", "size", flag_value="smoke", help="The smallest size.")
@click.option("--full", "size", flag_value="full", help="The largest size.")
@click.option("--seed", default=0, show_default=True, help="Of the dataset.")
@click.option("--seeds", type=click.IntRange(min=1), help="Training runs a method and stratum.")
@click.option("--methods", metavar="NAME[,NAME]", help="In place of those of the size.")
@click.option("--terms", is_flag=True, help="Ablate the terms of CCL, too.")
@click.option("--jobs", type=click.IntRange(min=1), help="Trainings at once.")
@click.option("--data-only", is_flag=True, help="Stop before training.")
@click.option(
    "--docs", type=click.Path(path_type=Path, dir_okay=False), help="Fill in this document."
)
@json_option
def correspondence_command(workspace: Path, **options: Any) -> int:
    r"""Does distilling sound help a video network, and is it the sound that helps?

    Makes videos of moving digits whose sound belongs to the digit, is shared by several, or is any
    sound; then runs every step as a user would: index, tag-audio, associate, suggest, labels,
    split, prepare, ablate, report. Stopped or killed, the same command goes on where it was left.

    \b
    Examples:
      cca-tools benchmark correspondence --sounds ESC-10
      cca-tools benchmark correspondence --smoke -w /tmp/smoke
      cca-tools benchmark correspondence --sounds ESC-10 --full --terms -w outputs/full
    """
    size = _size(options)
    place = Workspace(workspace)
    choices = _make_data(place, size, options)
    if options["data_only"]:
        click.echo(f"{place.root} has everything but trainings; without --data-only they follow")
        return 0
    code = _train(place, size, options)
    if code == _STOPPED:
        return code
    from cca_tools.cli.benchmark_results import gather, write
    from cca_tools.cli.report import report_command
    from cca_tools.correspondence.text import markdown

    results = gather(place, choices, size, with_terms=options["terms"])
    files = write(place, choices, results, options["docs"])
    _tell("report")
    _call(report_command, workspace=place.root)
    if options["as_json"]:
        click.echo(files[0].read_text("utf-8"), nl=False)
    else:
        click.echo(markdown(results), nl=False)
    for file in files:
        click.echo(f"wrote {file}", err=True)
    return code


def _make_data(place: Workspace, size: Size, options: dict[str, Any]) -> Choices:
    """Take every step before training."""
    from cca_tools.cli.prepare import prepare_command
    from cca_tools.correspondence.steps import Choices, run_steps

    with tqdm(desc="scenes", unit="scene", disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        choices = Choices(
            size.data, options["sounds"], options["tagger"], command_line(), True, show
        )
        run_steps(place, choices, _tell)
    _tell("prepare")
    code = _call(prepare_command, workspace=place.root, short_side=size.short_side)
    if code == _STOPPED:
        click.get_current_context().exit(code)
    if code:
        raise DataError(
            "not every video was prepared; see above", "Run the same command again to go on"
        )
    return choices


def _size(options: dict[str, Any]) -> Size:
    from ccl.methods.registry import method_spec

    size = size_named(options["size"] or "default")
    data = replace(size.data, seed=options["seed"])
    methods = tuple((options["methods"] or ",".join(size.methods)).split(","))
    for name in methods:
        method_spec(name)
    if "baseline" not in methods:
        raise UsageError("--methods has no baseline", "Add it: all others are compared with it")
    return replace(size, data=data, methods=methods, seeds=options["seeds"] or size.seeds)


def _tell(step: str) -> None:
    click.echo(f"{step} ...", err=True)


def _call(command: click.Command, **options: Any) -> int:
    """Call another command of ours; what it prints goes to standard error."""
    with redirect_stdout(sys.stderr):
        code: int | None = click.get_current_context().invoke(command, **options)
    return code or 0


def _train(place: Workspace, size: Size, options: dict[str, Any]) -> int:
    from cca_tools.cli.ablate import ablate_command

    common = {
        "workspace": place.root,
        "seeds": str(size.seeds),
        "assignments": size.assignments,
        "jobs": options["jobs"] or _jobs(),
        "measure": size.seeds > 1,  # trying the steps takes as long as a few of them
    }
    _tell("ablate")
    code = _call(
        ablate_command,
        splits=",".join(_SPLITS),
        methods=",".join(size.methods),
        name=NAME,
        **common,
    )
    if options["terms"] and code != _STOPPED:
        _tell("ablate the terms")
        second = _call(
            ablate_command,
            splits=",".join(_TERM_SPLITS),
            methods="baseline,labels-only",
            variants=variants(tuple(TERM_VARIANTS)),
            name=TERMS,
            **common,
        )
        code = max(code, second)
    return code


def _jobs() -> int | None:
    """Return how many trainings run at once on processors; None lets GPUs decide."""
    from ccl.ablation.engine import visible_gpus

    return None if visible_gpus() else len(os.sched_getaffinity(0))
