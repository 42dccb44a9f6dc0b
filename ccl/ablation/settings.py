"""What an ablation varies, and what it holds fixed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cca_tools.errors import UsageError
from ccl.methods.registry import MODALITIES, method_spec
from ccl.training.configure import parse_assignment

WITHIN, MASKED = "within", "masked"
PROTOCOLS = (WITHIN, MASKED)

# what the ablation sets in each cell; a value for all cells would contradict it
VARIED = ("method.name", "data.split", "data.distill", "data.seed", "data.teacher_split")
_ENDINGS = ("-classes", "-seeds")  # of the names of tables
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Variant:
    """A method as the table names it.

    Args:
        label: In the table and in the run's folder.
        method: One of ``ccl.methods.registry.METHODS``.
        assignments: ``NAME=VALUE`` settings of this variant alone.
    """

    label: str
    method: str
    assignments: tuple[str, ...] = ()


def parse_variant(text: str) -> Variant:
    """Return the variant that ``METHOD`` or ``LABEL=METHOD,NAME=VALUE,...`` describes.

    Raises:
        UsageError: Not in that form, or an unknown method.

    >>> parse_variant("crd").label
    'crd'
    >>> parse_variant("no-jsd=ccl,method.weights.jsd=0")
    Variant(label='no-jsd', method='ccl', assignments=('method.weights.jsd=0',))
    """
    first, *assignments = [part.strip() for part in text.split(",")]
    label, equals, method = (part.strip() for part in first.partition("="))
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{label!r} cannot name a method of the table",
            "Begin with a letter or a digit; letters, digits, '-', '_' and '.' may follow",
        )
    spec = method_spec(method if equals else label)
    for assignment in assignments:
        parse_assignment(assignment)
    return Variant(label, spec.name, tuple(assignments))


@dataclass(frozen=True)
class AblationSettings:
    """An ablation.

    Args:
        splits: Named sets of classes.
        variants: Methods, each with its own label.
        distill: Modalities, for the methods that have a teacher.
        seeds: Of the runs; each method gets the same ones.
        protocol: ``within`` trains and tests on the classes of each split; ``masked`` trains on
            all classes, distils for those of the split alone, and tests on every stratum.
        name: Of the ablation's artefacts.
        preset: Where the configuration starts.
        config: A file of settings over the preset.
        assignments: ``NAME=VALUE`` for every cell.
    """

    splits: tuple[str, ...]
    variants: tuple[Variant, ...]
    distill: tuple[str, ...] = ("audio",)
    seeds: tuple[int, ...] = (0, 1, 2)
    protocol: Literal["within", "masked"] = "within"
    name: str = "within"
    preset: str | None = None
    config: Path | None = None
    assignments: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for what, given in (
            ("split", self.splits),
            ("method", [variant.label for variant in self.variants]),
            ("seed", self.seeds),
        ):
            _check_distinct(what, given)
        if not set(self.distill) <= set(MODALITIES):
            raise UsageError(
                f"cannot distil {','.join(self.distill)!r}", f"Give any of {', '.join(MODALITIES)}"
            )
        if not _LABEL.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} cannot name an ablation", "Give letters, digits, '-', '_' and '.'"
            )
        if self.name.endswith(_ENDINGS):
            raise UsageError(
                f"an ablation cannot be named {self.name!r}: another one could have such a table",
                f"End it otherwise than in {' or '.join(_ENDINGS)}",
            )
        for text in (*self.assignments, *(a for v in self.variants for a in v.assignments)):
            name, _ = parse_assignment(text)
            if name in VARIED:
                raise UsageError(
                    f"--set {text}: {name} is what the ablation itself varies",
                    "Use --split, --methods, --distill or --seeds",
                )


def _check_distinct(what: str, given: Sequence[object]) -> None:
    if not given:
        raise UsageError(f"the ablation has no {what}", f"Name at least one {what}")
    twice = next((item for item in given if list(given).count(item) > 1), None)
    if twice is not None:
        raise UsageError(f"the {what} {twice} is given twice", f"Name each {what} once")
