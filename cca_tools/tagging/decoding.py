"""Decoding ahead of scoring: pieces of sound in the order they are ready."""

from __future__ import annotations

import math
import queue
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.datasets.manifest import video_path
from cca_tools.media.audio import DecodedAudio, Span, decode_audio
from cca_tools.media.guard import GuardedPool, Outcome


@dataclass(frozen=True)
class Job:
    """One video to tag: where it lies, which part of it is meant, and which file it was then."""

    video_id: str
    path: str
    span: Span
    source: str = ""


def source_of(path: Path, span: Span) -> str:
    """Return size, time of change and part: what differs when an id means another sound.

    The folder is left out, so that a dataset can be moved.
    """
    try:
        about = path.stat()
        file = f"{about.st_size}-{about.st_mtime_ns}"
    except (OSError, ValueError):
        file = "missing"
    return f"{file}@{span.start_s:g}-{span.end_s or 0:g}"


def jobs_of(manifest: pd.DataFrame) -> Iterator[Job]:
    """Yield the jobs of a manifest's rows, in their order."""
    columns = ["video_id", "root", "path", "start_s", "end_s"]
    for values in manifest[columns].itertuples(index=False, name=None):
        row = dict(zip(columns, values, strict=True))
        path, span = video_path(row), span_of(row)
        yield Job(row["video_id"], str(path), span, source_of(path, span))


def span_of(row: Mapping[Any, Any]) -> Span:
    """Return the part of the file that a manifest's row means."""
    start_s, end_s = float(row["start_s"]), float(row["end_s"])
    return Span(
        start_s=0.0 if math.isnan(start_s) else start_s,
        end_s=None if math.isnan(end_s) else end_s,
    )


def decode_ahead(
    pool: GuardedPool, jobs: Iterable[Job], sample_rate: int, ahead: int
) -> Iterator[tuple[Job, DecodedAudio]]:
    """Yield the sound of every job, piece by piece, as it becomes ready.

    A job's pieces come in order; its last one has no ``next_s``. Crashes, time-outs and damage
    come as a last piece with that status.

    Args:
        pool: Decodes in processes that may die.
        jobs: Read lazily.
        sample_rate: Wanted rate, in Hz.
        ahead: Pieces in flight at once, those waiting to be taken included.
    """
    ended: queue.SimpleQueue[tuple[Job, Future[Outcome[DecodedAudio]]]] = queue.SimpleQueue()
    source = iter(jobs)
    in_flight = 0

    def submit(job: Job, span: Span) -> None:
        future = pool.submit(decode_audio, job.path, sample_rate, span)
        future.add_done_callback(lambda done: ended.put((job, done)))

    while True:
        while in_flight < ahead and (job := next(source, None)) is not None:
            submit(job, job.span)
            in_flight += 1
        if not in_flight:
            return
        job, future = ended.get()
        piece = _piece(future.result())
        if piece.next_s is None:
            in_flight -= 1
        else:
            submit(job, Span(piece.next_s, job.span.end_s, job.span.max_s))
        yield job, piece


def _piece(outcome: Outcome[DecodedAudio]) -> DecodedAudio:
    if outcome.value is not None:
        return outcome.value
    return DecodedAudio(status=outcome.failure or "decode_error", detail=outcome.detail)
