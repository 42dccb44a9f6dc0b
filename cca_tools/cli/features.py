"""``cca-tools features``: bring in the features of a teacher, and list what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Provenance, Workspace, read_provenance

_NAMED = 5


@click.group(name="features")
def features_group() -> None:
    r"""Features of a teacher, computed elsewhere: import them, list them.

    \b
    Example:
      cca-tools features import audio_features.npz --name cnn14
    """


@features_group.command(name="import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What `--audio-teacher` will call them.")
@workspace_option
@json_option
def import_command(source: Path, name: str, workspace: Path, as_json: bool) -> int:
    r"""Put the features in SOURCE to the videos of the manifest.

    SOURCE is an npz with the arrays video_id and embedding, an npz of one array a video, or a
    folder of npy files. Ids are matched to the manifest's, or to their last part without suffix.
    Exit code 1 means that some features are damaged or stand twice: they are named.

    \b
    Example:
      cca-tools features import audio_features_cnn14_emb512.npz --name cnn14
    """
    from ccl.data.features import feature_path, match_features, read_features, write_features

    place = Workspace(workspace)
    _check_name(name)
    if not source.exists():
        raise UsageError(f"{source} is not there", "Check the name")
    manifest = read_manifest(place.manifest)
    with place.lock(command_line()):
        files = sorted(source.rglob("*.npy")) if source.is_dir() else [source]
        provenance = Provenance(
            command_line(), {"source": str(source.resolve())}, [place.manifest, *files]
        )
        matched = match_features(read_features(source), manifest["video_id"].tolist())
        if not matched.embeddings:
            raise DataError(
                f"none of the {len(matched.unmatched):,} features in {source} is of a video of "
                f"{place.manifest}, first {(*matched.unmatched, *matched.ambiguous)[0]!r}",
                f"Ids must be like {manifest['video_id'].iloc[0]!r}, or its last part",
            )
        path = feature_path(place, name)
        write_features(path, matched.embeddings)
        provenance.write(path)
    _print(matched, path, as_json)
    bad = (matched.not_finite, matched.duplicates, matched.ambiguous, matched.unusable)
    return 1 if any(bad) else 0


def _check_name(name: str) -> None:
    reserved = ("tags", "shuffled", "random-class", "random-clip")
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith((".", "-")) or name in reserved:
        raise UsageError(
            f"features cannot be called {name!r}",
            f"Give letters, digits, and - _ . within; not {', '.join(reserved)}",
        )


def _print(matched: Any, path: Path, as_json: bool) -> None:
    groups = {
        "imported": tuple(matched.embeddings),
        "not_finite": matched.not_finite,
        "duplicates": matched.duplicates,
        "ambiguous": matched.ambiguous,
        "unusable": matched.unusable,
        "unmatched": matched.unmatched,
        "videos_without": matched.without,
    }
    if as_json:
        report: dict[str, Any] = {name: len(items) for name, items in groups.items()}
        named = {name: list(items) for name, items in groups.items() if name != "imported"}
        width = len(next(iter(matched.embeddings.values())))
        report |= {"features": str(path), "width": width, "named": named}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    rows = [
        (name.replace("_", " "), len(items), "" if name == "imported" else _some(items))
        for name, items in groups.items()
    ]
    print_table(("features", "number", "such as"), rows)
    click.echo(f"wrote {path}")


def _some(items: tuple[str, ...]) -> str:
    return ", ".join(items[:_NAMED]) + (", ..." if len(items) > _NAMED else "")


@features_group.command(name="list")
@workspace_option
@json_option
def list_command(workspace: Path, as_json: bool) -> None:
    r"""List the imported features of the workspace.

    \b
    Example:
      cca-tools features list
    """
    from ccl.data.features import feature_names, feature_path, feature_shape

    place = Workspace(workspace)
    rows = []
    for name in feature_names(place):
        path = feature_path(place, name)
        videos, width = feature_shape(path)
        about = read_provenance(path)
        source = about.get("parameters", {}).get("source", "")
        rows.append(
            {"name": name, "videos": videos, "width": width, "source": source}
            | {"imported_utc": about.get("utc", "")}
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        click.echo("no features were imported: see `cca-tools features import`")
