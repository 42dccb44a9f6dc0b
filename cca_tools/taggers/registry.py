"""The taggers by name: list them, look one up, load one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cca_tools.errors import UsageError, WeightsError
from cca_tools.taggers.labels import LabelSpace, label_space, read_label_table
from cca_tools.taggers.spec import TaggerSpec
from cca_tools.taggers.weights import check_unchanged, resolve_weights

if TYPE_CHECKING:
    from cca_tools.taggers.base import Tagger
    from cca_tools.taggers.checkpoints import Checkpoint

_ENTRIES: dict[str, TaggerSpec] = {}


def register(spec: TaggerSpec) -> None:
    """Add a tagger.

    Raises:
        ValueError: Its name is taken.
    """
    if spec.name in _ENTRIES:
        raise ValueError(f"the tagger {spec.name!r} is registered twice")
    _ENTRIES[spec.name] = spec


def _entries() -> dict[str, TaggerSpec]:
    import_module("cca_tools.taggers.catalogue")
    return _ENTRIES


def tagger_names() -> tuple[str, ...]:
    """Return the names of all taggers.

    >>> "yamnet" in tagger_names()
    True
    """
    return tuple(_entries())


def tagger_spec(name: str) -> TaggerSpec:
    """Return the entry of a tagger.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.

    >>> tagger_spec("yamnet").sample_rate
    16000
    """
    if name not in _entries():
        raise UsageError(f"no tagger {name!r}", f"Known are {', '.join(_entries())}")
    return _entries()[name]


def load_tagger(
    name: str,
    *,
    weights: Path | None = None,
    device: str = "auto",
    precision: str = "fp32",
    labels: Path | None = None,
) -> Tagger:
    """Load a tagger, ready to score.

    Args:
        name: One of ``tagger_names()``.
        weights: A file to use in place of the published weights, of the same network.
        device: ``auto`` (CUDA if there is any), ``cpu``, ``cuda``.
        precision: ``fp32`` or ``bf16``.
        labels: The label table (CSV: mid,name) of such a file with classes of its own.

    Raises:
        UsageError: An unknown name, device or precision.
        WeightsError: The weights are absent, damaged, or do not fit network or labels.
        DataError: The label table cannot be read.
    """
    spec = tagger_spec(name)
    space = read_label_table(labels) if labels else label_space(spec.label_space)
    found = resolve_weights(spec, weights)
    family = import_module(f"cca_tools.taggers.{spec.family}").TAGGER
    checkpoints = import_module("cca_tools.taggers.checkpoints")
    placement = import_module("cca_tools.taggers.device").choose_placement(device, precision)
    checkpoint: Checkpoint = checkpoints.read_checkpoint(found.path)
    check_unchanged(found, checkpoint.sha256)
    _check_classes(checkpoint.num_classes(family.head_bias), space, found.path)
    tagger: Tagger = family(spec, space, checkpoint, placement)
    return tagger


def _check_classes(num_classes: int, space: LabelSpace, path: Path) -> None:
    if num_classes != len(space):
        raise WeightsError(
            f"{path} has {num_classes} classes, but the label table {space.name} {len(space)}",
            "Give the label table of these weights by --labels (CSV: mid,name)",
        )
