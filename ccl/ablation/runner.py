"""Run jobs side by side, go on when one fails, and say how each ended."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccl.ablation.engine import Engine, Handle, Job

logger = logging.getLogger(__name__)

POLL_S = 0.25
GRACE_S = 60.0  # to save a checkpoint in
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Standing:
    """How far the jobs are.

    Args:
        running: By number, in the order given.
        done: How many ended well.
        failed: Number -> why, of those that did not.
    """

    running: tuple[int, ...]
    done: int
    failed: Mapping[int, str]


Watch = Callable[[Standing], None]


def run_jobs(jobs: Sequence[Job], engine: Engine, watch: Watch) -> dict[int, str]:
    """Run all jobs, as many at once as the engine has slots, and return why some failed.

    On Ctrl-C, or any other error here, the jobs under way are asked to stop, which the trainer
    answers by saving; after a minute they are ended.

    Args:
        jobs: Started in this order.
        engine: Where they run.
        watch: Called with how things stand, some times a second.

    Returns:
        The number of each job that failed -> the last line it wrote.
    """
    waiting = list(range(len(jobs)))[::-1]
    running: dict[int, tuple[int, Handle]] = {}  # slot -> number of the job, handle
    failed: dict[int, str] = {}
    done = 0
    try:
        while waiting or running:
            for slot in range(engine.slots):
                if slot not in running and waiting:
                    number = waiting.pop()
                    logger.info("starting %s", jobs[number].name)
                    running[slot] = number, engine.start(jobs[number], slot)
            for slot, (number, handle) in list(running.items()):
                code = handle.poll()
                if code is None:
                    continue
                del running[slot]
                if code:
                    failed[number] = why(code, jobs[number].log)
                done += not code
            watch(Standing(tuple(number for number, _ in running.values()), done, dict(failed)))
            if running:
                time.sleep(POLL_S)
    except BaseException:
        _stop([handle for _, handle in running.values()])
        raise
    return failed


def _stop(handles: Sequence[Handle]) -> None:
    for handle in handles:
        handle.stop()
    deadline = time.monotonic() + GRACE_S
    try:
        while any(handle.poll() is None for handle in handles) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    finally:  # also when there is a second Ctrl-C
        for handle in handles:
            if handle.poll() is None:
                handle.kill()


def why(code: int, log: Path) -> str:
    """Return why a job failed: its last line, and the signal where one ended it."""
    try:
        text = log.read_bytes()[-4096:].decode("utf-8", "replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1][-_LONGEST_REASON:] if lines else f"it wrote nothing into {log}"
    if code < 0:
        return f"ended by {_signal_name(-code)}; its last line: {last}"
    return last


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name} (often: out of memory)" if name == "SIGKILL" else name
