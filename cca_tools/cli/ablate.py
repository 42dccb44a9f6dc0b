"""``cca-tools ablate``: methods by strata by seeds, with statistics one can trust."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cca_tools.cli.ablation_plan import bar, print_plan, summary
from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.errors import UsageError
from cca_tools.workspace import Provenance, Workspace

if TYPE_CHECKING:
    from ccl.ablation.ablate import Gathered
    from ccl.ablation.engine import LocalEngine
    from ccl.ablation.plan import Plan
    from ccl.ablation.settings import AblationSettings

_ON_SCREEN = (
    "Trained for", "Tested on", "Method", "Seeds", "Top-1 (sd over seeds)",
    "Difference to baseline", "p, these runs", "p, Holm", "95 % interval, any seed",
    "p, any seed, Holm",
)  # fmt: skip
_STATISTICS = ("bootstrap", "permutations", "statistics_seed")


@click.command("ablate")
@workspace_option
@click.option(
    "--split",
    "splits",
    default="weak_or_high,not_correlated",
    show_default=True,
    metavar="NAME[,NAME]",
    help="Named sets of classes, or all.",
)
@click.option(
    "--methods", default="baseline,crd,ccl", show_default=True, metavar="NAME[,NAME]",
    help="See docs/training.md; labels-only and random-teacher are controls.",
)  # fmt: skip
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="LABEL=METHOD,NAME=VALUE",
    help="A method with settings of its own, as `no-jsd=ccl,method.weights.jsd=0`; repeatable.",
)
@click.option("--distill", default="audio", show_default=True, metavar="TEACHERS",
              help="audio, image or audio,image; for the methods that have a teacher.")  # fmt: skip
@click.option("--seeds", default="3", show_default=True, metavar="N|S,S,...",
              help="How many seeds from 0 on, or which: 5 or 0,3,7.")  # fmt: skip
@click.option(
    "--protocol",
    type=click.Choice(["within", "masked"]),
    default="within",
    show_default=True,
    help="Train and test on the split's classes; or train on all, distil for the split's alone, "
    "test on each stratum.",
)
@click.option("--name", show_default="the protocol", help="Of the ablation's artefacts.")
@click.option("--preset", metavar="NAME", help="As of `train`: default, ucf51-released or demo.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
              help="TOML or JSON with settings of the trainer.")  # fmt: skip
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE",
              help="Any setting of the trainer, for every cell.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), show_default="1, or one a GPU",
              help="Cells at once.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the plan with time and disk; train nothing.")
@click.option("--table-only", is_flag=True, help="Train nothing; compare the cells that are done.")
@click.option(
    "--measure/--no-measure",
    default=True,
    help="Take a few steps (default) where no earlier run tells how long cells take.",
)
@click.option("--bootstrap", default=2000, show_default=True, help="Resamples for each interval.")
@click.option("--permutations", default=10_000, show_default=True, help="For each p-value.")
@click.option("--statistics-seed", default=0, show_default=True, help="Of these draws.")
@click.option("--figures/--no-figures", default=True, help="Draw the pictures (default), or not.")
@json_option
def ablate_command(workspace: Path, as_json: bool, **options: Any) -> int:
    r"""Train methods on strata with several seeds, and compare them with the baseline.

    Each cell is a run of the trainer. What is done is never run again; killed, the same command
    goes on where it was left. A cell that fails is named, and the others go on (exit code 1).
    Writes ablation/NAME.json, tables/ and figures/; docs/ablation.md says what the columns mean.

    \b
    Examples:
      cca-tools ablate --split weak_or_high,not_correlated --methods baseline,crd,ccl --seeds 5
      cca-tools ablate --protocol masked --preset demo --dry-run
      cca-tools ablate --methods baseline,ccl --variant no-jsd=ccl,method.weights.jsd=0
    """
    from ccl.ablation.ablate import gather
    from ccl.ablation.comparison import Settings
    from ccl.ablation.estimate import estimate_cells
    from ccl.ablation.plan import make_plan

    signal.signal(signal.SIGTERM, _interrupt)
    place = Workspace(workspace)
    settings = _settings(options)
    statistics = Settings(*(options[name] for name in _STATISTICS))
    if options["dry_run"]:
        estimates = estimate_cells(
            plan := make_plan(place, settings), place, measure=options["measure"]
        )
        print_plan(plan, estimates, _engine(options["jobs"]), as_json)
        return 0
    provenance = Provenance(command_line(), {})
    with place.lock(command_line()):
        plan = make_plan(place, settings)
        failed: Mapping[Any, str] = {}
        if not options["table_only"]:
            try:
                failed = _run(plan, place, options)
            except KeyboardInterrupt:
                click.echo("stopped; what is trained is kept: run the same command to go on",
                           err=True)  # fmt: skip
                return 130
        found = gather(plan, place, statistics)
        provenance.parameters = {"settings": asdict(settings), "statistics": asdict(statistics)}
        report = _write(plan, found, place, provenance, figures=options["figures"])
    _print_report(report, failed, place, as_json)
    return 1 if failed else 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _settings(options: Mapping[str, Any]) -> AblationSettings:
    from ccl.ablation.settings import AblationSettings, parse_variant
    from ccl.methods.registry import parse_distill

    variants = [*_names(options["methods"]), *options["variants"]]
    return AblationSettings(
        splits=_names(options["splits"]),
        variants=tuple(parse_variant(text) for text in variants),
        distill=parse_distill(options["distill"]),
        seeds=_seeds(options["seeds"]),
        protocol=options["protocol"],
        name=options["name"] or options["protocol"],
        preset=options["preset"],
        config=options["config"],
        assignments=options["assignments"],
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _seeds(text: str) -> tuple[int, ...]:
    parts = _names(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise UsageError(f"--seeds {text!r} are no whole numbers", "Give 3, or 0,1,5")
    numbers = tuple(int(part) for part in parts)
    return tuple(range(numbers[0])) if len(numbers) == 1 and "," not in text else numbers


def _engine(jobs: int | None) -> LocalEngine:
    from ccl.ablation.engine import LocalEngine, visible_gpus

    gpus = visible_gpus()
    return LocalEngine(jobs or max(1, len(gpus)), gpus if len(gpus) > 1 else ())


def _run(plan: Plan, place: Workspace, options: Mapping[str, Any]) -> Mapping[Any, str]:
    from ccl.ablation.ablate import run_cells
    from ccl.ablation.estimate import estimate_cells

    engine = _engine(options["jobs"])
    if not all(cell.is_done for cell in plan.cells):
        estimates = estimate_cells(plan, place, measure=options["measure"])
        click.echo(summary(plan, estimates, engine.slots), err=True)
    with bar(plan) as watch:
        return run_cells(plan, place, engine, watch, command_line())


def _write(
    plan: Plan, found: Gathered, place: Workspace, provenance: Provenance, *, figures: bool
) -> Any:
    from cca_tools.reports.ablation import (
        AblationReport,
        ablation_path,
        published_beside,
        write_ablation,
        write_tables,
    )
    from cca_tools.reports.ablation_plots import write_pictures
    from ccl.ablation.ablate import audio_probe_path
    from ccl.ablation.identity import PREDICTIONS

    settings, analysis = plan.settings, found.analysis
    runs = {str(at): folder.relative_to(place.root) for at, folder in found.folders.items()}
    report = AblationReport(
        {
            "name": settings.name,
            "protocol": settings.protocol,
            "splits": list(settings.splits),
            "methods": [variant.label for variant in settings.variants],
            "distill": list(settings.distill),
            "seeds": list(settings.seeds),
            "statistics": provenance.parameters["statistics"],
        },
        analysis.rows,
        analysis.seeds,
        analysis.classes,
        analysis.evidence,
        published_beside(plan.classes) if settings.protocol == "within" else {},
        {at: folder.as_posix() for at, folder in runs.items()},
        analysis.lacks,
    )
    path = ablation_path(place, settings.name)
    used = [folder / PREDICTIONS for folder in dict.fromkeys(found.folders.values())]
    others = (place.manifest, place.splits, audio_probe_path(place))
    provenance.inputs = [*(path for path in others if path.is_file()), *used]
    write_ablation(report, path)
    provenance.write(path)
    write_tables(report, place.tables)
    if figures:
        write_pictures(report, place.figures)
    return report


def _print_report(report: Any, failed: Mapping[Any, str], place: Workspace, as_json: bool) -> None:
    from cca_tools.reports.ablation import ablation_table, as_record

    for lack in report.lacks:
        click.echo(f"note: {lack}", err=True)
    for where, why in failed.items():
        click.echo(f"failed: {where}: {why}", err=True)
    if as_json:
        record = as_record(report) | {"failed": {str(at): why for at, why in failed.items()}}
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    table = ablation_table(report)
    left_out = set() if (table["Trained for"] != table["Tested on"]).any() else {"Tested on"}
    shown = table[[name for name in _ON_SCREEN if name not in left_out]]
    print_table(list(shown.columns), shown.to_numpy().tolist())
    click.echo(f"{place.root}: ablation/{report.name}.json, tables/ablation-{report.name}*")
