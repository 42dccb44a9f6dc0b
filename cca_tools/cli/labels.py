"""``cca-tools labels``: bring labels in and out, look at them, take one back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pandas as pd

from cca_tools.cli.label_options import database_option, rule_option
from cca_tools.cli.label_verdicts import adjudicate_command, agreement_command
from cca_tools.cli.options import json_option, workspace_option
from cca_tools.cli.output import one_line, print_table
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import UsageError
from cca_tools.labels.adjudication import final_levels
from cca_tools.labels.files import check_suffix, plain_rows, write_table
from cca_tools.labels.importing import import_labels
from cca_tools.labels.items import ITEM_KINDS
from cca_tools.labels.people import ROLES
from cca_tools.labels.reporting import all_current
from cca_tools.labels.store import LabelStore
from cca_tools.labels.study import LevelSource, open_labels, study_levels
from cca_tools.labels.vggsounder import Thresholds
from cca_tools.workspace import Workspace

_EXPORTS = ("history", "current", "final")
_NOTE_LENGTH = 80  # letters of a note on the screen
_STRANGERS = 5  # classes in a message


@click.group(name="labels")
def labels_group() -> None:
    r"""Work with labels: import, export, list, history, undo, agreement, adjudicate, people.

    \b
    Examples:
      cca-tools labels import published-ucf51
      cca-tools labels agreement
      cca-tools labels export labels.csv
    """


labels_group.add_command(agreement_command)
labels_group.add_command(adjudicate_command)


@labels_group.command(name="import")
@click.argument("source")
@workspace_option
@database_option
@click.option("--annotator", metavar="NAME", help="In whose name, where the source has no names.")
@click.option(
    "--highly-from",
    type=float,
    default=2 / 3,
    show_default="2/3",
    help="VGGSounder: share of a class's clips both seen and heard, from which it is highly.",
)
@click.option(
    "--weakly-from", type=float, default=1 / 3, show_default="1/3", help="The same for weakly."
)
@json_option
def import_command(source: str, workspace: Path, database: str | None, **options: Any) -> None:
    r"""Add the labels of SOURCE; those that are there already are not added again.

    SOURCE is published-ucf51, VGGSounder's CSV, a history from `labels export`, or a table (CSV,
    Parquet, JSON) with the columns class_name and level: the columns tell which.

    \b
    Examples:
      cca-tools labels import published-ucf51
      cca-tools labels import vggsounder.csv --highly-from 0.75
      cca-tools labels import mine.csv --annotator Ada
    """
    thresholds = Thresholds(options["highly_from"], options["weakly_from"])
    place = Workspace(workspace)
    with LabelStore.open(place, database) as store:
        done = import_labels(store, source, annotator=options["annotator"], thresholds=thresholds)
        _print_strangers(place, store)
    if options["as_json"]:
        click.echo(json.dumps(asdict(done), indent=2))
        return
    noun = "events" if done.form == "history" else "labels"
    click.echo(f"{done.form}: {done.read} {noun} on {done.classes} classes, {done.new} of them new")


def _print_strangers(place: Workspace, store: LabelStore) -> None:
    """Say which labelled classes the study does not have: perhaps they are written otherwise."""
    if not place.manifest.is_file():
        return
    known = set(read_manifest(place.manifest)["class_name"])
    strangers = sorted(set(store.current()["class_name"]) - known)
    if strangers:
        some = ", ".join(map(one_line, strangers[:_STRANGERS]))
        more = ", ..." if len(strangers) > _STRANGERS else ""
        count = f"{len(strangers)} labelled classes are not among the {len(known)} of the manifest"
        click.echo(f"note: {count}: {some}{more}", err=True)


@labels_group.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@database_option
@click.option(
    "--what",
    type=click.Choice(_EXPORTS),
    default="history",
    show_default=True,
    help="Every event, without loss; each annotator's labels that stand; or one level a class.",
)
@rule_option
def export_command(file: Path, workspace: Path, database: str | None, what: str, rule: str) -> None:
    r"""Write labels to FILE: .csv, .parquet or .json.

    In CSV, text that a spreadsheet would run as a formula gets a quote in front, which
    `labels import` takes away again.

    \b
    Examples:
      cca-tools labels export labels.csv
      cca-tools labels export levels.csv --what final
    """
    check_suffix(file)
    with open_labels(Workspace(workspace), database) as store:
        if what == "history":
            frame = store.history()
        elif what == "final":
            frame = final_levels(store, rule)
        else:
            frame = all_current(store)
    write_table(frame, file)
    click.echo(f"{file}: {len(frame)} rows")


@labels_group.command(name="list")
@workspace_option
@database_option
@click.option("--kind", type=click.Choice(ITEM_KINDS), default="class", show_default=True)
@click.option("--annotator", metavar="NAME", help="Only this one's labels.")
@click.option("--class", "class_name", metavar="NAME", help="Only labels of this class.")
@click.option("--open", "only_open", is_flag=True, help="Only the classes that have no level.")
@json_option
def list_command(
    workspace: Path, database: str | None, kind: str, only_open: bool, **options: Any
) -> None:
    r"""List the labels that stand, or the classes that have none.

    \b
    Examples:
      cca-tools labels list --annotator Ada
      cca-tools labels list --open
    """
    place = Workspace(workspace)
    if only_open:
        study = study_levels(place, LevelSource(database))
        frame = pd.DataFrame({"class_name": study.missing})
        frame["level"] = [study.levels[name] or "open" for name in study.missing]
    else:
        with open_labels(place, database) as store:
            frame = all_current(store, (kind,), options["annotator"], options["class_name"])
    shown = ["class_name", "key", "annotator", "level", "note"]
    _print(frame, [name for name in shown if name in frame], options["as_json"])


@labels_group.command(name="history")
@workspace_option
@database_option
@click.option("--annotator", metavar="NAME", help="Only this one's events.")
@click.option("--class", "class_name", metavar="NAME", help="Only events of this class.")
@json_option
def history_command(
    workspace: Path,
    database: str | None,
    annotator: str | None,
    class_name: str | None,
    as_json: bool,
) -> None:
    r"""Show every event, oldest first: labels, undos and decisions.

    \b
    Example:
      cca-tools labels history --class PlayingCello
    """
    with open_labels(Workspace(workspace), database) as store:
        frame = store.history(class_name, annotator)
    shown = ["event_id", "created_at", "annotator", "kind", "class_name", "key", "level", "note"]
    _print(frame, shown, as_json)


@labels_group.command(name="undo")
@workspace_option
@database_option
@click.option("--annotator", metavar="NAME", required=True, help="Whose last event.")
def undo_command(workspace: Path, database: str | None, annotator: str) -> int:
    r"""Take back somebody's last label or decision; that is an event too.

    \b
    Example:
      cca-tools labels undo --annotator Ada
    """
    with open_labels(Workspace(workspace), database) as store:
        event = store.undo(annotator)
    if event is None:
        click.echo(f"{annotator!r} has nothing to take back", err=True)
        return 1
    said = event.level or "a cleared mark"
    click.echo(f"took back event {event.undoes}: {said} for {event.item.class_name!r}")
    return 0


@labels_group.command(name="people")
@click.argument("name", required=False)
@workspace_option
@database_option
@click.option("--may", "roles", type=click.Choice(ROLES), multiple=True, help="Repeatable.")
@click.option("--remove", is_flag=True, help="Take NAME off the list.")
@json_option
def people_command(
    name: str | None, workspace: Path, database: str | None, roles: tuple[str, ...], **options: Any
) -> None:
    r"""Show who may label and adjudicate, or list NAME. Where nobody is listed, anyone may.

    With single sign-on the name is what the identity provider says, mostly the e-mail address.

    \b
    Examples:
      cca-tools labels people
      cca-tools labels people ada@example.org --may label --may adjudicate
      cca-tools labels people ada@example.org --remove
    """
    if name is None and (roles or options["remove"]):
        raise UsageError("--may and --remove need a name", "Say `labels people NAME ...`")
    if name is not None and bool(roles) == options["remove"]:
        raise UsageError(f"nothing is said of {name!r}", "Give --may ROLE, or --remove")
    with LabelStore.open(Workspace(workspace), database) as store:
        if name is not None:
            store.list_person(name, *roles)
        listed = store.people()
    frame = pd.DataFrame(
        [(person, ", ".join(may)) for person, may in listed.items()], columns=["name", "may"]
    )
    _print(frame, ["name", "may"], options["as_json"])


def _print(frame: pd.DataFrame, shown: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(plain_rows(frame), indent=2, ensure_ascii=False))
        return
    if frame.empty:
        click.echo("none", err=True)
        return
    if "note" in shown:
        frame = frame.assign(note=[_shortened(note) for note in frame["note"]])
    print_table(shown, list(frame[shown].itertuples(index=False, name=None)))


def _shortened(note: str) -> str:
    return note if len(note) <= _NOTE_LENGTH else note[: _NOTE_LENGTH - 1] + "…"
