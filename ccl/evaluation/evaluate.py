"""Evaluate a student on a study's videos, and write what came out beside its run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch.distributed as dist

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Provenance
from ccl.data.batches import Batch, EvalBatches
from ccl.data.settings import DataSettings
from ccl.data.study import Study, VideoTable
from ccl.evaluation.confusion_picture import draw_confusion
from ccl.evaluation.exact import exact_products
from ccl.evaluation.pictures import save_picture
from ccl.evaluation.predict import predict
from ccl.evaluation.predictions import Predictions, write_predictions
from ccl.evaluation.recognition import confusion
from ccl.evaluation.report import write_evaluation
from ccl.evaluation.summary import Evaluation, Intervals, summarise
from ccl.evaluation.tsne_picture import draw_embeddings
from ccl.models.registry import StudentSpec
from ccl.models.student import VideoStudent

Watch = Callable[[EvalBatches, str], Iterable[Batch]]

GALLERY = "train"
SPLITS = ("test", "val")


def unwatched(batches: EvalBatches, split: str) -> Iterable[Batch]:
    """Hand the batches on."""
    return batches


@dataclass(frozen=True)
class EvaluationSettings:
    """How a student is evaluated.

    Args:
        split: Whose videos are asked about, ``test`` or ``val``; the gallery is ``train``.
        data: How clips are cut: those of the run.
        intervals: How intervals are drawn.
        device: Where the student is.
        levels: Level of correspondence by class, for the strata.
    """

    split: str = "test"
    data: DataSettings = field(default_factory=DataSettings)
    intervals: Intervals = field(default_factory=Intervals)
    device: str = "cpu"
    levels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"no split {self.split!r} to evaluate on", "Give test or val")


def evaluate_student(
    student: VideoStudent,
    spec: StudentSpec,
    study: Study,
    settings: EvaluationSettings,
    watch: Watch = unwatched,
) -> tuple[Predictions, Evaluation]:
    """Return what a student says of the queries and the gallery, and how good that is.

    Under ``torch.distributed`` every rank must call it; each reads its part of the videos, and
    each gets the whole result. The student runs in full float32, whatever it was trained in.

    Args:
        student: On ``settings.device``; it keeps its mode and its state.
        spec: What the student is made for.
        study: Its ``train`` and the split asked about are read.
        settings: How to evaluate.
        watch: Told of the batches of each split; it hands them on, and may show a bar.

    Returns:
        The predictions of both splits, first those of the queries, and the evaluation.

    Raises:
        DataError: The split has no video, or none that can be read.
    """
    tables = {settings.split: getattr(study, settings.split), GALLERY: study.train}
    _require_videos(study, settings.split)
    ranks = (dist.get_rank(), dist.get_world_size()) if _is_distributed() else (0, 1)
    parts, notices = [], []
    for split, table in tables.items():
        batches = EvalBatches(
            table, study.store, spec, settings.data, device=settings.device, ranks=ranks
        )
        with exact_products():
            part = predict(student, watch(batches, split), table, study.classes, split)
        _check(part, table, settings.data.clips_per_video)
        parts.append(part)
        if len(part) < len(table):
            notices.append(f"{len(table) - len(part)} {split} videos gave no clip: left out")
    queries, gallery = parts
    if not len(queries):
        raise DataError(f"no {settings.split} video could be read", "Run `cca-tools prepare`")
    result = summarise(queries, gallery, settings.levels, settings.intervals, settings.device)
    return _joined(parts), replace(result, notices=(*notices, *result.notices))


def _require_videos(study: Study, split: str) -> None:
    if not len(getattr(study, split)):
        others = [other for other in SPLITS if len(getattr(study, other))]
        instead = f", or evaluate with --split {others[0]}" if others else ""
        raise DataError(
            f"there are no {split} videos of the run's {len(study.classes)} classes",
            f"Give a manifest that has some{instead}",
        )


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized()


def _check(part: Predictions, table: VideoTable, clips_per_video: int) -> None:
    most = int(part.videos["clips"].max()) if len(part) else 0
    assert most <= clips_per_video, f"a video of {len(table)} was read {most} times"


def _joined(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(
        parts[0].classes,
        pd.concat([part.videos for part in parts], ignore_index=True),
        np.concatenate([part.probs for part in parts]),
        np.concatenate([part.embeddings for part in parts]),
    )


@dataclass(frozen=True)
class Place:
    """Where an evaluation is written, and what it was made of.

    Args:
        folder: Of the run.
        command: The command line, or the name of the call.
        inputs: Manifest, splits, frames, configuration and checkpoint: files that are there.
        pictures: Whether to draw confusion matrix and embeddings.
    """

    folder: Path
    command: str
    inputs: tuple[Path, ...]
    pictures: bool = True


def write_results(
    predictions: Predictions, evaluation: Evaluation, settings: EvaluationSettings, place: Place
) -> tuple[Path, ...]:
    """Write predictions, tables and pictures into the run's folder and return their paths.

    Files of the test split are called ``predictions.parquet``, ``evaluation.json``,
    ``evaluation.md``, ``confusion.png`` and ``embeddings.png``; those of another have its name
    behind theirs, as in ``evaluation-val.json``. Predictions and JSON get a sidecar.
    """
    suffix = "" if settings.split == "test" else f"-{settings.split}"
    parameters: dict[str, Any] = {
        "split": settings.split,
        "data": asdict(settings.data),
        "intervals": asdict(settings.intervals),
        "device": settings.device,
    }
    provenance = Provenance(place.command, parameters, place.inputs)
    paths = [place.folder / f"predictions{suffix}.parquet"]
    write_predictions(predictions, paths[0])
    provenance.write(paths[0])
    paths += write_evaluation(evaluation, place.folder / f"evaluation{suffix}")
    provenance.write(paths[1])
    if place.pictures:
        paths += _draw(predictions.of_split(settings.split), settings, place.folder, suffix)
    return tuple(paths)


def _draw(
    videos: Predictions, settings: EvaluationSettings, folder: Path, suffix: str
) -> list[Path]:
    counts = confusion(videos.probs, videos.videos["target"].to_numpy())
    about = f"{len(videos)} {settings.split} videos"
    matrix = draw_confusion(counts, videos.classes, f"Confusion, {about}")
    paths = [save_picture(matrix, folder / f"confusion{suffix}.png")]
    title = f"Embeddings of {about} by t-SNE"
    plane = draw_embeddings(videos, settings.levels, title, settings.intervals.seed)
    if plane is not None:
        paths.append(save_picture(plane, folder / f"embeddings{suffix}.png"))
    return paths
