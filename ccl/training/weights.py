"""The files of weights that a run starts from and is taught by."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from torchvision.models import ResNet34_Weights

from cca_tools.errors import UsageError, WeightsError
from cca_tools.workspace import sha256_of
from ccl.models.download import published_weights
from ccl.models.registry import student_spec
from ccl.models.teachers import PRETRAINED, RANDOM
from ccl.training.config import TrainConfig

KINETICS = "kinetics"


def student_weights(config: TrainConfig) -> Path | None:
    """Return what the student's backbone starts from; None for random weights.

    Raises:
        UsageError: None are published for this student.
        WeightsError: Published ones cannot be had.
    """
    wanted = config.student.weights
    if wanted != KINETICS:
        return Path(wanted) if wanted else None
    spec = student_spec(config.student.name)
    if not spec.weights_url:
        raise UsageError(
            f"no Kinetics weights of {spec.name} are published",
            "Choose r2plus1d_18, mc3_18 or r3d_18, or give a file",
        )
    return published_weights(spec.weights_url)


def weight_files(config: TrainConfig) -> tuple[Path, ...]:
    """Return all files of weights that the run reads, those published and those of the user.

    Raises:
        CcaError: Published ones cannot be had.
    """
    student, files = student_weights(config), list(_given(config).values())
    if config.student.weights == KINETICS and student is not None:
        files.append(student)
    if "image" in config.data.distill and config.data.image_teacher == PRETRAINED:
        files.append(published_weights(ResNet34_Weights.IMAGENET1K_V1.url))
    return tuple(files)


def data_hash(fingerprint: str, config: TrainConfig) -> str:
    """Return the hash of all that a run learns from: data, and files of weights.

    Published weights are told by their name, which is part of the configuration.

    Args:
        fingerprint: Of the study.
        config: Of the run.

    Raises:
        WeightsError: A file is not there.
    """
    given = _given(config)
    for path in given.values():
        if not path.is_file():
            raise WeightsError(f"no weights at {path}", "Give the path of a state dict")
    if not given:
        return fingerprint
    parts = [fingerprint, *(f"{name} {_sha256(path, path.stat())}" for name, path in given.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sha256(path: Path, stat: os.stat_result) -> str:
    return _known_sha256(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _known_sha256(path: Path, changed_ns: int, size: int) -> str:
    """Return the SHA-256 of a file; plans ask for that of one file many times."""
    return sha256_of(path)


def _given(config: TrainConfig) -> dict[str, Path]:
    """Return the files that the user named, by what they are for."""
    found: dict[str, Path] = {}
    if config.student.weights and config.student.weights != KINETICS:
        found["student"] = Path(config.student.weights)
    teacher = config.data.image_teacher
    if "image" in config.data.distill and teacher not in (PRETRAINED, RANDOM):
        found["image"] = Path(teacher)
    return found
