"""Being asked to stop: Ctrl-C or SIGTERM once lets the step end, Ctrl-C twice does not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """Whether, and by which signal, the process was asked to stop."""

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def exit_code(self) -> int:
        """What the shell expects of a process that ended for this signal.

        >>> stop = StopSignal()
        >>> stop.number = signal.SIGTERM
        >>> stop.exit_code
        143
        """
        return 0 if self.number is None else 128 + self.number


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Note signals within the block in place of ending; the second one of a kind acts as usual.

    Only the main thread of a process can do so; elsewhere nothing changes.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before: dict[int, Any] = {int(x): signal.getsignal(x) for x in SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        stop.number = number
        signal.signal(number, before[number])

    for known in SIGNALS:
        signal.signal(known, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
