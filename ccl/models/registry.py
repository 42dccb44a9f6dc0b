"""The students by name: list them, look one up, build one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cca_tools.errors import UsageError
from ccl.models.student import VideoStudent
from ccl.numerics import seeded

Statistics = tuple[float, float, float]

KINETICS_MEAN: Statistics = (0.43216, 0.394666, 0.37645)
KINETICS_STD: Statistics = (0.22803, 0.22145, 0.216989)
_FAMILIES = ("r2plus1d_ccl", "torchvision_video", "tiny")


@dataclass(frozen=True)
class StudentSpec:
    """One student and the clips it is made for.

    Args:
        name: What ``--student`` takes.
        build: From a number of classes to the network.
        width: Of its embedding.
        num_frames: Of a clip.
        size: Height and width of a clip, in pixels.
        gflop: Forward operations for one such clip, in 10^9, a multiply-add being two.
        mean: Of each colour, in [0, 1], to be subtracted.
        std: Of each colour, to be divided by.
        weights_url: Where its Kinetics-400 weights lie, empty where it has none.
    """

    name: str
    build: Callable[[int], VideoStudent]
    width: int
    num_frames: int
    size: int
    gflop: float
    mean: Statistics = KINETICS_MEAN
    std: Statistics = KINETICS_STD
    weights_url: str = ""


_ENTRIES: dict[str, StudentSpec] = {}


def register(spec: StudentSpec) -> None:
    """Add a student.

    Raises:
        ValueError: Its name is taken.
    """
    if spec.name in _ENTRIES:
        raise ValueError(f"the student {spec.name!r} is registered twice")
    _ENTRIES[spec.name] = spec


def _entries() -> dict[str, StudentSpec]:
    for family in _FAMILIES:
        import_module(f"ccl.models.{family}")
    return dict(sorted(_ENTRIES.items()))  # whichever family was imported first


def student_names() -> tuple[str, ...]:
    """Return the names of all students, in alphabetical order.

    >>> "tiny" in student_names()
    True
    """
    return tuple(_entries())


def student_spec(name: str) -> StudentSpec:
    """Return the entry of a student.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.

    >>> student_spec("r2plus1d-ccl").width
    512
    """
    if name not in _entries():
        raise UsageError(f"no student {name!r}", f"Known are {', '.join(_entries())}")
    return _ENTRIES[name]


def build_student(
    name: str, num_classes: int, *, seed: int, weights: Path | None = None
) -> VideoStudent:
    """Build a student with random weights, or with those of a file.

    Args:
        name: One of ``student_names()``.
        num_classes: C; a new classifier is made for it in any case.
        seed: From which random weights are drawn.
        weights: A state dict (``pt`` or ``safetensors``) in torchvision's form for its networks,
            in ours for the others; its classifier is not used.

    Raises:
        UsageError: An unknown name, or fewer than two classes.
        WeightsError: The file cannot be read, or does not fit.
    """
    spec = student_spec(name)
    if num_classes < 2:
        raise UsageError(f"a student needs two classes, got {num_classes}", "Give more classes")
    with seeded(seed):
        student = spec.build(num_classes)
    if weights is not None:
        import_module("ccl.models.weights").load_backbone(student, weights)
    return student
