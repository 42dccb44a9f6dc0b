"""`tag_audio`: the pass over a manifest that scores the sound of every video."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Unpack

import pandas as pd

from cca_tools.media.guard import GuardedPool, usable_cpus
from cca_tools.taggers.base import Tagger
from cca_tools.taggers.registry import load_tagger
from cca_tools.tagging.decoding import decode_ahead, jobs_of
from cca_tools.tagging.heap import keep_freed_memory
from cca_tools.tagging.progress import TagProgress
from cca_tools.tagging.rows import FAILED, TagRow
from cca_tools.tagging.scoring import Scorer
from cca_tools.tagging.settings import (
    SettingsKwargs,
    TagSettings,
    differences,
    fingerprint_of,
    settings_from,
)
from cca_tools.tagging.sources import Source, as_manifest
from cca_tools.tagging.store import RunInfo, TagStore, describe_labels, list_runs, read_tags
from cca_tools.workspace import DEFAULT_ROOT, Provenance, Workspace, utc_now

log = logging.getLogger(__name__)

FLUSH_ROWS, FLUSH_S = 512, 20.0
MOST_AHEAD = 32  # pieces of up to 120 s of sound, 15 MB each, that wait for the scorer


@dataclass(frozen=True)
class TagOptions:
    """How a pass is run, besides its settings.

    Args:
        restart: Throw away the tags of the same settings and begin anew.
        retry_failed: Try the failed videos of an earlier run again.
        progress: Show a progress bar on standard error.
        command: The command line, for the provenance.
    """

    restart: bool = False
    retry_failed: bool = False
    progress: bool = True
    command: str = "cca_tools.tag_audio"


@dataclass
class TagSummary:
    """What a pass did.

    Attributes:
        run: The run's description; its ``name`` selects it for `associate`.
        counts: Status -> number of the manifest's videos, earlier ones included.
        done_before: Videos that were tagged already.
        heard_s: Seconds of sound decoded now.
        wall_s: Seconds it took.
        notices: What the user should know, such as settings that changed.
    """

    run: RunInfo
    counts: Counter[str] = field(default_factory=Counter)
    done_before: int = 0
    heard_s: float = 0.0
    wall_s: float = 0.0
    notices: list[str] = field(default_factory=list)

    @property
    def num_failed(self) -> int:
        """Number of videos whose sound could not be read."""
        return sum(self.counts[status] for status in FAILED)


def tag_audio(
    source: Source = None,
    *,
    workspace: str | Path = DEFAULT_ROOT,
    restart: bool = False,
    retry_failed: bool = False,
    progress: bool = True,
    **settings: Unpack[SettingsKwargs],
) -> pd.DataFrame:
    """Score the sound of videos with an audio tagger and keep the best audio classes of each.

    What is tagged already, with the same settings, is not tagged again.

    >>> frame = tag_audio("videos", tagger="panns-cnn14", keep=("embedding",))  # doctest: +SKIP

    Args:
        source: What to tag: None for the workspace's manifest; a manifest (frame or Parquet
            file), a folder of class folders, or media files.
        workspace: The folder of the study.
        restart: Throw away the tags of the same settings and begin anew.
        retry_failed: Try the failed videos of an earlier run again.
        progress: Show a progress bar on standard error.
        **settings: Of `TagSettings`: ``tagger``, ``top_k``, ``keep``, ``weights``, ...

    Returns:
        One row a video of the source: ``video_id``, ``class_name``, ``status``, ``seconds``,
        ``mids``, ``scores`` (descending), ``tags`` (the names of ``mids``), and what was kept.

    Raises:
        CcaError: Settings, weights, source or workspace cannot be used.
    """
    place = Workspace(Path(workspace))
    checked = settings_from(settings)
    manifest = as_manifest(source, place, progress=progress)
    options = TagOptions(restart, retry_failed, progress)
    with place.lock("tag-audio"):
        prepared = prepare(checked)
        summary = tag_manifest(manifest, place, prepared, options)
    for notice in summary.notices:
        log.warning(notice)
    return tags_frame(manifest, place, summary.run.name, prepared[0])


def tags_frame(
    manifest: pd.DataFrame, workspace: Workspace, run_name: str, tagger: Tagger
) -> pd.DataFrame:
    """Return the tags of one run for the videos of a manifest, with class and tag names."""
    tags = read_tags(workspace.tags, run_name)
    frame = manifest[["video_id", "class_name"]].merge(tags, on="video_id")
    names = dict(zip(tagger.labels.mids, tagger.labels.names, strict=True))
    frame["tags"] = frame["mids"].map(lambda mids: [names[mid] for mid in mids])
    frame.attrs["label_space"] = describe_labels(tagger.labels)
    return frame


def prepare(settings: TagSettings) -> tuple[Tagger, TagSettings]:
    """Load the tagger of checked settings."""
    tagger = load_tagger(
        settings.tagger,
        weights=settings.weights,
        device=settings.device,
        precision=settings.precision,
        labels=settings.labels,
    )
    workers = settings.workers or usable_cpus()
    return tagger, replace(settings, workers=workers)


def tag_manifest(
    manifest: pd.DataFrame,
    workspace: Workspace,
    prepared: tuple[Tagger, TagSettings],
    options: TagOptions,
) -> TagSummary:
    """Tag what is not tagged yet; the workspace's lock must be held.

    Rows reach the disk every 20 s in shards that are written whole or not at all, so that a run
    can be killed at any moment and started again.

    Args:
        manifest: One row a video.
        workspace: Where the tags go.
        prepared: The tagger and its settings, as `prepare` gives them.
        options: Restart, retry, progress, and the command line for the provenance.

    Raises:
        CcaError: The workspace cannot be written; rows already written stay.
    """
    tagger, settings = prepared
    provenance = Provenance(
        command=options.command,
        parameters=settings.__dict__,
        inputs=[workspace.manifest] if workspace.manifest.exists() else [],
        label_space=tagger.labels.hash,
    )
    summary = _start_run(workspace, tagger, settings)
    store = TagStore(workspace.tags, summary.run, tagger.labels)
    todo = _open_videos(manifest, store, summary, options)
    summary.done_before = len(manifest) - len(todo)
    _run_pass(todo, prepared, _Sink(store, summary, options.progress, len(manifest)))
    tags = read_tags(workspace.tags, summary.run.name, ["video_id", "status"])
    summary.counts = Counter(tags.loc[tags["video_id"].isin(manifest["video_id"]), "status"])
    provenance.write(workspace.tags / f"_{summary.run.name}.json")
    return summary


def _open_videos(
    manifest: pd.DataFrame, store: TagStore, summary: TagSummary, options: TagOptions
) -> pd.DataFrame:
    """Return the rows of the manifest that are to be tagged; forget what is to be tagged anew.

    Videos of the run that are not in the manifest keep their tags.
    """
    done = store.open()
    done = done[done["video_id"].isin(manifest["video_id"])]
    sources = pd.Series({job.video_id: job.source for job in jobs_of(manifest)}, dtype="str")
    changed = done["source"].to_numpy() != sources.reindex(done["video_id"]).to_numpy()
    again = changed | options.restart
    if options.retry_failed:
        again |= done["status"].isin(FAILED).to_numpy()
    if changed.any() and not options.restart:
        summary.notices.append(f"{changed.sum()} files changed since they were tagged: done anew")
    store.forget(set(done.loc[again, "video_id"]))
    return manifest[~manifest["video_id"].isin(done.loc[~again, "video_id"])]


def _start_run(workspace: Workspace, tagger: Tagger, settings: TagSettings) -> TagSummary:
    deciding = settings.deciding(tagger)
    run = RunInfo(
        tagger=settings.tagger,
        fingerprint=fingerprint_of(deciding),
        settings=deciding,
        label_space=describe_labels(tagger.labels),
        embedding_dim=tagger.spec.embedding_dim,
        started_utc=utc_now(),
        updated_utc=utc_now("milliseconds"),
    )
    earlier = list_runs(workspace.tags)
    same = [other for other in earlier if other.fingerprint == run.fingerprint]
    if same:
        return TagSummary(replace(run, started_utc=same[0].started_utc))
    summary = TagSummary(run)
    if earlier:
        changes = ", ".join(differences(deciding, earlier[0].settings))
        summary.notices.append(
            f"the settings differ from {earlier[0].name} ({changes}): "
            f"the new tags are kept apart, as {run.name}"
        )
    return summary


class _Sink:
    """Where finished rows go: to the store, in shards, and to the progress bar."""

    def __init__(self, store: TagStore, summary: TagSummary, progress: bool, total: int) -> None:
        self.store, self.summary = store, summary
        self.bar = TagProgress(total, summary.done_before, enabled=progress)
        self._flushed = time.monotonic()

    def add(self, row: TagRow) -> None:
        self.store.add(row)
        self.summary.heard_s += row.seconds
        self.bar.add(row)
        if len(self.store) >= FLUSH_ROWS or time.monotonic() - self._flushed > FLUSH_S:
            self.store.flush()
            self._flushed = time.monotonic()


def _run_pass(todo: pd.DataFrame, prepared: tuple[Tagger, TagSettings], sink: _Sink) -> None:
    tagger, settings = prepared
    started = time.monotonic()
    if tagger.device == "cpu":
        keep_freed_memory()
    scorer = Scorer(tagger, settings.pooling, settings.batch_size, sink.add)
    try:
        with sink.bar, GuardedPool(settings.workers, settings.timeout_s) as pool:
            ahead = 2 * settings.workers + min(scorer.batch_size, MOST_AHEAD)
            scorer.run(decode_ahead(pool, jobs_of(todo), tagger.spec.sample_rate, ahead))
    except BaseException:  # Ctrl-C, a full disk, a bug: what is done is kept
        sink.store.flush()
        raise
    sink.store.flush()
    sink.summary.wall_s = time.monotonic() - started
