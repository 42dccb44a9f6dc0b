"""``cca-tools tags``: look at what tag-audio wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cca_tools.cli.options import json_option, workspace_option
from cca_tools.cli.output import one_line, print_table
from cca_tools.tagging.lookup import failures, find_tags, find_video
from cca_tools.tagging.rows import describe_counts
from cca_tools.tagging.store import RunInfo, labels_of, list_runs, read_tags
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
    row = find_video(place, video)
    run, tags = find_tags(place, row["video_id"], name)
    shown = _shown(tags, row, run)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print_video(shown)
    if timeline is not None:
        _write_timeline(place, run, row, timeline)
        click.echo(f"timeline: {timeline}", err=as_json)


def _shown(tags: Mapping[Any, Any], row: Any, run: RunInfo) -> dict[str, Any]:
    labels = labels_of(run)
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
            {"mid": mid, "name": labels.name_of(mid), "score": round(float(score), 4)}
            for mid, score in zip(tags["mids"], tags["scores"], strict=True)
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)


def _print_video(shown: dict[str, Any]) -> None:
    facts = [shown["class_name"], shown["status"], f"{shown['seconds']:.2f} s"]
    if shown["peak_dbfs"] is not None:
        facts.append(f"peak {shown['peak_dbfs']:.1f} dBFS, rms {shown['rms_dbfs']:.1f} dBFS")
    click.echo(one_line(f"{shown['video_id']}: {', '.join(fact for fact in facts if fact)}"))
    if shown["detail"]:
        click.echo(one_line(shown["detail"]))
    if not shown["tags"]:
        return
    rows = [
        (rank, tag["name"], f"{tag['score']:.4f}", tag["mid"])
        for rank, tag in enumerate(shown["tags"], start=1)
    ]
    print_table(("rank", "audio class", "score", "mid"), rows)


def _write_timeline(place: Workspace, run: RunInfo, row: Any, path: Path) -> None:
    from cca_tools.datasets.manifest import video_path
    from cca_tools.taggers.registry import load_tagger
    from cca_tools.tagging.decoding import span_of
    from cca_tools.tagging.timeline import draw_timeline, score_over_time

    parameters = read_provenance(place.tags / f"_{run.name}.json").get("parameters", {})
    weights, labels = (
        Path(parameters[name]) if parameters.get(name) else None for name in ("weights", "labels")
    )
    tagger = load_tagger(run.tagger, weights=weights, labels=labels)
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
        rows = failed[["video_id", "status", "detail", "path"]].to_numpy().tolist()
        print_table(("video", "status", "detail", "path"), rows)
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
    place.require(place.tags, "cca-tools tag-audio")
    runs = [_about(place, run) for run in list_runs(place.tags)]
    if as_json:
        click.echo(json.dumps(runs, indent=2))
        return
    shown = ("top_k", "pooling", "precision")
    rows = [
        (
            run["name"],
            run["started_utc"],
            describe_counts(run["counts"]),
            *(run["settings"][key] for key in shown),
        )
        for run in runs
    ]
    print_table(("run", "started", "videos", *shown), rows)


def _about(place: Workspace, run: RunInfo) -> dict[str, Any]:
    statuses = read_tags(place.tags, run.name, ["status"])["status"]
    return {
        "name": run.name,
        "started_utc": run.started_utc,
        "counts": statuses.value_counts().to_dict(),
        "settings": run.settings,
    }
