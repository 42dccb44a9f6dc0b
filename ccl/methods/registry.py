"""The methods by name: list them, check a choice, build one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cca_tools.errors import UsageError
from ccl.methods import baseline, compositional, embedding_losses, labels_only
from ccl.methods.base import Method, Setup
from ccl.methods.cmc import CmcMethod
from ccl.methods.crd import CrdMethod
from ccl.methods.kd import KdMethod
from ccl.methods.settings import MethodSettings

MODALITIES = ("audio", "image")
NO_TEACHER = "none"

Build = Callable[[MethodSettings, Setup], Method]


@dataclass(frozen=True)
class MethodSpec:
    """One method.

    Args:
        name: What ``--method`` takes.
        summary: One line for help and tables.
        build: From settings and setup.
        routing: Which modules each of its terms trains; its keys are what has a weight.
        options: The fields of ``MethodSettings`` that it heeds, beside name and weights: dotted
            names, or those of tables heeded as a whole.
        distils: Whether it takes teachers.
        control: Whether it is there to be compared with, not to be used.
    """

    name: str
    summary: str
    build: Build
    routing: Mapping[str, tuple[str, ...]]
    options: tuple[str, ...] = ()
    distils: bool = True
    control: bool = False


_TEMPERATURES = tuple(f"temperatures.{name}" for name in MODALITIES)
_CCL_OPTIONS = ("balance", *_TEMPERATURES)
_PLAIN = embedding_losses.EmbeddingLoss
_MAPPED = embedding_losses.MappedEmbeddingLoss
_CONTROL = compositional.RandomTeacher

METHODS: Mapping[str, MethodSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            MethodSpec(
                "baseline",
                "Cross-entropy alone.",
                baseline.build,
                baseline.Baseline.routing,
                distils=False,
            ),
            MethodSpec(
                "labels-only",
                "Control: the NCE of the student with itself, no teacher.",
                labels_only.build,
                labels_only.LabelsOnly.routing,
                ("temperatures.labels",),
                distils=False,
                control=True,
            ),
            MethodSpec(
                "random-teacher",
                "Control: CCL on a random vector for each video.",
                compositional.build_random_per_clip,
                _CONTROL.routing,
                _CCL_OPTIONS,
                control=True,
            ),
            MethodSpec(
                "random-teacher-class",
                "Control: CCL on a random vector for each class.",
                compositional.build_random_per_class,
                _CONTROL.routing,
                _CCL_OPTIONS,
                control=True,
            ),
            MethodSpec(
                "ccl",
                "Compositional contrastive learning, Algorithm A as printed.",
                compositional.Ccl,
                compositional.Ccl.routing,
                _CCL_OPTIONS,
            ),
            MethodSpec(
                "ccl-released",
                "CCL as its published code computes it.",
                compositional.CclReleased,
                compositional.CclReleased.routing,
                _TEMPERATURES,
            ),
            MethodSpec(
                "crd",
                "Contrastive representation distillation.",
                CrdMethod,
                CrdMethod.routing,
                ("memory",),
            ),
            MethodSpec(
                "cmc", "Contrastive multiview coding.", CmcMethod, CmcMethod.routing, ("memory",)
            ),
            MethodSpec(
                "kd", "Softened predictions.", KdMethod, KdMethod.routing, ("temperatures.kd",)
            ),
            MethodSpec(
                "fitnet", "Embedding regression.", embedding_losses.build_fitnet, _MAPPED.routing
            ),
            MethodSpec("pkt", "Probabilistic knowledge transfer.", _PLAIN, _PLAIN.routing),
            MethodSpec("rkd", "Distances and angles within a batch.", _PLAIN, _PLAIN.routing),
            MethodSpec("cc", "Correlation congruence.", embedding_losses.build_cc, _MAPPED.routing),
            MethodSpec("sp", "Similarity-preserving distillation.", _PLAIN, _PLAIN.routing),
        )
    }
)


def method_spec(name: str) -> MethodSpec:
    """Return the entry of a method.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.

    >>> method_spec("crd").distils
    True
    """
    if name not in METHODS:
        raise UsageError(f"no method {name!r}", f"Known are {', '.join(METHODS)}")
    return METHODS[name]


def parse_distill(text: str) -> tuple[str, ...]:
    """Return the modalities named by ``--distill``, in their one order.

    Raises:
        UsageError: One is unknown or named twice.

    >>> parse_distill("image,audio"), parse_distill("none")
    (('audio', 'image'), ())
    """
    names = [] if text.strip() in ("", NO_TEACHER) else [x.strip() for x in text.split(",")]
    if len(set(names)) < len(names) or not set(names) <= set(MODALITIES):
        raise UsageError(
            f"cannot distil {text!r}", "Give audio, image, audio,image, or none without a teacher"
        )
    return tuple(name for name in MODALITIES if name in names)


def check_method(settings: MethodSettings, modalities: Sequence[str]) -> MethodSpec:
    """Return the entry of a method after seeing to it that its settings make sense.

    Raises:
        UsageError: A teacher too many or too few, an option or a weight that it has not.
    """
    spec = method_spec(settings.name)
    if modalities and not spec.distils:
        raise UsageError(
            f"{spec.name} has no teacher, and --distill names {','.join(modalities)}",
            f"Give --distill {NO_TEACHER}, or a method that distils",
        )
    if spec.distils and not modalities:
        raise UsageError(
            f"{spec.name} distils from a teacher, and none is named",
            "Give --distill audio, image or audio,image",
        )
    _check_options(settings, spec, modalities)
    return spec


def unheeded_options(settings: MethodSettings, modalities: Sequence[str]) -> list[str]:
    """Return the options that differ from their default and that the method does not heed.

    The temperature of a modality is heeded where that modality is distilled.

    Args:
        settings: Of the method.
        modalities: Those distilled.

    >>> from ccl.methods.settings import Temperatures
    >>> unheeded_options(MethodSettings("ccl", temperatures=Temperatures(kd=2.0)), ["audio"])
    ['temperatures.kd']
    """
    heeded = [
        name
        for name in method_spec(settings.name).options
        if name not in _TEMPERATURES or name.rpartition(".")[2] in modalities
    ]
    now, plain = _options(settings), _options(MethodSettings())
    return [
        name
        for name, value in now.items()
        if value != plain[name] and not {name, name.partition(".")[0]} & set(heeded)
    ]


def _options(settings: MethodSettings) -> dict[str, object]:
    """Return the options by dotted name."""
    tables = {"temperatures": settings.temperatures, "memory": settings.memory}
    nested = {f"{name}.{k}": v for name, table in tables.items() for k, v in vars(table).items()}
    return {"balance": settings.balance} | nested


def _check_options(settings: MethodSettings, spec: MethodSpec, modalities: Sequence[str]) -> None:
    for name in unheeded_options(settings, modalities):
        known = ", ".join(spec.options) or "no options"
        raise UsageError(f"{spec.name} has no use for method.{name}", f"It heeds {known}")
    unknown = sorted(set(settings.weights) - set(spec.routing))
    if unknown:
        raise UsageError(
            f"{spec.name} has no term {unknown[0]!r} to weight",
            f"Its terms are {', '.join(spec.routing)}",
        )


def build_method(settings: MethodSettings, setup: Setup) -> Method:
    """Build a method for a student and a training set.

    Raises:
        UsageError: See ``check_method``.
        DataError: The training set has nothing to draw negatives from.
    """
    return check_method(settings, tuple(setup.teachers)).build(settings, setup)
