"""The errors that users and data can cause: one root, one line each, always with a remedy."""

from __future__ import annotations


class CcaError(Exception):
    """What went wrong and what to do about it, in one line.

    Args:
        problem: The item and what is wrong with it, with the value that was met.
        remedy: What is allowed, or what to do next.

    >>> str(UsageError("--top-k must be at least 1, got 0", "Give a whole number from 1 to 527"))
    '--top-k must be at least 1, got 0. Give a whole number from 1 to 527.'
    """

    exit_code = 2

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = " ".join(problem.split()).rstrip(".")
        self.remedy = " ".join(remedy.split()).rstrip(".")
        super().__init__(f"{self.problem}. {self.remedy}.")


class UsageError(CcaError):
    """A parameter or a combination of parameters that makes no sense."""


class DataError(CcaError):
    """An input file or folder that is absent, empty, or not what it should be."""


class WeightsError(CcaError):
    """Weights that are absent, damaged, or do not fit their network."""


class WorkspaceError(CcaError):
    """A workspace that cannot be written: full, read-only, or held by another run."""

    exit_code = 1
