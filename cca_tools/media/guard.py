"""Work that may crash or hang, in disposable child processes that cannot take the run along.

Each child belongs to one thread of the parent and has pipes of its own, so a death or a delay is
always put down to the task that was running. (Pools that share one pipe among their children,
as pebble's does, blame the wrong task or break when the parent is busy while a child dies.)
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from cca_tools.errors import CcaError, UsageError
from cca_tools.media import child
from cca_tools.media.process import Child, ChildDiedError, Limits

T = TypeVar("T")
Item = TypeVar("Item")
Failure = Literal["timeout", "decoder_crash", "decode_error"]

_LOG = logging.getLogger(__name__)
_STARTS = 3


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How a task ended.

    Args:
        value: What the function returned; ``None`` if it failed.
        failure: ``timeout`` (ran past the limit and was killed), ``decoder_crash`` (the child
            died, or ran out of memory), ``decode_error`` (the function raised), or ``None``.
        detail: The failure in words, else empty.
    """

    value: T | None = None
    failure: Failure | None = None
    detail: str = ""


def usable_cpus() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Job:
    task: bytes
    future: Future[Any]


class _Worker(threading.Thread):
    """The thread that owns one child at a time and feeds it from the common queue."""

    def __init__(self, jobs: queue.SimpleQueue[_Job | None], limits: Limits) -> None:
        super().__init__(name="cca-guard", daemon=True)
        self._jobs = jobs
        self._limits = limits
        self._child: Child | None = None
        self._stopping = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Take jobs until told to end; no job is left without an answer."""
        # inherited by the children: Ctrl-C reaches the parent alone, and the parent ends them
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while (job := self._jobs.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                job.future.set_result(self._outcome(job.task))
            except BaseException as error:
                job.future.set_exception(error)
        self._drop_child()

    def stop(self) -> None:
        """Kill the running child from another thread; no further child is started."""
        with self._lock:
            self._stopping = True
            if self._child is not None:
                self._child.kill()

    def _outcome(self, task: bytes) -> Outcome[Any]:
        try:
            tag, body = self._run(task)
        except TimeoutError:
            self._drop_child()
            return Outcome(failure="timeout", detail=f"not done after {self._limits.timeout_s:g} s")
        except ChildDiedError as death:
            return Outcome(failure="decoder_crash", detail=str(death))
        return self._interpret(tag, body)

    def _interpret(self, tag: bytes, body: bytes) -> Outcome[Any]:
        kind: type[CcaError]
        if tag == child.VALUE:
            return Outcome(pickle.loads(body))
        if tag == child.RAISED:
            return Outcome(failure="decode_error", detail=pickle.loads(body))
        if tag == child.OUT_OF_MEMORY:
            self._drop_child()
            limit = f"{self._limits.memory_bytes / 2**30:.3g} GiB"
            return Outcome(failure="decoder_crash", detail=f"needs more memory than {limit}")
        if tag == child.PROPAGATED:
            kind, problem, remedy = pickle.loads(body)
            raise kind(problem, remedy)
        raise UsageError(
            f"a child process cannot run this task: {pickle.loads(body)}",
            "Give it a function of an importable module, with arguments and result that pickle",
        )

    def _run(self, task: bytes) -> tuple[bytes, bytes]:
        """Run ``task``; after a crash once more in a fresh child.

        A decoder may corrupt its process and die at the next file, which is not to blame.
        """
        reason = ""
        for _ in range(_STARTS):
            fresh = False
            try:
                process = self._ready_child()
                fresh = process.tasks_run == 0
                return process.run(task)
            except ChildDiedError as death:
                self._drop_child()
                if self._stopping:
                    raise CancelledError from None
                if death.started and fresh:
                    raise
                reason = str(death)
                _LOG.info("trying again in a fresh process: %s", reason)
        raise CcaError(f"no child process can be started: {reason}", "Run `cca-tools doctor`")

    def _ready_child(self) -> Child:
        if self._child is not None and self._child.tasks_run >= self._limits.recycle_after:
            self._drop_child()
        if self._child is None:
            with self._lock:
                if self._stopping:
                    raise CancelledError
                try:
                    self._child = Child(self._limits)
                except OSError as error:
                    raise ChildDiedError(str(error), started=False) from error
            self._child.wait_until_ready()
        return self._child

    def _drop_child(self) -> None:
        with self._lock:
            gone, self._child = self._child, None
        if gone is not None:
            gone.close()


class GuardedPool:
    """A pool of disposable processes; a context manager.

    The children never import the caller's ``__main__`` (scripts without a guard, notebooks and
    standard input work), ignore Ctrl-C, and die with the parent however it ends. On leaving the
    ``with`` block normally the tasks under way are awaited; on an exception everything is stopped
    at once.

    Args:
        workers: Number of children; each is started when first needed.
        limits: What a child may use, or just the seconds a task may take.

    Raises:
        UsageError: ``workers`` or the time limit is not positive.
    """

    def __init__(self, workers: int, limits: Limits | float) -> None:
        self.limits = limits if isinstance(limits, Limits) else Limits(float(limits))
        self.workers = workers
        if workers < 1 or not self.limits.timeout_s > 0:
            raise UsageError(
                f"{workers} workers with {self.limits.timeout_s:g} s a task cannot do anything",
                "Give at least one worker and a positive time limit",
            )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[_Worker] = []

    def __enter__(self) -> Self:
        self._threads = [_Worker(self._jobs, self.limits) for _ in range(self.workers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.stop()
        for _ in self._threads:
            self._jobs.put(None)
        try:
            for thread in self._threads:
                thread.join()
        except BaseException:
            self.stop()
            raise
        finally:
            self._threads = []

    def stop(self) -> None:
        """Drop what is queued and kill the children at once; their tasks count as cancelled."""
        with suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.future.cancel()
        for thread in self._threads:
            thread.stop()
            self._jobs.put(None)

    def submit(self, function: Callable[..., T], *args: Any) -> Future[Outcome[T]]:
        """Queue ``function(*args)`` and return a future of its outcome.

        Time, crash and whatever the function raises come back as an ``Outcome``; only a
        ``CcaError`` raised by the function is raised again by ``future.result()``, because it
        speaks to the user about the run, not about one file.

        Args:
            function: A function of an importable module (not of ``__main__``).
            *args: Its arguments; they and the result must pickle.

        Raises:
            UsageError: The function lives in ``__main__`` or does not pickle.
        """
        if not self._threads:
            raise UsageError("the pool is not running", "Use it inside its `with` block")
        job = _Job(_pickled(function, args), Future())
        self._jobs.put(job)
        return job.future

    def map_unordered(
        self, function: Callable[[Item], T], items: Iterable[Item], *, ahead: int = 0
    ) -> Iterator[tuple[Item, Outcome[T]]]:
        """Yield ``(item, outcome of function(item))`` as they end, every item exactly once.

        Args:
            function: A function of an importable module, of one argument.
            items: Read lazily, never more than ``ahead`` beyond what was yielded.
            ahead: Tasks in flight at once, results waiting included; 0 means twice the workers.
        """
        ended: queue.SimpleQueue[tuple[Item, Future[Outcome[T]]]] = queue.SimpleQueue()
        waiting: set[Future[Outcome[T]]] = set()
        source = iter(items)
        limit = ahead or 2 * self.workers
        try:
            while True:
                while len(waiting) < limit:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    future = self.submit(function, item)
                    waiting.add(future)
                    future.add_done_callback(functools.partial(_report, ended, item))
                if not waiting:
                    return
                item, future = ended.get()
                waiting.discard(future)
                yield item, future.result()
        finally:
            for future in waiting:
                future.cancel()


def _report(ended: queue.SimpleQueue[Any], item: object, future: Future[Any]) -> None:
    ended.put((item, future))


def _pickled(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    name = getattr(inner, "__qualname__", repr(inner))
    remedy = "Move it into a module of its own and import it from there"
    if getattr(inner, "__module__", None) == "__main__":
        raise UsageError(f"{name} is defined in the script or notebook itself", remedy)
    try:
        return pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(f"{name} cannot be sent to a child process: {error}", remedy) from error
