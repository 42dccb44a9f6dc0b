"""``cca-tools tags``: look at what tag-audio wrote."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cca_tools.cli.options import json_option, workspace_option
from cca_tools.errors import UsageError
from cca_tools.taggers.labels import label_space, read_label_table
from cca_tools.tagging.lookup import choose_run, failures, find_video
from cca_tools.tagging.rows import describe_counts
from cca_tools.tagging.store import RunInfo, list_runs, read_tags
from cca_tools.workspace import Workspace, read_provenance


def run_option(command: Any) -> Any:
    """Add ``--tags``, which chooses among several tag runs."""
    return click.option(
        "--tags", "name", metavar="NAME", help="The tag run, by the beginning of its name."
    )(command)


@click.group(name="tags")
def tags_group() -> None:
    r"""Look at tags: one video, the failures, the runs.

    \b
    Examples:
      cca-tools tags show v_Archery_g01_c01
      cca-tools tags show v_Archery_g01_c01 --timeline archery.png
      cca-tools tags failures
    """


@tags_group.command(name="show")
@click.argument("video")
@workspace_option
@run_option
@click.option(
    "--timeline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a picture of the scores over time (png, pdf, svg).",
)
@json_option
def show_command(
    video: str, workspace: Path, name: str | None, timeline: Path | None, as_json: bool
) -> None:
    r"""Show the audio classes of one VIDEO (id, path or file name).

    \b
    Example:
      cca-tools tags show v_Archery_g01_c01 --timeline archery.png
    """
    place = Workspace(workspace)
    run = choose_run(place, name)
    row = find_video(place, video)
    tags = read_tags(place.tags, run.name)
    mine = tags[tags["video_id"] == row["video_id"]]
    if mine.empty:
        raise UsageError(f"{row['video_id']} is not tagged in {run.name}", "Run tag-audio")
    shown = _shown(mine.iloc[0].to_dict(), row, run)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print_video(shown)
    if timeline is not None:
        _write_timeline(place, run, row, timeline)
        click.echo(f"timeline: {timeline}", err=as_json)


def _shown(tags: dict[str, Any], row: Any, run: RunInfo) -> dict[str, Any]:
    names = _names(run)
    return {
        "video_id": row["video_id"],
        "class_name": row["class_name"],
        "run": run.name,
        "status": tags["status"],
        "detail": tags["detail"],
        "seconds": round(tags["seconds"], 3),
        "rms_dbfs": _number(tags["rms_dbfs"]),
        "peak_dbfs": _number(tags["peak_dbfs"]),
        "tags": [
            {"mid": mid, "name": names.get(mid, mid), "score": round(float(score), 4)}
            for mid, score in zip(tags["mids"], tags["scores"], strict=True)
        ],
    }


def _names(run: RunInfo) -> dict[str, str]:
    table = run.settings.get("labels")
    space = read_label_table(Path(table)) if table else label_space(run.label_space["name"])
    return dict(zip(space.mids, space.names, strict=True))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)


def _print_video(shown: dict[str, Any]) -> None:
    facts = [shown["class_name"], shown["status"], f"{shown['seconds']:.2f} s"]
    if shown["peak_dbfs"] is not None:
        facts.append(f"peak {shown['peak_dbfs']:.1f} dBFS, rms {shown['rms_dbfs']:.1f} dBFS")
    click.echo(f"{shown['video_id']}: {', '.join(fact for fact in facts if fact)}")
    if shown["detail"]:
        click.echo(shown["detail"])
    if not shown["tags"]:
        return
    table = Table("rank", "audio class", "score", "mid")
    for rank, tag in enumerate(shown["tags"], start=1):
        table.add_row(str(rank), tag["name"], f"{tag['score']:.4f}", tag["mid"])
    Console().print(table)


def _write_timeline(place: Workspace, run: RunInfo, row: Any, path: Path) -> None:
    from cca_tools.datasets.manifest import video_path
    from cca_tools.taggers.registry import load_tagger
    from cca_tools.tagging.decoding import span_of
    from cca_tools.tagging.timeline import draw_timeline, score_over_time

    parameters = read_provenance(place.tags / f"_{run.name}.json").get("parameters", {})
    weights = parameters.get("weights")
    tagger = load_tagger(run.tagger, weights=Path(weights) if weights else None)
    over_time = score_over_time(tagger, video_path(row), span_of(row))
    draw_timeline(over_time, str(row["video_id"]), path)


@tags_group.command(name="failures")
@workspace_option
@run_option
@json_option
def failures_command(workspace: Path, name: str | None, as_json: bool) -> int:
    r"""List the videos whose sound could not be read; exit code 1 if there are any.

    \b
    Example:
      cca-tools tags failures --json
    """
    failed = failures(Workspace(workspace), name)
    if as_json:
        click.echo(failed.to_json(orient="records", indent=2, force_ascii=False))
    elif failed.empty:
        click.echo("no failures")
    else:
        table = Table("video", "status", "detail", "path")
        for row in failed.itertuples(index=False):
            table.add_row(str(row.video_id), str(row.status), str(row.detail), str(row.path))
        Console().print(table)
    return 1 if len(failed) else 0


@tags_group.command(name="list")
@workspace_option
@json_option
def list_command(workspace: Path, as_json: bool) -> None:
    r"""List the tag runs of the workspace, the newest first.

    \b
    Example:
      cca-tools tags list
    """
    place = Workspace(workspace)
    runs = [_about(place, run) for run in list_runs(place.tags)]
    if as_json:
        click.echo(json.dumps(runs, indent=2))
        return
    table = Table("run", "started", "videos", "top-k", "pooling", "precision")
    for run in runs:
        settings = run["settings"]
        table.add_row(
            run["name"],
            run["started_utc"],
            describe_counts(run["counts"]),
            *(str(settings[key]) for key in ("top_k", "pooling", "precision")),
        )
    Console().print(table)


def _about(place: Workspace, run: RunInfo) -> dict[str, Any]:
    statuses = read_tags(place.tags, run.name, ["status"])["status"]
    return {
        "name": run.name,
        "started_utc": run.started_utc,
        "counts": statuses.value_counts().to_dict(),
        "settings": run.settings,
    }
