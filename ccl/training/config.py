"""The configuration of a run: nested, frozen, plain values, unknown keys refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from ccl.data.settings import DataSettings
from ccl.methods.registry import NO_TEACHER
from ccl.methods.settings import STRICT, MethodSettings, NotNegative, Positive, Share

Precision = Literal["fp32", "tf32", "bf16"]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class StudentSettings:
    """The network to be trained.

    Args:
        name: One of ``ccl.models.registry.student_names()``.
        weights: What its backbone starts from: a file, or ``kinetics`` for what torchvision
            publishes; None for random weights.
    """

    name: str = "r2plus1d-ccl"
    weights: str | None = None


@dataclass(frozen=True, config=STRICT)
class OptimSettings:
    """Stochastic gradient descent with momentum.

    Args:
        epochs: Passes over the training videos.
        lr: The learning rate, before the schedule.
        momentum: Of SGD.
        weight_decay: Added to the gradient of every parameter.
        schedule: ``constant``; ``cosine`` to zero; ``steps``, times ``gamma`` at each milestone.
        milestones: For ``steps``: epochs after which the rate falls.
        gamma: For ``steps``.
        scheduled: ``all``, or ``student``: then heads and compositions keep ``lr`` throughout.
        warmup_epochs: The rate rises linearly over these, parts of an epoch allowed.
        clip_norm: The longest gradient allowed, for the student and for each of the method's
            modules apart; None for any.
    """

    epochs: Annotated[int, Field(ge=1)] = 100
    lr: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: NotNegative = 5e-4
    schedule: Literal["constant", "cosine", "steps"] = "cosine"
    milestones: tuple[Count, ...] = ()
    gamma: Share = 0.1
    scheduled: Literal["all", "student"] = "all"
    warmup_epochs: NotNegative = 0.0
    clip_norm: Positive | None = None


@dataclass(frozen=True, config=STRICT)
class RunSettings:
    """How the computation is done.

    Args:
        precision: ``fp32``; ``tf32`` products on recent GPUs; ``bf16`` autocast of the student.
        compile: Compile the student with ``torch.compile``.
        channels_last: Keep the student's tensors with the channels last.
        patience: Stop after so many epochs without a better validation accuracy; 0 for never.
        val_clips: Clips a video in the validation after each epoch.
        checkpoint_seconds: Save as often, within an epoch too; at the end in any case.
    """

    precision: Precision = "fp32"
    compile: bool = False
    channels_last: bool = False
    patience: Count = 0
    val_clips: Annotated[int, Field(ge=1)] = 1
    checkpoint_seconds: NotNegative = 30.0


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """All that shapes a run; ``data.seed`` is the seed of everything in it.

    Args:
        method: The objective.
        student: The network.
        data: Videos, teachers and clips.
        optim: The optimiser.
        run: Precision, compilation, early stop, checkpoints.
        preset: From which the values started, for the record.
    """

    method: MethodSettings = field(default_factory=MethodSettings)
    student: StudentSettings = field(default_factory=StudentSettings)
    data: DataSettings = field(default_factory=DataSettings)
    optim: OptimSettings = field(default_factory=OptimSettings)
    run: RunSettings = field(default_factory=RunSettings)
    preset: str = "default"

    @property
    def seed(self) -> int:
        """The seed of networks, heads, memories, order, clips and negatives."""
        return self.data.seed

    @property
    def name(self) -> str:
        """Method and modalities, as the run's folder is called.

        >>> TrainConfig(data=DataSettings(distill=("audio", "image"))).name
        'ccl-audio-image'
        """
        return "-".join([self.method.name, *(self.data.distill or [NO_TEACHER])])


_ADAPTER = TypeAdapter(TrainConfig)

# what may differ between a run and its continuation: it changes no result
FREE = ("preset", "data.cache", "data.workers", "data.on_missing", "run.checkpoint_seconds")


def as_dict(config: TrainConfig) -> dict[str, Any]:
    """Return the configuration as plain values that JSON can hold."""
    return asdict(config)


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration of nested plain values, as ``as_dict`` gives them.

    Raises:
        ValidationError: A key is unknown, or a value not allowed.
    """
    return _ADAPTER.validate_python(dict(values))


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted names.

    >>> flat({"optim": {"lr": 0.1}, "preset": "demo"})
    {'optim.lr': 0.1, 'preset': 'demo'}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = list(value) if isinstance(value, tuple) else value
    return found


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what differs between two configurations as of ``as_dict``, and matters.

    >>> differences({"optim": {"lr": 0.1}}, {"optim": {"lr": 0.2}})
    ['optim.lr 0.1 -> 0.2']
    """
    before, after = flat(old), flat(new)
    return [
        f"{name} {before.get(name)!r} -> {after.get(name)!r}"
        for name in sorted(before | after)
        if name not in FREE and before.get(name) != after.get(name)
    ]
