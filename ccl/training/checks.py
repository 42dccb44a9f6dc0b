"""What is refused before anything is learnt: devices, precisions, batches that cannot be."""

from __future__ import annotations

import copy

import torch

from cca_tools.errors import UsageError
from ccl.data.settings import DataSettings
from ccl.data.study import Study
from ccl.models.registry import StudentSpec
from ccl.models.student import VideoStudent
from ccl.training.config import TrainConfig


def usable_device(name: str) -> torch.device:
    """Return a device by its name.

    Raises:
        UsageError: It is not there.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"cannot compute on {name!r}: {first}", "Give cpu or cuda") from error
    return device


def default_device() -> torch.device:
    """Return where to compute if nobody says so: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def check_run(config: TrainConfig, study: Study, device: torch.device) -> None:
    """See to it that settings go with the data and the device.

    Raises:
        UsageError: They do not.
    """
    if config.run.precision == "bf16" and device.type == "cpu":
        raise UsageError(
            "bf16 is for GPUs: on a CPU, gradients of its convolutions come out as NaN (seen in "
            "PyTorch 2.11)",
            "Give --precision fp32",
        )
    if config.run.patience and not len(study.val):
        raise UsageError(
            f"patience {config.run.patience} needs validation videos, and there are none",
            "Give a data.val_fraction above 0, or no patience",
        )


def check_smallest_batch(
    student: VideoStudent, spec: StudentSpec, data: DataSettings, num_videos: int
) -> None:
    """See to it that batch norm has more than one value to take the mean of.

    A batch of one clip has as many values as its smallest feature map has places. It is tried on
    a device that computes shapes alone.

    Args:
        student: To be trained; it stays as it is.
        spec: Its entry.
        data: Measures of clips and batches.
        num_videos: For training.

    Raises:
        UsageError: There are batches of one clip, and a feature map of one place.
    """
    steps = -(-num_videos // data.batch_size)
    if num_videos > steps:  # batches are of one size, give or take one
        return
    frames, size = data.num_frames or spec.num_frames, data.size or spec.size
    trial = copy.deepcopy(student).to("meta").train()
    try:
        trial(torch.empty(1, 3, frames, size, size, device="meta"))
    except ValueError as error:
        raise UsageError(
            f"of {num_videos} training videos in batches of {data.batch_size}, some are alone in "
            f"theirs, and clips of {frames} x {size} x {size} leave {spec.name} one value to "
            f"normalise: {error}",
            "Choose larger batches or larger clips",
        ) from error
