"""How a clip is cut for scoring: whole up to 30 s, longer ones in windows of 10 s."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

WHOLE_CLIP_S = 30
WINDOW_S = 10
SHORTEST_REST_S = 1  # a shorter rest stays with the window before it, or padding would be heard

Samples = NDArray[np.float32]


@dataclass
class Windower:
    """Cuts the pieces of one clip, as they come, into the windows that are scored.

    A clip of at most 30 s is one window. A longer one is cut every 10 s; the last window is from
    1 to 11 s long. Each counts for its length when windows are pooled.

    Args:
        sample_rate: Of the samples, in Hz.

    >>> cut = Windower(sample_rate=1)
    >>> [len(w) for w in cut.add(np.zeros(35, np.float32), is_last=True)]
    [10, 10, 10, 5]
    """

    sample_rate: int
    _rest: list[Samples] = field(default_factory=list)
    _is_long: bool = False

    def add(self, samples: Samples, *, is_last: bool) -> list[Samples]:
        """Take the next piece (T,) and return the windows that are complete now."""
        self._rest.append(samples)
        held = sum(map(len, self._rest))
        self._is_long |= held > WHOLE_CLIP_S * self.sample_rate
        if not is_last and not self._is_long:
            return []
        joined = np.concatenate(self._rest)
        if not self._is_long:
            self._rest = []
            return [joined] if len(joined) else []
        step, least = WINDOW_S * self.sample_rate, SHORTEST_REST_S * self.sample_rate
        start, windows = 0, []
        while len(joined) - start >= step + least:
            windows.append(joined[start : start + step])
            start += step
        rest = joined[start:]
        self._rest = [] if is_last else [rest.copy()]
        return [*windows, rest] if is_last else windows
