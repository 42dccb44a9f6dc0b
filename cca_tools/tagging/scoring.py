"""From pieces of sound to one row a video: windows, batches, pooling, status."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cca_tools.media.audio import DecodedAudio
from cca_tools.media.guard import usable_cpus
from cca_tools.taggers.base import Scores, Tagger, Waveform
from cca_tools.tagging.decoding import Job
from cca_tools.tagging.rows import COUNTED, SILENCE_DBFS, TagRow, dbfs
from cca_tools.tagging.windows import WINDOW_S, Windower

Values = NDArray[np.float32]
BATCH_SIZES = {"cpu": 8, "cuda": 256}


@dataclass
class _Pool:
    """Running mean or maximum over windows, each weighted with its length."""

    pooling: str
    weight: float = 0.0
    probs: Values | None = None
    embedding: Values | None = None

    def add(self, probs: Values, embedding: Values, weight: float) -> None:
        if self.probs is None or self.embedding is None:
            self.probs, self.embedding, self.weight = probs, embedding, weight
            return
        self.weight += weight
        share = np.float32(weight / self.weight)
        self.embedding = self.embedding + share * (embedding - self.embedding)
        if self.pooling == "max":
            self.probs = np.maximum(self.probs, probs)
        else:
            self.probs = self.probs + share * (probs - self.probs)


@dataclass
class _Video:
    """What is known so far of one video."""

    job: Job
    windower: Windower
    pool: _Pool
    seconds: float = 0.0
    energy: float = 0.0
    peak: float = 0.0
    num_samples: int = 0
    status: str = "ok"
    details: dict[str, None] = field(default_factory=dict)
    windows_open: int = 0
    windows_seen: int = 0
    is_decoded: bool = False

    def take(self, piece: DecodedAudio) -> list[Waveform]:
        """Take the next piece and return the windows to score."""
        self.seconds += piece.seconds
        self.energy += piece.energy
        self.peak = max(self.peak, piece.peak)
        self.num_samples += piece.num_samples
        self.is_decoded = piece.next_s is None
        self._take_status(piece)
        windows = self.windower.add(piece.samples, is_last=self.is_decoded)
        if self.is_decoded and not self.windows_seen and self._is_silent():
            return []
        self.windows_open += len(windows)
        self.windows_seen += len(windows)
        return windows

    def _take_status(self, piece: DecodedAudio) -> None:
        detail = piece.detail
        if piece.status not in COUNTED and self.num_samples:
            detail = f"stopped after {self.seconds:.0f} s: {piece.status}: {detail}"
            self.status = "partial"
        elif piece.status != "ok":
            self.status = piece.status
        if detail:
            self.details[detail] = None

    def _is_silent(self) -> bool:
        return dbfs(self.peak) < SILENCE_DBFS

    def row(self) -> TagRow:
        if self.status in COUNTED and self._is_silent():
            self.status = "silent"
            self.details["no samples" if not self.num_samples else "all below -60 dBFS"] = None
        counts = self.status in COUNTED
        if counts and (self.pool.probs is None or not np.isfinite(self.pool.probs).all()):
            self.status, counts = "decode_error", False
            self.details["the scores are no numbers: the sound is damaged"] = None
        heard = self.num_samples > 0
        rms = math.sqrt(self.energy / self.num_samples) if heard else math.nan
        return TagRow(
            video_id=self.job.video_id,
            status=self.status,
            detail="; ".join(self.details),
            source=self.job.source,
            seconds=self.seconds,
            rms_dbfs=dbfs(rms) if heard else math.nan,
            peak_dbfs=dbfs(self.peak) if heard else math.nan,
            probs=self.pool.probs if counts else None,
            embedding=self.pool.embedding if counts else None,
        )


class Scorer:
    """Collects windows of many videos into batches, and gives a row for each finished video.

    On a CPU every processor scores batches of its own, one thread each: threads that share one
    batch wait for each other at every layer, which costs most when decoders run beside them.

    Args:
        tagger: Scores the windows.
        pooling: ``mean`` or ``max`` over a video's windows; embeddings are always averaged.
        batch_size: Sound scored together, in windows of 10 s; 0 chooses by device.
        emit: Called with each row, in the order videos are finished.
    """

    def __init__(
        self, tagger: Tagger, pooling: str, batch_size: int, emit: Callable[[TagRow], None]
    ) -> None:
        self._tagger, self._pooling, self._emit = tagger, pooling, emit
        is_cpu = tagger.device == "cpu"
        self.batch_size = batch_size or BATCH_SIZES["cpu" if is_cpu else "cuda"]
        self.threads = usable_cpus() if is_cpu else 2
        self._batch_samples = self.batch_size * WINDOW_S * tagger.spec.sample_rate
        self._videos: dict[str, _Video] = {}
        self._waiting: deque[tuple[_Video, Waveform]] = deque()
        self._waiting_samples = 0
        self._running: dict[Future[Scores], list[tuple[_Video, int]]] = {}

    def run(self, pieces: Iterable[tuple[Job, DecodedAudio]]) -> None:
        """Score all pieces and emit a row for every job among them."""
        with ThreadPoolExecutor(self.threads, initializer=_use_one_thread) as executor:
            for job, piece in pieces:
                self._take(job, piece)
                while self._waiting_samples >= self._batch_samples:
                    self._start_batch(executor)
            while self._waiting:
                self._start_batch(executor)
            while self._running:
                self._finish_batches()

    def _take(self, job: Job, piece: DecodedAudio) -> None:
        video = self._videos.get(job.video_id)
        if video is None:
            windower = Windower(self._tagger.spec.sample_rate)
            video = _Video(job, windower, _Pool(self._pooling))
            self._videos[job.video_id] = video
        for window in video.take(piece):
            self._waiting.append((video, window))
            self._waiting_samples += len(window)
        self._emit_if_finished(video)

    def _start_batch(self, executor: ThreadPoolExecutor) -> None:
        """Start the scoring of the windows that have waited longest; wait for a free thread."""
        while len(self._running) > self.threads:
            self._finish_batches()
        owners: list[tuple[_Video, int]] = []
        windows: list[Waveform] = []
        taken = 0
        while self._waiting and taken < self._batch_samples:
            video, window = self._waiting.popleft()
            owners.append((video, len(window)))
            windows.append(window)
            taken += len(window)
        self._waiting_samples -= taken
        self._running[executor.submit(self._score, windows)] = owners

    def _score(self, windows: Sequence[Waveform]) -> Scores:
        return self._tagger.score([self._tagger.features(window) for window in windows])

    def _finish_batches(self) -> None:
        """Wait until a batch is scored, and hand its scores to the videos."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in done:
            owners = self._running.pop(future)
            scores = future.result()
            results = zip(owners, scores.probs, scores.embeddings, strict=True)
            for (video, length), probs, embedding in results:
                video.pool.add(probs, embedding, float(length))
                video.windows_open -= 1
                self._emit_if_finished(video)

    def _emit_if_finished(self, video: _Video) -> None:
        if video.is_decoded and not video.windows_open and video.job.video_id in self._videos:
            del self._videos[video.job.video_id]
            self._emit(video.row())


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)
