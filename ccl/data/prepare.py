"""The pass over a manifest that packs the frames of every video."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from cca_tools.datasets.manifest import video_path
from cca_tools.media.audio import Span
from cca_tools.media.frames import FrameSampling, PackedFrames, PackTask, run_pack_task
from cca_tools.media.guard import GuardedPool, Outcome, usable_cpus
from cca_tools.workspace import TEMP_PREFIX, Provenance, Workspace, remove_leftovers
from ccl.data.pack import PackRow, PackWriter, find_damaged, index_path, remove_pack

FAILED = ("no_video_stream", "decode_error", "decoder_crash", "timeout", "missing_file")
STATUSES = ("ok", "partial", *FAILED)
# measured on real clips: a picture of 128 x 171 at quality 90 takes some 8 kB
_BYTES_PER_PIXEL = 0.36
_USUAL_FPS, _USUAL_ASPECT = 27.0, 4 / 3


@dataclass(frozen=True)
class PrepareOptions:
    """How a pass is run, besides the sampling of frames.

    Args:
        workers: Processes that decode, 0 for one a processor.
        timeout_s: Seconds that one video may take.
        restart: Throw away what is packed and begin anew.
        retry_failed: Try videos that failed again.
        verify: Compare every packed video with its checksum, and pack damaged ones anew.
        progress: Show a progress bar on standard error.
        command: The command line, for the provenance.
    """

    workers: int = 0
    timeout_s: float = 600.0
    restart: bool = False
    retry_failed: bool = False
    verify: bool = False
    progress: bool = True
    command: str = "ccl.data.prepare"


@dataclass
class PrepareSummary:
    """What a pass did.

    Attributes:
        counts: Status -> number of the manifest's videos, earlier ones included.
        num_frames: Pictures of the manifest's videos.
        num_bytes: Of them on disk.
        done_before: Videos that were packed already.
        wall_s: Seconds it took.
        notices: What the user should know.
        failures: The manifest's videos without frames.
    """

    counts: Counter[str] = field(default_factory=Counter)
    num_frames: int = 0
    num_bytes: int = 0
    done_before: int = 0
    wall_s: float = 0.0
    notices: list[str] = field(default_factory=list)
    failures: list[PackRow] = field(default_factory=list)

    @property
    def num_failed(self) -> int:
        """Number of videos without frames."""
        return len(self.failures)


@dataclass(frozen=True)
class _Job:
    """One video to pack."""

    video_id: str
    source: str
    task: PackTask


def estimate_bytes(manifest: pd.DataFrame, sampling: FrameSampling) -> int:
    """Return about how many bytes the frames of a manifest take; videos of unknown length none.

    It supposes 27 frames a second and pictures of 4:3; real ones may take half or twice that.
    """
    start_s = manifest["start_s"].fillna(0.0)
    end_s = manifest["end_s"].fillna(manifest["duration_s"])
    fps = min(_USUAL_FPS, sampling.fps or math.inf) / sampling.stride
    frames = ((end_s - start_s).clip(lower=0).fillna(0.0) * fps).round()
    if sampling.max_frames:
        frames = frames.clip(upper=sampling.max_frames)
    pixels = sampling.short_side**2 * _USUAL_ASPECT
    return int(frames.sum() * pixels * _BYTES_PER_PIXEL)


def prepare_frames(
    manifest: pd.DataFrame, workspace: Workspace, sampling: FrameSampling, options: PrepareOptions
) -> PrepareSummary:
    """Pack the frames of all videos that are not packed yet; the workspace's lock must be held.

    Every finished video is on disk at once, so the pass can be killed at any moment and started
    again. Bad videos get a status and never stop it.

    Args:
        manifest: One row a video or segment.
        workspace: Where the frames go.
        sampling: Which frames are kept, and how; one pack has one sampling.
        options: How to go about it.

    Raises:
        UsageError: The pack was sampled otherwise.
        WorkspaceError: The workspace cannot be written; what is packed stays.
    """
    started = time.monotonic()
    provenance = Provenance(options.command, asdict(sampling), [workspace.manifest])
    if options.restart:
        remove_pack(workspace.frames)
    writer = PackWriter(workspace.frames, sampling)
    summary = PrepareSummary()
    if options.verify:
        _drop_damaged(writer, summary)
    jobs = _open_jobs(manifest, writer, sampling, options, summary)
    _warn_of_space(manifest, jobs, workspace, sampling, summary)
    try:
        _pack_all(jobs, writer, options, summary)
    finally:
        remove_leftovers(workspace.frames)
    rows = [writer.rows[video_id] for video_id in manifest["video_id"]]
    summary.counts = Counter(row.status for row in rows)
    summary.failures = [row for row in rows if not row.is_usable]
    summary.num_frames = sum(row.num_frames for row in rows if row.is_usable)
    summary.num_bytes = sum(row.num_bytes for row in rows if row.is_usable)
    provenance.write(index_path(workspace.frames))
    summary.wall_s = time.monotonic() - started
    return summary


def _drop_damaged(writer: PackWriter, summary: PrepareSummary) -> None:
    usable = [row for row in writer.rows.values() if row.is_usable]
    damaged = find_damaged(writer.folder, usable)
    writer.drop(damaged)
    summary.notices.append(
        f"{len(usable):,} packed videos were compared with their checksums, "
        f"{len(damaged):,} were damaged{': packed anew' if damaged else ''}"
    )


def _open_jobs(
    manifest: pd.DataFrame,
    writer: PackWriter,
    sampling: FrameSampling,
    options: PrepareOptions,
    summary: PrepareSummary,
) -> list[_Job]:
    """Return what is still to do; videos whose file changed are to do again."""
    jobs, changed = [], 0
    columns = ["video_id", "root", "path", "start_s", "end_s"]
    for number, values in enumerate(manifest[columns].itertuples(index=False, name=None)):
        row = dict(zip(columns, values, strict=True))
        target = str(writer.folder / f"{TEMP_PREFIX}{number}")
        job = _job_of(row, target, sampling)
        done = writer.rows.get(job.video_id)
        if done is not None and done.source == job.source:
            if done.is_usable or not options.retry_failed:
                continue
        elif done is not None:
            changed += 1
        jobs.append(job)
    if changed:
        summary.notices.append(f"{changed:,} files changed since they were packed: done anew")
    summary.done_before = len(manifest) - len(jobs)
    return jobs


def _job_of(row: Mapping[str, Any], target: str, sampling: FrameSampling) -> _Job:
    start_s, end_s = float(row["start_s"]), float(row["end_s"])
    span = Span(0.0 if math.isnan(start_s) else start_s, None if math.isnan(end_s) else end_s)
    path = video_path(row)
    try:
        about = path.stat()
        file = f"{about.st_size}-{about.st_mtime_ns}"
    except (OSError, ValueError):
        file = "missing"
    source = f"{file}@{span.start_s:g}-{span.end_s or 0:g}"
    return _Job(str(row["video_id"]), source, PackTask(str(path), target, span, sampling))


def _warn_of_space(
    manifest: pd.DataFrame,
    jobs: list[_Job],
    workspace: Workspace,
    sampling: FrameSampling,
    summary: PrepareSummary,
) -> None:
    todo = manifest["video_id"].isin({job.video_id for job in jobs})
    needed = estimate_bytes(manifest[todo], sampling)
    free = shutil.disk_usage(workspace.frames).free
    if jobs:
        summary.notices.append(
            f"{len(jobs):,} videos to pack: about {needed / 1e9:.3g} GB, "
            f"{free / 1e9:.3g} GB are free"
        )
    if needed > free:
        summary.notices.append("the disk may become full: pack fewer frames by --fps or --stride")


def _pack_all(
    jobs: list[_Job], writer: PackWriter, options: PrepareOptions, summary: PrepareSummary
) -> None:
    counts: Counter[str] = Counter()
    num_bytes = 0
    bar = tqdm(
        total=len(jobs) + summary.done_before,
        initial=summary.done_before,
        desc="prepare",
        unit=" videos",
        file=sys.stderr,
        disable=None if options.progress else True,  # None: only on a terminal
        mininterval=0.5,
    )
    with bar, GuardedPool(options.workers or usable_cpus(), options.timeout_s) as pool:
        by_target = {job.task.target: job for job in jobs}
        for task, outcome in pool.map_unordered(run_pack_task, [job.task for job in jobs]):
            row = writer.add(_row_of(by_target[task.target], outcome), Path(task.target))
            Path(task.target).unlink(missing_ok=True)
            counts[row.status] += 1
            num_bytes += row.num_bytes
            total = num_bytes / max(1, sum(counts.values())) * len(jobs)
            shown = ", ".join(f"{name} {counts[name]}" for name in STATUSES if counts[name])
            bar.set_postfix_str(f"{num_bytes / 1e9:.2f} of {total / 1e9:.2f} GB, {shown}", False)
            bar.update()


def _row_of(job: _Job, outcome: Outcome[PackedFrames]) -> PackRow:
    packed = outcome.value
    if packed is None:
        status = outcome.failure or "decode_error"
        return PackRow(job.video_id, status, outcome.detail, job.source)
    return PackRow(job.video_id, source=job.source, **asdict(packed))
