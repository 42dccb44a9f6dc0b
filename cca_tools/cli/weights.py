"""``cca-tools weights``: list, pull, verify and find the weights of the taggers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cca_tools.cli.options import json_option
from cca_tools.cli.output import print_table, size_text
from cca_tools.errors import UsageError, WeightsError
from cca_tools.taggers.overview import tagger_overview
from cca_tools.taggers.registry import tagger_names, tagger_spec
from cca_tools.taggers.spec import TaggerSpec
from cca_tools.taggers.weights import OTHERWISE, find_weights, verify_weights


@click.group(epilog="\b\nExample:\n  cca-tools weights pull efficientat-mn04")
def weights_group() -> None:
    """List, pull, verify and find the weights of the taggers.

    Weights are looked for in each folder of CCA_WEIGHTS_DIR, then in the cache (CCA_CACHE_DIR),
    and else downloaded from where they were published, or from the mirror that CCA_WEIGHTS_URL
    names.
    """


@weights_group.command("list", epilog="\b\nExample:\n  cca-tools weights list")
@json_option
def list_command(as_json: bool) -> None:
    """List the weights files: state, size, hash, where they are or come from."""
    keys = ("name", "weights", "file", "path", "bytes", "hash", "url", "licence", "citation")
    rows = [{key: row[key] for key in keys} for row in tagger_overview()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    cells = [
        (
            row["name"],
            row["weights"],
            size_text(row["bytes"]),
            (row["hash"] or "none published").partition(":")[0],
            row["path"] or row["url"],
        )
        for row in rows
    ]
    print_table(("tagger", "weights", "size", "hash", "where"), cells)


@weights_group.command(
    "pull", epilog="\b\nExample:\n  cca-tools weights pull efficientat-mn04 panns-cnn14"
)
@click.argument("taggers", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Pull the weights of all taggers.")
@click.pass_context
def pull_command(ctx: click.Context, taggers: tuple[str, ...], every: bool) -> None:
    """Download and verify the weights of TAGGERS, unless they are here."""
    names = tagger_names() if every else taggers
    if not names:
        raise UsageError("no tagger was named", "Name some, or give --all")
    specs = [tagger_spec(name) for name in names]
    failures = [spec.name for spec in specs if not _pulled(spec)]
    if failures:
        click.echo(f"not pulled: {', '.join(failures)}", err=True)
        ctx.exit(1)


def _pulled(spec: TaggerSpec) -> bool:
    from cca_tools.taggers.download import download_weights

    found = find_weights(spec)
    if found:
        click.echo(f"{spec.name}: {found.origin}, {found.path}")
        return True
    try:
        click.echo(f"{spec.name}: pulled, {download_weights(spec)}")
    except WeightsError as error:
        click.echo(f"cca-tools: {error}", err=True)
        return False
    return True


@weights_group.command("verify", epilog="\b\nExample:\n  cca-tools weights verify")
@click.argument("taggers", nargs=-1)
@click.pass_context
def verify_command(ctx: click.Context, taggers: tuple[str, ...]) -> None:
    """Compare the weights here with the published hashes; without TAGGERS, all that are here."""
    all_good = True
    for spec in [tagger_spec(name) for name in taggers or tagger_names()]:
        found = find_weights(spec)
        if found is None:
            if taggers:
                click.echo(f"{spec.name}: absent")
                all_good = False
            continue
        state, reason = _verified(spec, found.path)
        click.echo(f"{spec.name}: {state}, {reason}, {found.path}")
        all_good = all_good and state != "BAD"
    if not all_good:
        ctx.exit(1)


def _verified(spec: TaggerSpec, path: Path) -> tuple[str, str]:
    """Return ``good``, ``BAD`` or ``unknown``, and the reason."""
    verdict = verify_weights(spec, path)
    if verdict.has_hash:
        return ("good" if verdict.good else "BAD"), verdict.reason
    from cca_tools.taggers.checkpoints import read_checkpoint

    try:
        read_checkpoint(path)
    except WeightsError as error:
        return "BAD", error.problem
    return "unknown", f"{verdict.reason}, but it can be read"


@weights_group.command("path", epilog="\b\nExample:\n  cca-tools weights path yamnet")
@click.argument("tagger")
def path_command(tagger: str) -> None:
    """Print where the weights of TAGGER are."""
    spec = tagger_spec(tagger)
    found = find_weights(spec)
    if found is None:
        raise WeightsError(
            f"the weights {spec.weights.name} of {tagger} are not on this machine",
            f"Get them by `cca-tools weights pull {tagger}` from {spec.weights.url}, {OTHERWISE}",
        )
    click.echo(str(found.path))
