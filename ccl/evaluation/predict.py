"""Run a student over videos, on one rank or several, and average over the clips of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from torch import Tensor

from ccl.evaluation.predictions import Predictions
from ccl.evaluation.recognition import topk_hits
from ccl.models.student import VideoStudent
from ccl.numerics import widen


class ClipBatch(Protocol):
    """Some clips: what `predict` uses of a batch."""

    @property
    def clips(self) -> Tensor:
        """(B, 3, T, H, W), normalised, on the student's device."""

    @property
    def index(self) -> Tensor:
        """(B,) which video of the table each clip is of; several clips may be of one."""


class Videos(Protocol):
    """The videos of a split: what `predict` uses of a table of them."""

    @property
    def video_ids(self) -> Sequence[str]:
        """(N,) their ids."""

    @property
    def targets(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """(N,) the position of their classes."""

    @property
    def groups(self) -> Sequence[str]:
        """(N,) the recordings they are cut from."""


def predict(
    student: VideoStudent,
    batches: Iterable[ClipBatch],
    videos: Videos,
    classes: Sequence[str],
    split: str,
) -> Predictions:
    """Return what a student says of each video: its softmax and embedding, meant over its clips.

    Under ``torch.distributed`` each rank brings its own part of the clips, and every rank gets
    all of the result. The student is in evaluation mode meanwhile and keeps no trace of it.

    Args:
        student: From clips to a ``Prediction``.
        batches: The clips, each once over all ranks.
        videos: N videos, which ``index`` counts.
        classes: The C classes, in the order of the student's outputs.
        split: The name of the split, for the table.

    Returns:
        A row a video, in the order of ``videos``; a video of which no clip came is not there.
    """
    sums = _add_up(student, batches, videos, len(classes))
    clips = sums[:, 0].numpy()
    there = np.flatnonzero(clips)
    means = sums[there].numpy() / clips[there, None]
    targets = np.asarray(videos.targets)[there]
    table = pd.DataFrame(
        {
            "video_id": np.asarray(videos.video_ids, dtype=object)[there],
            "class_name": np.asarray(classes, dtype=object)[targets],
            "split": split,
            "group": np.asarray(videos.groups, dtype=object)[there],
            "target": targets,
            "clips": clips[there].astype(np.int64),
            "clip_top1": means[:, 1].astype(np.float64),
            "clip_top5": means[:, 2].astype(np.float64),
        }
    )
    ends = 3 + len(classes)
    return Predictions(tuple(classes), table, means[:, 3:ends], means[:, ends:])


def _add_up(
    student: VideoStudent, batches: Iterable[ClipBatch], videos: Videos, num_classes: int
) -> Tensor:
    """Return (N, 3 + C + D): clips, those right among 1 and 5, sums of softmax and embedding."""
    targets = torch.as_tensor(np.asarray(videos.targets))
    sums = torch.zeros(len(targets), 3 + num_classes + student.width)
    with _evaluating(student):
        for batch in batches:
            index = batch.index.cpu()
            said = student(batch.clips)
            logits, embedding = (widen(x).float().cpu() for x in (said.logits, said.embedding))
            own = targets[index].numpy()
            hits = [torch.as_tensor(topk_hits(logits.numpy(), own, k)).float() for k in (1, 5)]
            ones = torch.ones(len(index))
            rows = torch.stack([ones, *hits], dim=1)
            sums.index_add_(0, index, torch.cat([rows, logits.softmax(dim=1), embedding], dim=1))
    return _over_ranks(sums, student)


def _over_ranks(sums: Tensor, student: VideoStudent) -> Tensor:
    if not (dist.is_available() and dist.is_initialized()):
        return sums
    device = next(student.parameters()).device  # NCCL reduces on its device only
    if dist.get_backend() == dist.Backend.GLOO:
        device = torch.device("cpu")
    total = sums.to(device)
    dist.all_reduce(total)
    return total.cpu()


@contextmanager
def _evaluating(student: VideoStudent) -> Iterator[None]:
    before = student.training
    student.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        student.train(before)
