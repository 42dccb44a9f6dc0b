"""Everything that a run computes with, built from its configuration and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor
from torch.optim import SGD

from ccl.data.batches import Batch, EvalBatches, TrainBatches
from ccl.data.study import Study
from ccl.methods.base import Given, Method, Setup
from ccl.methods.registry import build_method
from ccl.models.prediction import Prediction
from ccl.models.registry import build_student, student_spec
from ccl.models.student import VideoStudent
from ccl.models.teachers import load_image_teacher
from ccl.training.checks import check_run, check_smallest_batch
from ccl.training.config import Precision, TrainConfig
from ccl.training.optimiser import build_optimiser, clip_gradients
from ccl.training.ranks import Ranks
from ccl.training.totals import Totals
from ccl.training.weights import student_weights

IMAGE = "image"
Frames = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ImageTeacher:
    """A frozen network of pictures.

    Args:
        embed: From (B, 3, H, W) to (B, width).
        width: Of its embedding.
    """

    embed: Frames
    width: int


@dataclass
class Job:
    """The parts of a run on one rank.

    Args:
        config: All settings.
        study: The data.
        ranks: This process among others.
        student: The network; its state is saved.
        forward: The same, as it is called: compiled or not.
        method: Objective and heads.
        optimiser: Over both.
        batches: Of training.
        image_teacher: Where images are distilled.
        validation: Of the videos held out, read from the cache of training.
    """

    config: TrainConfig
    study: Study
    ranks: Ranks
    student: VideoStudent
    forward: Callable[[Tensor], Prediction]
    method: Method
    optimiser: SGD
    batches: TrainBatches
    image_teacher: ImageTeacher | None
    validation: EvalBatches

    def step(self, batch: Batch, generator: Generator, totals: Totals) -> None:
        """Learn from one batch: one forward pass, one objective, one backward pass."""
        with autocast(self.config.run.precision, self.ranks.device):
            local = self.forward(batch.clips)
        teachers = batch.teachers
        if self.image_teacher is not None and batch.frames is not None:
            teachers = teachers | {IMAGE: self.image_teacher.embed(batch.frames)}
        given = Given(batch.targets, batch.index, teachers, batch.present)
        video, given = self.ranks.gather(local, given, batch.global_size)
        objective = self.method.objective(video, given, generator)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(objective.total)
        self.ranks.average_gradients([*self.student.parameters(), *self.method.parameters()])
        clip_gradients(self.optimiser, self.config.optim.clip_norm)
        self.optimiser.step()
        totals.add(video, given.targets, objective)


def build_networks(
    config: TrainConfig, study: Study, device: torch.device, image_width: int | None = None
) -> tuple[VideoStudent, Method]:
    """Build student and method on the CPU, all from ``config.seed``.

    Args:
        config: All settings.
        study: The data; its teachers are those that ``config.data.distill`` names.
        device: Where they are going to be trained.
        image_width: Of the image teacher's embedding, where images are distilled.

    Raises:
        CcaError: What training refuses: settings that do not go together, with the data, or with
            the device; weights that are absent or do not fit; a method without data for it.
    """
    check_run(config, study, device)
    spec = student_spec(config.student.name)
    weights = student_weights(config)
    student = build_student(spec.name, len(study.classes), seed=config.seed, weights=weights)
    check_smallest_batch(student, spec, config.data, len(study.train))
    return student, build_method(config.method, setup_of(config, study, spec.width, image_width))


def build_job(
    config: TrainConfig, study: Study, ranks: Ranks, image_teacher: ImageTeacher | None = None
) -> Job:
    """Build the parts, all from ``config.seed``.

    Args:
        config: All settings.
        study: The data; its teachers are those that ``config.data.distill`` names.
        ranks: This process among others.
        image_teacher: Where images are distilled.

    Raises:
        CcaError: What the networks, the method or the batches refuse.
    """
    spec = student_spec(config.student.name)
    width = image_teacher.width if image_teacher is not None else None
    built, method = build_networks(config, study, ranks.device, width)
    layout = torch.channels_last_3d if config.run.channels_last else torch.preserve_format
    placed = built.to(ranks.device, memory_format=layout)  # type: ignore[call-overload]
    student = cast(VideoStudent, ranks.prepare(placed))
    method.to(ranks.device)
    batches = TrainBatches(
        study, spec, config.data, device=ranks.device, rank=ranks.rank, world=ranks.world
    )
    validation = EvalBatches(
        study.val,
        study.store,
        spec,
        replace(config.data, clips_per_video=config.run.val_clips),
        device=ranks.device,
        ranks=(ranks.rank, ranks.world),
    )
    return Job(
        config,
        study,
        ranks,
        student,
        torch.compile(student) if config.run.compile else student,
        method,
        build_optimiser(student, method, config.optim),
        batches,
        image_teacher,
        validation.read_by(batches.reader),
    )


def open_image_teacher(config: TrainConfig, device: torch.device) -> ImageTeacher | None:
    """Return the image teacher, if there is to be one.

    Raises:
        CcaError: There is none of that name, or its weights cannot be had.
    """
    if IMAGE not in config.data.distill:
        return None
    teacher = load_image_teacher(config.data.image_teacher, seed=config.seed).to(device)
    return ImageTeacher(teacher, teacher.width)


def setup_of(config: TrainConfig, study: Study, width: int, image_width: int | None) -> Setup:
    """Return what the method has to know of a study."""
    widths = {name: teacher.width for name, teacher in study.teachers.items()}
    if image_width is not None:
        widths[IMAGE] = image_width
    rows = study.train.rows
    return Setup(
        width,
        torch.from_numpy(study.train.targets),
        len(study.classes),
        {name: widths[name] for name in config.data.distill},
        {name: torch.from_numpy(t.present[rows]) for name, t in study.teachers.items()},
        config.seed,
    )


@contextmanager
def autocast(precision: Precision, device: torch.device) -> Iterator[None]:
    """Let what is computed within the block have the precision that was chosen."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


@contextmanager
def products(precision: Precision) -> Iterator[None]:
    """Allow products in TF32 within the block if chosen, and forbid them if not."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision != "fp32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def step_seed(seed: int, epoch: int, step: int) -> int:
    """Return the seed of one step: with it, a step depends on nothing drawn before.

    >>> step_seed(0, 1, 2) == step_seed(0, 1, 2), step_seed(0, 1, 2) == step_seed(0, 2, 1)
    (True, False)
    """
    return int(np.random.SeedSequence((seed, epoch, step)).generate_state(1, np.uint64)[0] >> 1)
