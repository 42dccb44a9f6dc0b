"""From pieces of sound to one row a video: windows, batches, pooling, status."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cca_tools.media.audio import DecodedAudio
from cca_tools.taggers.base import Tagger, Waveform
from cca_tools.tagging.decoding import Job
from cca_tools.tagging.rows import COUNTED, SILENCE_DBFS, TagRow, dbfs
from cca_tools.tagging.windows import WINDOW_S, Windower

Values = NDArray[np.float32]
BATCH_SIZES = {"cpu": 16, "cuda": 256}


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
            seconds=self.seconds,
            rms_dbfs=dbfs(rms) if heard else math.nan,
            peak_dbfs=dbfs(self.peak) if heard else math.nan,
            probs=self.pool.probs if counts else None,
            embedding=self.pool.embedding if counts else None,
        )


class Scorer:
    """Collects windows of many videos into batches, and gives a row for each finished video.

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
        self.batch_size = batch_size or BATCH_SIZES[tagger.device.partition(":")[0]]
        self._batch_samples = self.batch_size * WINDOW_S * tagger.spec.sample_rate
        self._videos: dict[str, _Video] = {}
        self._waiting: list[tuple[_Video, Waveform]] = []
        self._waiting_samples = 0

    def run(self, pieces: Iterable[tuple[Job, DecodedAudio]]) -> None:
        """Score all pieces and emit a row for every job among them."""
        for job, piece in pieces:
            self._take(job, piece)
            while self._is_full():
                self._score()
        while self._waiting:
            self._score()

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

    def _is_full(self) -> bool:
        return self._waiting_samples >= self._batch_samples

    def _score(self) -> None:
        batch, taken = [], 0
        while self._waiting and taken < self._batch_samples:
            video, window = self._waiting.pop(0)
            batch.append((video, window))
            taken += len(window)
        self._waiting_samples -= taken
        scores = self._tagger.score([self._tagger.features(window) for _, window in batch])
        for (video, window), probs, embedding in zip(
            batch, scores.probs, scores.embeddings, strict=True
        ):
            video.pool.add(probs, embedding, float(len(window)))
            video.windows_open -= 1
            self._emit_if_finished(video)

    def _emit_if_finished(self, video: _Video) -> None:
        if video.is_decoded and not video.windows_open and video.job.video_id in self._videos:
            del self._videos[video.job.video_id]
            self._emit(video.row())
