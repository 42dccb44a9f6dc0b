"""One disposable child process, as its owner in the parent sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe

from cca_tools.media import child

_START_LIMIT_S = 60.0
_ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )
}


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Args:
        timeout_s: Seconds a task may take, counted from its start in the child.
        memory_bytes: Private memory a child may hold, in bytes (Linux); 0 for no limit.
        recycle_after: Tasks after which a child is replaced, against leaks.
    """

    timeout_s: float
    memory_bytes: int = 4 << 30
    recycle_after: int = 500


class ChildDiedError(Exception):
    """The child is gone; ``started`` tells whether the task had begun."""

    def __init__(self, reason: str, started: bool) -> None:
        super().__init__(reason)
        self.started = started


class Child:
    """One child process and its two pipes."""

    def __init__(self, limits: Limits) -> None:
        tasks, self._tasks = Pipe(duplex=False)
        self._results, results = Pipe(duplex=False)
        self._limits = limits
        self.tasks_run = 0
        arguments = (tasks.fileno(), results.fileno(), os.getpid(), limits.memory_bytes)
        code = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from cca_tools.media.child import serve; serve{arguments!r}"
        )
        with tasks, results:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD, "MALLOC_ARENA_MAX": "2"},
                pass_fds=arguments[:2],
            )

    def wait_until_ready(self) -> None:
        """Wait for the first message; its time does not count against any task."""
        self._receive(_START_LIMIT_S, started=False)

    def run(self, task: bytes) -> tuple[bytes, bytes]:
        """Run one pickled task and return the tag and the pickle of its result.

        Raises:
            TimeoutError: The task ran past its limit.
            ChildDiedError: The child ended.
        """
        self.tasks_run += 1
        try:
            self._tasks.send_bytes(task)
        except OSError:
            raise ChildDiedError(self._describe_end(), started=False) from None
        tag, body = self._receive(_START_LIMIT_S, started=False)
        if tag != child.STARTED:
            return tag, body
        return self._receive(self._limits.timeout_s, started=True)

    def _receive(self, limit_s: float, started: bool) -> tuple[bytes, bytes]:
        if not self._results.poll(limit_s):
            if started:
                raise TimeoutError
            raise ChildDiedError(f"the decoder was not ready after {limit_s:g} s", started)
        try:
            message = self._results.recv_bytes()
        except (EOFError, OSError):
            raise ChildDiedError(self._describe_end(), started) from None
        return message[:1], message[1:]

    def _describe_end(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        if code is None:
            return "the decoder closed its pipe"
        if code >= 0:
            return f"the decoder ended with exit code {code}"
        with suppress(ValueError):
            return f"the decoder was ended by {signal.Signals(-code).name}"
        return f"the decoder was ended by signal {-code}"

    def kill(self) -> None:
        """End the process at once; it may be dead already."""
        with suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """End the process and release its pipes; for the owning thread only."""
        self.kill()
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel, on a dead network drive
            self._process.wait(timeout=5)
        self._tasks.close()
        self._results.close()
