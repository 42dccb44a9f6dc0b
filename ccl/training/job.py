"""Everything that a run computes with, built from its configuration and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor
from torch.optim import SGD

from cca_tools.errors import UsageError
from ccl.data.batches import Batch, TrainBatches
from ccl.data.study import Study
from ccl.methods.base import Given, Method, Setup
from ccl.methods.registry import build_method
from ccl.models.download import published_weights
from ccl.models.prediction import Prediction
from ccl.models.registry import StudentSpec, build_student, student_spec
from ccl.models.student import VideoStudent
from ccl.training.config import Precision, TrainConfig
from ccl.training.optimiser import build_optimiser, clip_gradients
from ccl.training.ranks import Ranks
from ccl.training.totals import Totals

IMAGE = "image"
KINETICS = "kinetics"
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
    _check_precision(config.run.precision, ranks.device)
    spec = student_spec(config.student.name)
    weights = _weights(spec, config.student.weights)
    built = build_student(spec.name, len(study.classes), seed=config.seed, weights=weights)
    layout = torch.channels_last_3d if config.run.channels_last else torch.preserve_format
    placed = built.to(ranks.device, memory_format=layout)  # type: ignore[call-overload]
    student = cast(VideoStudent, ranks.prepare(placed))
    method = build_method(config.method, setup_of(config, study, spec.width, image_teacher))
    method.to(ranks.device)
    return Job(
        config,
        study,
        ranks,
        student,
        torch.compile(student) if config.run.compile else student,
        method,
        build_optimiser(student, method, config.optim),
        TrainBatches(
            study, spec, config.data, device=ranks.device, rank=ranks.rank, world=ranks.world
        ),
        image_teacher,
    )


def _check_precision(precision: Precision, device: torch.device) -> None:
    if precision == "bf16" and device.type == "cpu":
        raise UsageError(
            "bf16 is for GPUs: on a CPU, gradients of its convolutions come out as NaN (seen in "
            "PyTorch 2.11)",
            "Give --precision fp32",
        )


def _weights(spec: StudentSpec, wanted: str | None) -> Path | None:
    if wanted != KINETICS:
        return Path(wanted) if wanted else None
    if not spec.weights_url:
        raise UsageError(
            f"no Kinetics weights of {spec.name} are published",
            "Choose r2plus1d_18, mc3_18 or r3d_18, or give a file",
        )
    return published_weights(spec.weights_url)


def setup_of(
    config: TrainConfig, study: Study, width: int, image_teacher: ImageTeacher | None
) -> Setup:
    """Return what the method has to know of a study."""
    widths = {name: teacher.width for name, teacher in study.teachers.items()}
    if image_teacher is not None:
        widths[IMAGE] = image_teacher.width
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
