"""``cca-tools tag-audio``: score the sound of every video."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cca_tools.cli.options import command_line, json_option, workspace_option
from cca_tools.errors import UsageError
from cca_tools.tagging.rows import FAILED, STATUSES
from cca_tools.tagging.settings import KEEPABLE, POOLINGS, TagSettings
from cca_tools.workspace import Workspace


class WholeOrAuto(click.ParamType[int]):
    """A whole number, or ``auto`` for 0."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number that ``value`` means."""
        if value == "auto":
            return 0
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a whole number nor auto", param, ctx)
        if number < 1:
            self.fail(f"must be at least 1 or auto, got {number}", param, ctx)
        return number


def _keep(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


@click.command(name="tag-audio")
@click.argument("videos", nargs=-1, type=click.Path(path_type=Path))
@workspace_option
@click.option(
    "--tagger",
    default="yamnet",
    show_default=True,
    help="The audio network; `cca-tools taggers` lists them.",
)
@click.option("--top-k", default=10, show_default=True, help="Audio classes to keep a video.")
@click.option(
    "--keep",
    callback=_keep,
    default="",
    metavar="WHAT[,WHAT]",
    help=f"Keep more than the top: any of {', '.join(KEEPABLE)}.",
)
@click.option(
    "--pooling",
    type=click.Choice(POOLINGS),
    default="mean",
    show_default=True,
    help="Over the 10 s windows of clips longer than 30 s.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Use this file as the weights.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Label table (CSV: mid,name) of weights with classes of their own.",
)
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu or cuda."
)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True)
@click.option(
    "--batch-size",
    type=WholeOrAuto(),
    default="auto",
    show_default=True,
    help="Sound scored together, in windows of 10 s.",
)
@click.option(
    "--workers",
    type=WholeOrAuto(),
    default="auto",
    show_default=True,
    help="Processes that decode.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For decoding one piece (up to 120 s of sound) of one video.",
)
@click.option(
    "--resume/--restart", default=True, help="Go on where a run ended (default), or begin anew."
)
@click.option("--retry-failed", is_flag=True, help="Try failed videos again.")
@json_option
def tag_audio_command(videos: tuple[Path, ...], workspace: Path, **options: Any) -> int:
    r"""Score the sound of every video with an audio tagger.

    VIDEOS is nothing (the workspace's manifest), a manifest, a folder of class folders, or media
    files. A run that was stopped or killed goes on where it ended. Exit code 1 means that some
    videos could not be read: `cca-tools tags failures` lists them.

    \b
    Examples:
      cca-tools tag-audio
      cca-tools tag-audio --tagger panns-cnn14 --keep scores,embedding
      cca-tools tag-audio dog.mp4 -- -name-with-dash.mp4
    """
    from cca_tools.tagging import run, sources

    signal.signal(signal.SIGTERM, _interrupt)
    place = Workspace(workspace)
    as_json, resume = options.pop("as_json"), options.pop("resume")
    how = run.TagOptions(
        restart=not resume,
        retry_failed=options.pop("retry_failed"),
        command=command_line(),
    )
    settings = TagSettings(**options)
    for path in videos:
        if not _is_there(path):
            raise UsageError(f"{path} is not there", "Check the name")
    manifest = sources.as_manifest(list(videos) or None, place)
    with place.lock(command_line()):
        try:
            summary = run.tag_manifest(manifest, place, run.prepare(settings), how)
        except KeyboardInterrupt:
            click.echo("stopped; what is tagged is kept: run the same command to go on", err=True)
            return 130
    for notice in summary.notices:
        click.echo(f"note: {notice}", err=True)
    click.echo(_as_json(summary, place) if as_json else _as_text(summary, place))
    return 1 if summary.num_failed else 0


def _is_there(path: Path) -> bool:
    """Tell whether there is anything of this name, though it may not be readable."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _as_json(summary: Any, place: Workspace) -> str:
    report = {
        "run": summary.run.name,
        "tags": str(place.tags),
        "counts": {status: summary.counts[status] for status in STATUSES},
        "done_before": summary.done_before,
        "heard_s": round(summary.heard_s, 3),
        "wall_s": round(summary.wall_s, 3),
    }
    return json.dumps(report, indent=2)


def _as_text(summary: Any, place: Workspace) -> str:
    console = Console()
    table = Table("status", "videos", title=f"{summary.run.name}", title_justify="left")
    table.columns[1].justify = "right"
    for status in STATUSES:
        if summary.counts[status]:
            style = "red" if status in FAILED else None
            table.add_row(status, str(summary.counts[status]), style=style)
    with console.capture() as capture:
        console.print(table)
    lines = [capture.get().rstrip()]
    if summary.done_before:
        lines.append(f"{_videos(summary.done_before, 'was', 'were')} tagged before")
    if summary.heard_s:
        rate = summary.heard_s / max(summary.wall_s, 1e-9)
        lines.append(
            f"{summary.heard_s / 3600:.2f} h of sound in {summary.wall_s:.0f} s: "
            f"{rate:.0f} h an hour"
        )
    lines.append(f"tags: {place.tags}/{summary.run.name}-*.parquet")
    if summary.num_failed:
        lines.append(
            f"{_videos(summary.num_failed)} failed: `cca-tools tags failures -w {place.root}`"
        )
    return "\n".join(lines)


def _videos(count: int, one: str = "", more: str = "") -> str:
    return f"{count} video {one}".rstrip() if count == 1 else f"{count} videos {more}".rstrip()
