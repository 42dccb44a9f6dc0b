"""The settings of one count of associations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from cca_tools.errors import UsageError

RANK_BY = ("frequency", "npmi", "log-odds")


class SettingsKwargs(TypedDict, total=False):
    """The same settings as keywords."""

    top_k: int | None
    rank_by: str
    bootstrap: int
    permutations: int | None
    seed: int
    collapse_parents: bool


@dataclass(frozen=True)
class Settings:
    """What shapes a table of associations.

    Args:
        top_k: How many of a video's best audio classes count, at least 1; None means ten, or as
            many as were stored if those are fewer.
        rank_by: One of ``RANK_BY``: ``frequency`` is the order of the paper's tables.
        bootstrap: Resamples for the intervals of the shares; 0 leaves them undefined.
        permutations: Permutations for the p-values; 0 leaves p and q undefined, None takes as
            many as about a minute allows, from 1,000 to 200,000.
        seed: Of the resamples and permutations, at least 0.
        collapse_parents: Leave an audio class out of a video's top-k where one of its
            descendants in AudioSet's ontology stands there too.

    Raises:
        UsageError: A value out of its range.

    >>> Settings(rank_by="npmi").bootstrap
    1000
    """

    top_k: int | None = None
    rank_by: str = "frequency"
    bootstrap: int = 1000
    permutations: int | None = None
    seed: int = 0
    collapse_parents: bool = False

    def __post_init__(self) -> None:
        for name, least in (("top_k", 1), ("bootstrap", 0), ("permutations", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is None and name in ("permutations", "top_k"):
                continue
            if not isinstance(value, int) or value < least:
                raise UsageError(
                    f"--{name.replace('_', '-')} must be a whole number, at least {least}, "
                    f"got {value!r}",
                    "Give such a number",
                )
        if self.rank_by not in RANK_BY:
            raise UsageError(
                f"--rank-by must be one of {', '.join(RANK_BY)}, got {self.rank_by!r}",
                "Choose one of them",
            )


@dataclass(frozen=True)
class Progress:
    """Where long computations report to.

    Args:
        begin: Called with a description and a total number of steps; gives the function to call
            after each step with the number of steps done in it.
    """

    begin: Callable[[str, int], Callable[[int], object]]


def _ignore(_description: str, _total: int) -> Callable[[int], object]:
    return lambda _steps: None


SILENT = Progress(_ignore)
