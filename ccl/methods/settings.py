"""The settings of the methods: plain values, unknown keys refused."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Temperatures:
    """What cosines are divided by in a contrastive loss, and logits in ``kd``.

    Source of the first two: yanbeic/CCL at b590483; of the last: HobbitLong/RepDistiller.
    """

    audio: Positive = 0.5
    image: Positive = 0.1
    labels: Positive = 0.5
    kd: Positive = 4.0


@dataclass(frozen=True, config=STRICT)
class MemoryOptions:
    """The memories of ``crd`` and ``cmc``. Source: HobbitLong/RepDistiller's scripts.

    Args:
        negatives: Draws for each video; None for 16,384, or the number of training videos where
            that is less.
        width: Of the common space.
        temperature: Divides cosines.
        momentum: The share of the old vector that stays at an update.
    """

    negatives: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=1)] = 128
    temperature: Positive = 0.07
    momentum: Share = 0.5


@dataclass(frozen=True, config=STRICT)
class MethodSettings:
    """A method and its options; an option that the method does not heed must stay as it is.

    Args:
        name: One of ``ccl.methods.registry.METHODS``.
        balance: lambda of CCL, between the NCE with the teacher and with the composition.
        temperatures: See there.
        memory: See there.
        weights: Of the method's terms, by name, in place of its own; zero switches one off.
    """

    name: str = "ccl"
    balance: Share = 0.5
    temperatures: Temperatures = field(default_factory=Temperatures)
    memory: MemoryOptions = field(default_factory=MemoryOptions)
    weights: dict[str, NotNegative] = field(default_factory=dict)
