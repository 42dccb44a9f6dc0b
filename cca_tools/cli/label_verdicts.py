"""``cca-tools labels agreement`` and ``labels adjudicate``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
import pandas as pd

from cca_tools.cli.label_options import database_option
from cca_tools.cli.options import json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.labels.agreement import Agreement, agreement
from cca_tools.labels.files import plain_rows
from cca_tools.labels.reporting import COMPARED, compare_rules, decide_by_rule
from cca_tools.labels.study import open_labels
from cca_tools.reports.levels import LEVELS
from cca_tools.workspace import Workspace

_MOST_CLASSES = 20  # on the screen


@click.command(name="agreement")
@workspace_option
@database_option
@click.option("--blind-only", is_flag=True, help="Leave out answers given with hints shown.")
@click.option(
    "--resamples",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Of the bootstrap over classes.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the bootstrap."
)
@json_option
def agreement_command(
    workspace: Path, database: str | None, blind_only: bool, as_json: bool, **bootstrap: int
) -> None:
    r"""Say how far the annotators agree on the levels of classes.

    Ordinal Krippendorff alpha with a 95 % interval, quadratic weighted kappa of each pair, raw
    agreement, the confusion of levels, and the classes with the most disagreement.

    \b
    Examples:
      cca-tools labels agreement
      cca-tools labels agreement --blind-only --json
    """
    with open_labels(Workspace(workspace), database) as store:
        labels = store.current()
    if blind_only:
        labels = labels[labels["hints"].map(len) == 0]
    found = agreement(labels, **bootstrap)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
        return
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    _print(found)


def _print(found: Agreement) -> None:
    click.echo(
        f"alpha (ordinal)   {_figure(found.alpha)}   95 % interval "
        f"{_figure(found.alpha_low)} to {_figure(found.alpha_high)}"
    )
    click.echo(f"raw agreement     {_figure(found.raw)}")
    if len(found.kappas):
        rows = [
            (row["annotator_a"], row["annotator_b"], row["common"], _figure(row["kappa"]),
             _figure(row["raw"]), row["note"])
            for row in found.kappas.to_dict("records")
        ]  # fmt: skip
        click.echo()
        print_table(("annotator", "and", "classes", "kappa (quadratic)", "raw", ""), rows)
        click.echo()
        confusion = found.confusion.reset_index().itertuples(index=False, name=None)
        print_table(("pairs of answers", *found.confusion.columns), list(confusion))
    disputed = found.by_class[(found.by_class[list(LEVELS)] > 0).sum(axis="columns") > 1]
    if len(disputed):
        rows = [
            (row["class_name"], *(row[level] for level in LEVELS), _figure(row["disagreement"]))
            for row in disputed.head(_MOST_CLASSES).to_dict("records")
        ]
        click.echo()
        print_table(("most disagreement", *LEVELS, "mean squared distance"), rows)
        if len(disputed) > _MOST_CLASSES:
            click.echo(f"... and {len(disputed) - _MOST_CLASSES} classes more: see --json")


def _figure(value: Any) -> str:
    return "not defined" if math.isnan(value) else f"{value:.3f}"


def _as_json(found: Agreement) -> dict[str, Any]:
    figures = {name: getattr(found, name) for name in ("alpha", "alpha_low", "alpha_high", "raw")}
    return {
        **{name: None if math.isnan(value) else value for name, value in figures.items()},
        "kappas": plain_rows(found.kappas),
        "confusion": found.confusion.to_dict("index"),
        "by_class": plain_rows(found.by_class),
        "notes": list(found.notes),
    }


@click.command(name="adjudicate")
@workspace_option
@database_option
@click.option(
    "--rule",
    type=click.Choice(COMPARED),
    default=COMPARED[0],
    show_default=True,
    help="Which of the two --by decides with; both are reported.",
)
@click.option(
    "--by",
    "adjudicator",
    metavar="NAME",
    help="Decide, in this name, every disputed class that has no decision; else only report.",
)
@json_option
def adjudicate_command(
    workspace: Path, database: str | None, rule: str, adjudicator: str | None, as_json: bool
) -> None:
    r"""Report what the majority and Dawid and Skene's model make of the labels, and decide.

    A tie leaves a class undecided. Without --by nothing is written.

    \b
    Examples:
      cca-tools labels adjudicate
      cca-tools labels adjudicate --rule dawid-skene --by Eve
    """
    with open_labels(Workspace(workspace), database) as store:
        decided = decide_by_rule(store, rule, adjudicator) if adjudicator else []
        table = compare_rules(store)
    if as_json:
        counts = {name: table[name].value_counts().to_dict() for name in COMPARED}
        report = {"levels": counts, "classes": plain_rows(table), "newly_decided": len(decided)}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    _print_rules(table)
    if adjudicator:
        click.echo(f"{len(decided)} classes decided by {rule}, in the name of {adjudicator!r}")


def _print_rules(table: pd.DataFrame) -> None:
    counted = {name: table[name].value_counts() for name in COMPARED}
    levels = [level for level in LEVELS if any(level in counts for counts in counted.values())]
    rows = [(name, *(int(counted[name].get(level, 0)) for level in levels)) for name in COMPARED]
    print_table(("classes by", *levels), rows)
    shown = table[table["disputed"] | table["majority"].ne(table["dawid-skene"])]
    if shown.empty:
        click.echo("no class is disputed")
        return
    click.echo()
    print_table(
        ("disputed class", "votes", *COMPARED, "highly/weakly/not by Dawid-Skene", "decided"),
        [
            (
                row["class_name"],
                row["votes"],
                *(row[name] for name in COMPARED),
                "/".join(f"{row[name]:.2f}" for name in ("p_highly", "p_weakly", "p_not")),
                f"{row['decided']} by {row['decided_by']}" if row["decided"] else "",
            )
            for row in shown.to_dict("records")
        ],
    )
