"""Settings that a run has no use for: named and refused, or put back to what they are unset."""

from __future__ import annotations

from collections.abc import Collection

from cca_tools.errors import UsageError
from ccl.methods.registry import MODALITIES, method_spec, unheeded_options
from ccl.training.config import TrainConfig, as_dict, flat, from_dict
from ccl.training.merging import merged, nested
from ccl.training.presets import preset

_AUDIO, _IMAGE = MODALITIES


def without_unheeded(config: TrainConfig, insist: Collection[str] = ()) -> TrainConfig:
    """Return a configuration with what it has no use for put back to the default.

    Args:
        config: As it was asked for.
        insist: Dotted names that must be of use.

    Raises:
        UsageError: One of ``insist`` is of no use.
    """
    reasons, plain = unheeded(config), flat(as_dict(TrainConfig()))
    for name in sorted(set(reasons) & set(insist)):
        _refuse(name, config, reasons[name])
    values = as_dict(config)
    for name in reasons:
        values = merged(values, nested(name, plain[name]))
    return from_dict(values)


def check_heeded(config: TrainConfig) -> None:
    """Refuse what was set and is of no use; what the preset sets may stay.

    Raises:
        UsageError: Naming the first such setting, and when it would be of use.
    """
    began = flat(as_dict(from_dict(merged(as_dict(TrainConfig()), preset(config.preset)))))
    now = flat(as_dict(config))
    for name, reason in unheeded(config).items():
        if now[name] != began[name]:
            _refuse(name, config, reason)


def unheeded(config: TrainConfig) -> dict[str, str]:
    """Return the settings that differ from the default and do nothing: name -> when they would.

    >>> from ccl.training.config import OptimSettings
    >>> from ccl.methods.settings import MethodSettings
    >>> unheeded(TrainConfig(MethodSettings("baseline"), optim=OptimSettings(gamma=0.5)))
    {'optim.gamma': 'It is for optim.schedule=steps'}
    """
    data, optim = config.data, config.optim
    has_audio, has_image = _AUDIO in data.distill, _IMAGE in data.distill
    moves = optim.schedule != "constant" or optim.warmup_epochs > 0
    has_steps = optim.schedule == "steps"
    rules = {
        "data.audio_teacher": (has_audio, "It is for --distill audio"),
        "data.image_teacher": (has_image, "It is for --distill image"),
        "data.teacher_split": (
            has_audio and not has_image,
            "It is for --distill audio alone: the teacher of images is asked about every video",
        ),
        "data.videos_per_class": (data.is_balanced, "It is for data.sampling=balanced"),
        "optim.milestones": (has_steps, "It is for optim.schedule=steps"),
        "optim.gamma": (has_steps, "It is for optim.schedule=steps"),
        "optim.scheduled": (moves, "It is for a rate that changes: see optim.schedule"),
    }
    plain, now = flat(as_dict(TrainConfig())), flat(as_dict(config))
    found = {
        name: when for name, (use, when) in rules.items() if not use and now[name] != plain[name]
    }
    options = ", ".join(f"method.{name}" for name in method_spec(config.method.name).options)
    remedy = f"Of its options, {config.method.name} heeds {options or 'none'}"
    return found | {
        f"method.{name}": remedy for name in unheeded_options(config.method, data.distill)
    }


def _refuse(name: str, config: TrainConfig, reason: str) -> None:
    value = flat(as_dict(config))[name]
    raise UsageError(f"{name} {value!r} is of no use to this run of {config.name}", reason)
