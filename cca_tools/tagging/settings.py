"""What shapes a tag run, and the fingerprint that keeps runs of different settings apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from cca_tools.errors import UsageError

if TYPE_CHECKING:
    from cca_tools.taggers.base import Tagger

ENGINE_VERSION = 1  # raise it when the same settings would give other scores
KEEPABLE = ("scores", "embedding")
POOLINGS = ("mean", "max")


class SettingsKwargs(TypedDict, total=False):
    """The settings of `TagSettings`, as keywords."""

    tagger: str
    weights: str | Path | None
    labels: str | Path | None
    top_k: int
    keep: str | Sequence[str]
    pooling: str
    precision: str
    device: str
    batch_size: int
    workers: int
    timeout_s: float


def settings_from(keywords: SettingsKwargs) -> TagSettings:
    """Return checked settings; paths and lists may be given as text.

    Raises:
        UsageError: An unknown setting, or a value that is not allowed.

    >>> settings_from({"keep": "scores,embedding"}).keep
    ('scores', 'embedding')
    """
    values: dict[str, Any] = dict(keywords)
    for name in ("weights", "labels"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    if "keep" in values:
        kept = values["keep"]
        values["keep"] = tuple(kept.split(",") if isinstance(kept, str) else kept)
    try:
        return TagSettings(**values)
    except TypeError as error:
        known = ", ".join(SettingsKwargs.__annotations__)
        raise UsageError(str(error), f"Settings are {known}") from error


@dataclass(frozen=True)
class TagSettings:
    """The settings of one pass over a manifest.

    The first group decides what is written and goes into the fingerprint; the second only
    decides how fast.

    Args:
        tagger: A name of `cca_tools.taggers.registry.tagger_names`.
        weights: A file to use in place of the published weights.
        labels: The label table (CSV: mid,name) of such a file with classes of its own.
        top_k: How many audio classes to keep for each video.
        keep: What else to keep: any of ``scores`` (all classes) and ``embedding``, as float16.
        pooling: ``mean`` or ``max`` over the 10 s windows of clips longer than 30 s.
        precision: ``fp32`` or ``bf16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        batch_size: Clips or windows scored together; 0 chooses by device.
        workers: Processes that decode; 0 chooses by the number of processors.
        timeout_s: Seconds that decoding one piece (up to 120 s of sound) may take.

    Raises:
        UsageError: A value that is not allowed; the message says which are.
    """

    tagger: str = "yamnet"
    weights: Path | None = None
    labels: Path | None = None
    top_k: int = 10
    keep: tuple[str, ...] = ()
    pooling: str = "mean"
    precision: str = "fp32"

    device: str = "auto"
    batch_size: int = 0
    workers: int = 0
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        unknown = [name for name in self.keep if name not in KEEPABLE]
        if unknown:
            raise UsageError(
                f"--keep cannot be {unknown[0]!r}", f"It takes any of {', '.join(KEEPABLE)}"
            )
        if self.pooling not in POOLINGS:
            raise UsageError(
                f"--pooling cannot be {self.pooling!r}", f"It is one of {', '.join(POOLINGS)}"
            )
        for name, value, least in (
            ("--top-k", self.top_k, 1),
            ("--batch-size", self.batch_size, 0),
            ("--workers", self.workers, 0),
        ):
            if value < least:
                raise UsageError(f"{name} must be at least {least}, got {value}", "Raise it")
        if not self.timeout_s > 0:
            raise UsageError(f"--timeout must be above 0, got {self.timeout_s}", "Raise it")

    def deciding(self, tagger: Tagger) -> dict[str, Any]:
        """Return everything that decides what the tags are, with the loaded tagger's own part.

        Raises:
            UsageError: ``top_k`` is larger than the number of classes.
        """
        if self.top_k > len(tagger.labels):
            raise UsageError(
                f"--top-k is {self.top_k}, but {self.tagger} has {len(tagger.labels)} classes",
                "Lower it",
            )
        return {
            "tagger": self.tagger,
            "weights_sha256": tagger.weights_sha256,
            "label_space": tagger.labels.hash,
            "top_k": self.top_k,
            "keep": sorted(set(self.keep)),
            "pooling": self.pooling,
            "precision": self.precision,
            "engine": ENGINE_VERSION,
        }


def fingerprint_of(deciding: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings, whatever the order of their keys.

    >>> fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def differences(ours: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Return what differs between two runs' settings, in words.

    >>> differences({"top_k": 10}, {"top_k": 5})
    ['top_k 5 -> 10']
    """
    return [
        f"{name} {_short(others.get(name))} -> {_short(ours.get(name))}"
        for name in sorted({*ours, *others})
        if ours.get(name) != others.get(name)
    ]


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text
