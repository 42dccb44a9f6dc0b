"""``cca-tools split``: make named sets of classes of the labels."""

from __future__ import annotations

from pathlib import Path

import click

from cca_tools.cli.label_options import database_option, levels_option, rule_option
from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import one_line, print_table
from cca_tools.labels.study import LevelSource, StudyLevels, split_study, study_levels
from cca_tools.splits import SplitFile, write_splits
from cca_tools.workspace import Provenance, Workspace


@click.command(name="split")
@workspace_option
@database_option
@rule_option
@levels_option
@click.option("--tags", metavar="NAME", help="The tag run, by the beginning of its name.")
@click.option(
    "--allow-incomplete", is_flag=True, help="Leave classes without level out of every split."
)
@json_option
def split_command(
    workspace: Path, tags: str | None, allow_incomplete: bool, **options: str
) -> None:
    r"""Make the named sets of classes that training takes, of the labels' levels.

    Writes splits.json: highly_correlated, weakly_correlated, not_correlated and weak_or_high, and
    what they were made of. Classes without a level are refused and named.

    \b
    Examples:
      cca-tools split
      cca-tools split --rule dawid-skene --allow-incomplete
      cca-tools split --levels published-ucf51
    """
    place = Workspace(workspace)
    as_json = options.pop("as_json")
    source = LevelSource(options["database"], options["rule"], options["levels"])
    levels = study_levels(place, source)
    with place.lock(command_line()):
        content = split_study(place, levels, tags=tags, allow_incomplete=allow_incomplete)
        inputs = [place.manifest] if place.manifest.is_file() else []
        parameters = {
            "rule": levels.rule,
            "allow_incomplete": allow_incomplete,
            "tags": tags,
            "labels_hash": levels.labels_hash,
        }
        provenance = Provenance(command_line(), parameters, inputs)
        write_splits(place.splits, content)
        provenance.write(place.splits)
    _print_notices(levels)
    if as_json:
        click.echo(place.splits.read_text(encoding="utf-8"), nl=False)
        return
    _print(content, place.splits)


def _print_notices(levels: StudyLevels) -> None:
    if levels.missing:
        names = ", ".join(map(one_line, levels.missing))
        click.echo(f"note: {len(levels.missing)} classes are in no split: {names}", err=True)
    if levels.left_out:
        names = ", ".join(map(one_line, levels.left_out))
        click.echo(f"note: these classes have labels and no video: {names}", err=True)


def _print(content: SplitFile, path: Path) -> None:
    rows = [(split.name, len(split.classes), split.rule) for split in content.splits.values()]
    print_table(("split", "classes", "rule"), rows)
    click.echo(f"{path}: levels {content.levels_rule}, labels {content.labels_hash[:12]}")
