"""Finding one run among several, and one video in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import pandas as pd

from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.tagging.rows import FAILED
from cca_tools.tagging.store import RunInfo, list_runs, read_row, read_tags
from cca_tools.workspace import Workspace


class Run(Protocol):
    """What a run is chosen by."""

    @property
    def name(self) -> str:
        """``TAGGER-FINGERPRINT``, the latter shortened."""

    @property
    def tagger(self) -> str:
        """The name of the tagger."""


AnyRun = TypeVar("AnyRun", bound=Run)


def choose_run(workspace: Workspace, name: str | None = None) -> RunInfo:
    """Return the tag run that ``name`` means, by default the newest; see `pick_run`.

    Raises:
        DataError: There is no tag run.
        UsageError: None of that name.
    """
    runs = list_runs(workspace.tags)
    if not runs:
        raise DataError(
            f"{workspace.tags} has no tags", f"Run `cca-tools tag-audio -w {workspace.root}` first"
        )
    return pick_run(runs, name)


def pick_run(runs: Sequence[AnyRun], wanted: str | None) -> AnyRun:
    """Return the newest run, or the newest whose name begins with ``wanted``.

    The name of a tagger means its own runs only, though another's name may begin with it.

    Args:
        runs: The newest first, at least one.
        wanted: A tagger, or the beginning of ``TAGGER-FINGERPRINT``; None means any.

    Raises:
        UsageError: No run's name begins so; the message lists what there is.
    """
    if wanted is None:
        return runs[0]
    of_tagger = [run for run in runs if run.tagger == wanted]
    fitting = of_tagger or [run for run in runs if run.name.startswith(wanted)]
    if not fitting:
        raise UsageError(
            f"no tags are called {wanted!r}",
            f"Give --tags one of {', '.join(run.name for run in runs)}, or its beginning",
        )
    return fitting[0]


def find_tags(
    workspace: Workspace, video_id: str, name: str | None = None
) -> tuple[RunInfo, Mapping[Any, Any]]:
    """Return a video's tags, and the run they are of: ``name``, or the newest that has them.

    Raises:
        DataError: There is no tag run.
        UsageError: The video is not tagged, or no run has that name.
    """
    first = choose_run(workspace, name)
    for run in [first] if name else list_runs(workspace.tags):
        row = read_row(workspace.tags, run.name, video_id)
        if row is not None:
            return run, row
    raise UsageError(
        f"{video_id} is not tagged{f' in {first.name}' if name else ''}",
        f"Run `cca-tools tag-audio -w {workspace.root}`",
    )


def failures(workspace: Workspace, name: str | None = None) -> pd.DataFrame:
    """Return the videos whose sound could not be read: video_id, status, detail, path."""
    run = choose_run(workspace, name)
    tags = read_tags(workspace.tags, run.name, ["video_id", "status", "detail"])
    failed = tags[tags["status"].isin(FAILED)]
    manifest = read_manifest(workspace.manifest)[["video_id", "path"]]
    return failed.merge(manifest, on="video_id").sort_values("video_id", ignore_index=True)


def find_video(workspace: Workspace, wanted: str) -> Mapping[Any, Any]:
    """Return the manifest's row of a video, named by its id, its path or its file name.

    Raises:
        UsageError: None or several; the message names near ones.
    """
    manifest = read_manifest(workspace.manifest)
    for matches in (
        manifest["video_id"] == wanted,
        manifest["path"] == wanted,
        manifest["path"].str.rpartition("/")[2] == wanted,
        manifest["video_id"].str.contains(wanted, regex=False),
    ):
        if matches.sum() == 1:
            return dict(manifest[matches].iloc[0])
        if matches.any():
            some = ", ".join(manifest.loc[matches, "video_id"].head(3))
            raise UsageError(f"{matches.sum()} videos are called {wanted!r}", f"Such as {some}")
    raise UsageError(
        f"no video {wanted!r} in {workspace.manifest}",
        f"Give an id such as {manifest['video_id'].iloc[0]}",
    )
