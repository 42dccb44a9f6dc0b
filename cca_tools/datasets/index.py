"""``index``: from a dataset on disk to the manifest that every later step starts from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import pandas as pd

from cca_tools.datasets.base import Annotations, Layout, Listing
from cca_tools.datasets.manifest import check_manifest, read_manifest, write_manifest
from cca_tools.datasets.probing import ProbeSettings
from cca_tools.datasets.registry import layout_named, subset_named
from cca_tools.datasets.report import IndexReport, count_rows, shared_groups
from cca_tools.datasets.rows import build_rows
from cca_tools.errors import CcaError, DataError, UsageError
from cca_tools.workspace import (
    DEFAULT_ROOT,
    Provenance,
    Workspace,
    read_provenance,
    remove_leftovers,
)

_LOG = logging.getLogger(__name__)


class IndexOptions(TypedDict, total=False):
    """The less usual settings of ``index``.

    Args:
        columns: For tables: our column -> the table's column.
        on_missing: ``keep`` listed videos without a file as rows (they are failures, here and
            when tagging), or ``skip`` them.
        probe: Open every file to see its streams and length.
        workers: Processes that probe, 0 for one a processor.
        timeout_s: Seconds that probing one file may take.
        progress: Show a progress bar on standard error.
        command: The command line, for the provenance.
    """

    columns: Mapping[str, str]
    on_missing: Literal["keep", "skip"]
    probe: bool
    workers: int
    timeout_s: float
    progress: bool
    command: str


@dataclass(frozen=True)
class Indexed:
    """A manifest and how it came out."""

    manifest: pd.DataFrame
    report: IndexReport


def index(
    root: str | Path,
    layout: str = "folder",
    *,
    splits: str | Path | None = None,
    split: int = 1,
    subset: str | None = None,
    workspace: str | Path = DEFAULT_ROOT,
    **options: Unpack[IndexOptions],
) -> pd.DataFrame:
    """List the videos of a dataset, look into each, and write the manifest.

    Args:
        root: The folder of the videos.
        layout: ``ucf101``, ``vggsound``, ``activitynet``, ``folder`` or ``table``.
        splits: The split lists, annotation file or table that comes with the videos.
        split: Number of the official split, where there are several.
        subset: Keep only the classes of this subset: ``ucf51``.
        workspace: The folder of the study.
        **options: See ``IndexOptions``.

    Returns:
        One row a video or segment, with the columns of ``cca_tools.datasets.manifest``.

    Raises:
        CcaError: Root or annotations cannot be used, or the workspace cannot be written.
    """
    unknown = set(options) - set(IndexOptions.__annotations__)
    if unknown:
        raise UsageError(
            f"index has no option {min(unknown)!r}",
            f"It has {', '.join(IndexOptions.__annotations__)}",
        )
    annotations = Annotations(Path(splits) if splits else None, split, options.get("columns", {}))
    chosen = layout_named(layout)(Path(root).expanduser(), annotations)
    indexed = run_index(chosen, subset, Path(workspace), options)
    if indexed.report.num_failures:
        _LOG.warning(
            "%d problems: see %s", indexed.report.num_failures, Path(workspace) / "index-report.csv"
        )
    return indexed.manifest


def run_index(
    layout: Layout, subset: str | None, folder: Path, options: IndexOptions | None = None
) -> Indexed:
    """Index a dataset into the workspace ``folder`` and report on it.

    Raises:
        CcaError: As for ``index``.
    """
    options = options or {}
    settings = _probe_settings(options)
    provenance = _provenance(layout, subset, options)
    workspace = Workspace(folder)
    listing = layout.read()
    if subset is not None:
        listing = _restricted(listing, subset)
    with workspace.lock(f"cca-tools index {layout.root}"):
        remove_leftovers(folder)
        rows = build_rows(listing, layout.media_root, settings, _keep_missing(options))
        if not rows.rows:
            raise _no_videos(layout, subset)
        manifest = check_manifest(pd.DataFrame(rows.rows), str(layout.root))
        report = IndexReport(
            layout=layout.name,
            root=layout.root,
            counts=count_rows(manifest, rows.unreadable),
            splits={str(name): int(n) for name, n in manifest["split"].value_counts().items()},
            problems=(*listing.problems, *shared_groups(manifest)),
            replaced=_describe_old(workspace),
        )
        report.write(folder)
        write_manifest(manifest, workspace.manifest)
        provenance.write(workspace.manifest)
    return Indexed(manifest, report)


def _provenance(layout: Layout, subset: str | None, options: IndexOptions) -> Provenance:
    settings = _probe_settings(options)
    parameters = {
        "layout": layout.name,
        "root": str(layout.root.resolve()),
        "split": layout.annotations.split,
        "subset": subset,
        "columns": dict(layout.annotations.columns),
        "on_missing": options.get("on_missing", "keep"),
        "probe": settings.enabled,
        "timeout_s": settings.timeout_s,
    }
    command = options.get("command", "cca_tools.index")
    return Provenance(command, parameters, layout.annotation_files())


def _keep_missing(options: IndexOptions) -> bool:
    choice = options.get("on_missing", "keep")
    if choice not in ("keep", "skip"):
        raise UsageError(f"on_missing is {choice!r}", "It must be keep or skip")
    return choice == "keep"


def _probe_settings(options: IndexOptions) -> ProbeSettings:
    return ProbeSettings(
        enabled=options.get("probe", True),
        workers=options.get("workers", 0),
        timeout_s=options.get("timeout_s", 60.0),
        progress=options.get("progress", True),
    )


def _restricted(listing: Listing, subset: str) -> Listing:
    """Keep the classes of a subset, and tell those that no video has."""
    wanted = subset_named(subset)
    found = {entry.class_name for entry in listing.entries.values()}
    kept = {name: entry for name, entry in listing.entries.items() if entry.class_name in wanted}
    fewer = Listing(kept, listing.problems)
    for class_name in wanted:
        if class_name not in found:
            fewer.tell("empty_class", class_name, f"of {subset}")
    return fewer


def _no_videos(layout: Layout, subset: str | None) -> DataError:
    among = f" of the subset {subset}" if subset else ""
    return DataError(
        f"no video{among} was found in {layout.root}",
        "Check the folder, --layout and --splits; hidden files do not count",
    )


def _describe_old(workspace: Workspace) -> str:
    try:
        old = read_manifest(workspace.manifest)
    except CcaError:
        return ""
    when = read_provenance(workspace.manifest).get("utc", "an unknown time")
    return f"a manifest of {len(old)} videos from {when}"
