"""Which videos a run learns from, and how its clips are cut."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

RANDOM_TEACHERS = ("random-class", "random-clip")
SHUFFLED = "shuffled"
_Modalities = tuple[Literal["audio", "image"], ...]


def is_shuffled(audio_teacher: str) -> bool:
    """Tell whether this teacher's sounds are exchanged among the videos."""
    return audio_teacher.partition(":")[0] == SHUFFLED


def is_drawn(audio_teacher: str) -> bool:
    """Tell whether the seed decides what this teacher says of a video.

    >>> is_drawn("tags"), is_drawn("random-clip"), is_drawn("shuffled:cnn14")
    (False, True, True)
    """
    return audio_teacher in RANDOM_TEACHERS or is_shuffled(audio_teacher)


def _each_once(names: _Modalities) -> _Modalities:
    if len(set(names)) < len(names):
        raise ValueError("name each teacher once")
    return tuple(sorted(names))  # one order, so that one study has one name


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if not 0 < ends[0] <= ends[1]:
        raise ValueError("give two numbers above 0, the smaller one first")
    return ends


def _at_most_all(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[1] > 1:
        raise ValueError("a crop takes at most 1 of the picture")
    return ends


Seed = Annotated[int, Field(ge=0, lt=2**32)]
_Range = Annotated[tuple[float, float], AfterValidator(_ascending)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class DataSettings:
    """The data of a run.

    Args:
        split: The named set of classes, or ``all``.
        val_fraction: Share of the training videos to hold out, by groups, where the manifest
            names no validation split.
        val_seed: Chooses the groups held out; runs with other seeds share it, to be compared.
        seed: Of the order of the videos, of crops and flips, and of random teachers.
        on_missing: ``error`` names what is wrong and stops; ``skip`` names it and goes on without.
        distill: Any of ``audio`` and ``image``.
        audio_teacher: ``tags`` (``tags:RUN`` for one of several), the name of imported features,
            a file or folder of features, ``random-class`` or ``random-clip``; ``shuffled`` for
            tags, or ``shuffled:`` and any of the former, with the videos' sounds exchanged.
        image_teacher: ``resnet34``, a file of its weights, or ``resnet34-random``, a control.
        teacher_split: Teachers are present only for videos of this split's classes; empty for all.
        num_frames: Of a clip; None for what the student is made for.
        size: Height and width of a clip; None likewise.
        stride: Frames from one frame of a clip to the next.
        batch_size: Clips a step, over all ranks together.
        sampling: ``shuffled``, or ``balanced``: ``videos_per_class`` videos of each class that
            stands in a batch. ``auto`` is balanced where there is a teacher.
        videos_per_class: For balanced batches.
        crop_scale: Smallest and largest share of the picture that a random crop takes.
        crop_ratio: Narrowest and widest random crop, width over height.
        flip: Probability of mirroring a clip.
        cache: Where decoded frames are kept: on the ``device``, on the ``host``, or nowhere
            (``disk``: decoded when needed). ``auto`` takes the first that has room.
        workers: Threads that decode, 0 for one a processor.
        clips_per_video: In evaluation.
    """

    split: str = "all"
    val_fraction: float = Field(default=0.1, ge=0, lt=1)
    val_seed: Seed = 0
    seed: Seed = 0
    on_missing: Literal["error", "skip"] = "error"
    distill: Annotated[_Modalities, AfterValidator(_each_once)] = ()
    audio_teacher: str = "tags"
    image_teacher: str = "resnet34"
    teacher_split: str = ""
    num_frames: int | None = Field(default=None, ge=1)
    size: int | None = Field(default=None, ge=8)
    stride: int = Field(default=1, ge=1)
    batch_size: int = Field(default=16, ge=1)
    sampling: Literal["auto", "balanced", "shuffled"] = "auto"
    videos_per_class: int = Field(default=2, ge=1)
    crop_scale: Annotated[_Range, AfterValidator(_at_most_all)] = (0.25, 1.0)
    crop_ratio: _Range = (0.75, 4 / 3)
    flip: float = Field(default=0.5, ge=0, le=1)
    cache: Literal["auto", "device", "host", "disk"] = "auto"
    workers: int = Field(default=0, ge=0)
    clips_per_video: int = Field(default=4, ge=1)

    @property
    def is_balanced(self) -> bool:
        """Whether batches are balanced over classes."""
        is_chosen = self.sampling == "auto" and bool(self.distill)
        return is_chosen or self.sampling == "balanced"
