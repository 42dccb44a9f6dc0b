"""The one loop that trains every method."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator

from cca_tools.errors import CcaError
from ccl.training.checkpoint import Place, Saver
from ccl.training.job import Job, step_seed
from ccl.training.optimiser import set_lr
from ccl.training.record import EpochRecord, Record
from ccl.training.signals import StopSignal
from ccl.training.validation import validate

End = Literal["done", "early", "stopped"]
_GPU_LOOKS_EVERY = 20  # steps: to look at a value, the host waits for the device


class DivergedError(CcaError):
    """A loss or a parameter that is no longer a number."""

    exit_code = 1


@dataclass
class Course:
    """A run under way.

    Args:
        job: What it computes with.
        place: How far it is.
        record: Its logs.
        saver: Its checkpoints.
        stop: Whether it was asked to stop.
    """

    job: Job
    place: Place
    record: Record
    saver: Saver
    stop: StopSignal


def fit(course: Course) -> End:
    """Train from where the course is to its end, and say how it ended.

    A step is a function of the parameters, the optimiser and (seed, epoch, step) alone; so a run
    that goes on from a checkpoint does what it would have done.

    Raises:
        DivergedError: A loss or a parameter is not finite; the checkpoint is from before that.
    """
    job, place = course.job, course.place
    while place.epoch < job.config.optim.epochs:
        if _patience_is_lost(course):
            return "early"
        began, first = time.monotonic(), place.step
        if not _train_epoch(course):
            return "stopped"
        steps_per_s = (place.step - first) / max(time.monotonic() - began, 1e-9)
        val = validate(job)
        if place.is_improved_by(val):
            place.note_best(val)
            course.saver.keep_best(job, place.epoch)
        course.record.epoch(_epoch_record(course, val, began, steps_per_s))
        place.next_epoch()
        course.record.status("running", place)
        course.saver.save_if_due(job, place)
    return "done"


def _train_epoch(course: Course) -> bool:
    """Train to the end of the epoch; return False if asked to stop, after saving."""
    job, place, batches = course.job, course.place, course.job.batches
    generator = Generator(job.ranks.device)
    look_every = _GPU_LOOKS_EVERY if job.ranks.device.type == "cuda" else 1
    job.student.train()
    job.method.train()
    for batch in batches.epoch(place.epoch, place.step):
        looks = place.step % look_every == 0
        if looks and job.ranks.any(course.stop.number is not None):
            _refuse_broken(course)
            course.saver.save(job, place)
            return False
        seed = step_seed(job.config.seed, place.epoch, place.step)
        torch.manual_seed(seed)  # for networks that draw numbers
        generator.manual_seed(seed)  # for negatives: the same on every rank
        set_lr(job.optimiser, job.config.optim, place.epoch + place.step / len(batches))
        job.step(batch, generator, place.totals)
        place.step += 1
        if looks:
            _refuse_broken(course)
            course.saver.save_if_due(job, place)
        course.record.step(place, batch.global_size)
    _refuse_broken(course)
    return True


def _patience_is_lost(course: Course) -> bool:
    patience, place = course.job.config.run.patience, course.place
    return 0 < patience <= place.epoch - 1 - place.best_epoch and place.best is not None


def _refuse_broken(course: Course) -> None:
    job, place = course.job, course.place
    broken = place.totals.broken()
    if not broken:
        parameters = {**dict(job.student.named_parameters()), **dict(job.method.named_parameters())}
        norms = torch.stack([p.detach().norm() for p in parameters.values()]).isfinite().tolist()
        broken = [f"parameter {n}" for n, good in zip(parameters, norms, strict=True) if not good]
    if broken:
        raise DivergedError(
            f"{broken[0]} is not finite in epoch {place.epoch + 1}, step {place.step}",
            "Lower --lr or give --clip-norm; the last checkpoint is from before that",
        )


def _epoch_record(
    course: Course, val: dict[str, float], began: float, steps_per_s: float
) -> EpochRecord:
    place, job = course.place, course.job
    terms, counts, right = place.totals.summary()
    clips_per_s = steps_per_s * len(job.study.train) / len(job.batches)
    rate = float(job.optimiser.param_groups[0]["lr"])
    seconds = time.monotonic() - began
    return EpochRecord(place.epoch, rate, terms, counts, right, val, clips_per_s, seconds)
