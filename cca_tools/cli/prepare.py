"""``cca-tools prepare``: pack the frames of every video for training."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import click

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.cli.output import print_table
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import UsageError
from cca_tools.workspace import Workspace

_SHOWN_FAILURES = 10


@click.command()
@workspace_option
@click.option(
    "--short-side",
    type=click.IntRange(16, 1024),
    default=128,
    show_default=True,
    help="Of the packed pictures, in pixels.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 95),
    default=90,
    show_default=True,
    help="Of the JPEGs.",
)
@click.option("--fps", type=float, help="Keep so many frames a second; default: all there are.")
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Keep every so many-th frame.",
)
@click.option(
    "--max-frames",
    type=click.IntRange(min=0),
    default=0,
    show_default="all",
    help="Keep no more than the first so many frames of a video.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default="one a processor",
    help="Processes that decode.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="For decoding one video.",
)
@click.option(
    "--resume/--restart", default=True, help="Go on where a run ended (default), or begin anew."
)
@click.option("--retry-failed", is_flag=True, help="Try failed videos again.")
@click.option(
    "--verify", is_flag=True, help="Compare with checksums; what is damaged is packed anew."
)
@json_option
def prepare_command(workspace: Path, as_json: bool, resume: bool, **options: Any) -> int:
    r"""Pack the frames of every video once, small and fast to read, for training.

    A run that was stopped or killed goes on where it ended; a video that is packed stays packed.
    Exit code 1 means that some videos have no frames: they are named.

    \b
    Examples:
      cca-tools prepare
      cca-tools prepare --fps 10 --max-frames 300
      cca-tools prepare --verify
    """
    from cca_tools.media.frames import FrameSampling
    from ccl.data.prepare import PrepareOptions, prepare_frames

    keys = ("short_side", "quality", "fps", "stride", "max_frames")
    sampling = FrameSampling(**{key: options.pop(key) for key in keys})
    if sampling.fps is not None and not 0 < sampling.fps <= 1000:
        raise UsageError(f"--fps is {sampling.fps:g}", "Give a number above 0, up to 1000")
    signal.signal(signal.SIGTERM, _interrupt)
    place = Workspace(workspace)
    manifest = read_manifest(place.manifest)
    how = PrepareOptions(restart=not resume, command=command_line(), **options)
    with place.lock(command_line()):
        try:
            summary = prepare_frames(manifest, place, sampling, how)
        except KeyboardInterrupt:
            click.echo("stopped; what is packed is kept: run the same command to go on", err=True)
            return 130
    for notice in summary.notices:
        click.echo(f"note: {notice}", err=True)
    _print(summary, place, as_json)
    return 1 if summary.num_failed else 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _print(summary: Any, place: Workspace, as_json: bool) -> None:
    if as_json:
        report = {
            "frames": str(place.frames),
            "counts": dict(summary.counts),
            "num_frames": summary.num_frames,
            "num_bytes": summary.num_bytes,
            "done_before": summary.done_before,
            "wall_s": round(summary.wall_s, 3),
            "failures": [
                {"video_id": row.video_id, "status": row.status, "detail": row.detail}
                for row in summary.failures
            ],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    print_table(("status", "videos"), sorted(summary.counts.items()))
    click.echo(
        f"{summary.num_frames:,} frames, {summary.num_bytes / 1e6:,.1f} MB in {place.frames}; "
        f"{summary.done_before:,} videos were packed before"
    )
    if summary.failures:
        click.echo("without frames:")
        some = summary.failures[:_SHOWN_FAILURES]
        print_table(("video", "status", "detail"), [(r.video_id, r.status, r.detail) for r in some])
        more = summary.num_failed - len(some)
        if more:
            click.echo(f"and {more:,} more: --json lists all")
