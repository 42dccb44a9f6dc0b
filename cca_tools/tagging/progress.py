"""The one progress bar of a tag run: videos, hours of sound per hour, counts per status."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import Self

from tqdm.auto import tqdm

from cca_tools.tagging.rows import TagRow, describe_counts

_FORMAT = (
    "tag-audio {percentage:3.0f}% |{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
)


class TagProgress:
    """A context manager around the bar.

    Args:
        total: Videos of the manifest.
        done: How many of them were tagged before.
        enabled: False shows nothing.
    """

    def __init__(self, total: int, done: int, *, enabled: bool) -> None:
        self._total, self._done, self._enabled = total, done, enabled
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._bar = tqdm(
            total=self._total,
            initial=self._done,
            disable=None if self._enabled else True,  # None: only on a terminal
            bar_format=_FORMAT,
            file=sys.stderr,
            mininterval=0.5,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def add(self, row: TagRow) -> None:
        """Count one finished video."""
        self._counts[row.status] += 1
        self._seconds += row.seconds
        elapsed = max(time.monotonic() - self._started, 1e-9)
        counts = describe_counts(self._counts)
        self._bar.set_postfix_str(f"{self._seconds / elapsed:.0f} h/h, {counts}", refresh=False)
        self._bar.update()
