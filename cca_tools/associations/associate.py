"""Tell what each video class of a workspace sounds like."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Unpack

import pandas as pd

from cca_tools.associations.compute import compute_associations
from cca_tools.associations.database import remove_old_databases
from cca_tools.associations.loading import Tags
from cca_tools.associations.settings import SILENT, Progress, Settings, SettingsKwargs
from cca_tools.associations.sources import (
    TagRun,
    labels_of_frame,
    labels_of_run,
    list_runs,
    stray_files,
)
from cca_tools.associations.table import Associations
from cca_tools.associations.writing import write_associations
from cca_tools.errors import UsageError
from cca_tools.reports.associations import Report, write_report
from cca_tools.tagging.lookup import pick_run
from cca_tools.workspace import Provenance, Workspace

logger = logging.getLogger(__name__)


def associate(
    workspace: str | Path = "outputs",
    *,
    manifest: str | Path | pd.DataFrame | None = None,
    tags: str | pd.DataFrame | None = None,
    levels: Mapping[str, str] | None = None,
    charts: Sequence[str] = (),
    figures: bool = True,
    **settings: Unpack[SettingsKwargs],
) -> pd.DataFrame:
    """Return how strongly each audio class goes with each video class.

    Writes ``associations.parquet``, ``associations_classes.parquet``, ``tables/`` and ``figures/``
    into the workspace, unless manifest or tags are a frame: then nothing is written.

    >>> frame = associate("outputs/ucf51", rank_by="npmi")            # doctest: +SKIP
    >>> frame = associate(manifest=index(...), tags=tag_audio(...))   # doctest: +SKIP

    Args:
        workspace: The folder of the study, where the manifest and the tags lie.
        manifest: Another manifest file, or what ``index`` returned.
        tags: A tagger, or the beginning of ``TAGGER-FINGERPRINT``; or what ``tag_audio``
            returned. Default: the newest run in the workspace.
        levels: The level of each video class (``highly``, ``weakly``, ``not``), for the tables.
        charts: Video classes to draw a bar chart of; ``all`` means every one.
        figures: Whether to draw the heat maps.
        **settings: ``top_k``, ``rank_by``, ``bootstrap``, ``permutations``, ``seed`` and
            ``collapse_parents``: see `cca_tools.associations.settings.Settings`.

    Returns:
        One row a pair that occurs, by class and rank; docs/associations.md defines the columns.

    Raises:
        UsageError: A setting out of its range, or an unknown run or class.
        DataError: A manifest or tags that are absent, damaged or contradict themselves.
        WorkspaceError: The workspace cannot be written, or another run holds it.
    """
    chosen = _settings(settings)
    report = Report(levels or {}, tuple(charts), figures)
    if isinstance(manifest, pd.DataFrame) or isinstance(tags, pd.DataFrame):
        result = _count_frames(Workspace(Path(workspace)), manifest, tags, chosen)
    else:
        source = Source(None if manifest is None else Path(manifest), tags)
        outcome = run_associate(Workspace(Path(workspace)), source, chosen, report)
        result = outcome.associations
    for notice in result.notices:
        logger.warning(notice)
    return result.pairs


def _settings(settings: SettingsKwargs) -> Settings:
    try:
        return Settings(**settings)
    except TypeError as error:
        known = ", ".join(SettingsKwargs.__annotations__)
        raise UsageError(str(error), f"Settings are {known}") from error


@dataclass(frozen=True)
class Source:
    """What to count, where it is not the workspace's manifest and newest run; and who asks."""

    manifest: Path | None = None
    run: str | None = None
    command: str = "cca_tools.associate"


@dataclass(frozen=True)
class Outcome:
    """What a count found, and the files that it wrote."""

    associations: Associations
    files: tuple[Path, ...]


def run_associate(
    workspace: Workspace,
    source: Source,
    settings: Settings,
    report: Report,
    progress: Progress = SILENT,
) -> Outcome:
    """Count the associations of a workspace and write the table, its parts and pictures.

    Raises:
        See `associate`.
    """
    provenance = Provenance(source.command, {})
    manifest = source.manifest or workspace.require(workspace.manifest, "cca-tools index")
    workspace.require(workspace.tags, "cca-tools tag-audio")
    with workspace.lock("associate"):
        remove_old_databases(workspace.root)
        runs = list_runs(workspace.tags)
        run = pick_run(runs, source.run)
        tags = Tags(run.shards, labels_of_run(run))
        result = compute_associations(
            manifest,
            tags,
            settings,
            classes=report.named_charts,
            folder=workspace.root,
            progress=progress,
        )
        result = replace(
            result,
            notices=(
                *_about_runs(workspace, run, runs),
                *result.notices,
                *report.notices(result.classes["class_name"]),
            ),
            about={"tags": run.name, **result.about},
        )
        provenance.parameters = asdict(settings) | asdict(report) | result.about
        provenance.inputs = [manifest, *run.shards]
        provenance.label_space = tags.labels.hash
        written = write_associations(result, workspace, provenance)
        drawn = write_report(result, workspace, report)
    return Outcome(result, (*written, *drawn))


def _about_runs(workspace: Workspace, chosen: TagRun, runs: Sequence[TagRun]) -> list[str]:
    notices = []
    others = [run.name for run in runs if run != chosen]
    if others:
        notices.append(
            f"counted are the tags {chosen.name}; there are also {', '.join(others)} "
            "(choose with --tags)"
        )
    strays = stray_files(workspace.tags)
    if strays:
        listed = ", ".join(path.name for path in strays[:3])
        notices.append(f"{len(strays)} files in {workspace.tags} are no shards: {listed}")
    return notices


def _count_frames(
    workspace: Workspace,
    manifest: str | Path | pd.DataFrame | None,
    tags: str | pd.DataFrame | None,
    settings: Settings,
) -> Associations:
    videos = (
        manifest if isinstance(manifest, pd.DataFrame) else Path(manifest or workspace.manifest)
    )
    if isinstance(tags, pd.DataFrame):
        return compute_associations(videos, Tags(tags, labels_of_frame(tags)), settings)
    run = pick_run(list_runs(workspace.require(workspace.tags, "cca-tools tag-audio")), tags)
    return compute_associations(videos, Tags(run.shards, labels_of_run(run)), settings)
