"""Where the cells of an ablation run: processes of this machine; a cluster has the same few names.

An engine for a cluster implements `Engine`: ``slots`` jobs at once, ``start`` hands one in and
returns a `Handle` that can be asked and stopped. A job is a command line and a log file on a disk
that all machines share, so nothing else has to travel.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PARENT = "CCA_TOOLS_PARENT"  # a job of this machine ends when this process does
_THREADS = "OMP_NUM_THREADS"
_GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Job:
    """Something to run.

    Args:
        name: For messages.
        command: Program and arguments; exit code 0 means done.
        log: Where its output goes; added to what stands there.
    """

    name: str
    command: tuple[str, ...]
    log: Path


class Handle(Protocol):
    """A job under way."""

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""

    def stop(self) -> None:
        """Ask it to save what it has and end."""

    def kill(self) -> None:
        """End it at once."""


class Engine(Protocol):
    """Runs jobs."""

    @property
    def slots(self) -> int:
        """How many jobs run at once."""

    def start(self, job: Job, slot: int) -> Handle:
        """Start a job in a free slot, 0 to ``slots`` - 1."""


class LocalProcess:
    """A job as a process of this machine."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Send SIGTERM, on which the trainer saves and ends."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to it and to what it started, and wait for its end."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class LocalEngine:
    """Runs jobs as processes of this machine, one GPU for each where there are several.

    Args:
        slots: How many at once.
        gpus: What ``CUDA_VISIBLE_DEVICES`` may be, one a slot in turn; empty for no choice.
    """

    def __init__(self, slots: int, gpus: Sequence[str] = ()) -> None:
        self._slots = slots
        self._gpus = tuple(gpus)

    @property
    def slots(self) -> int:
        """How many jobs run at once."""
        return self._slots

    def start(self, job: Job, slot: int) -> LocalProcess:
        """Start a job; it is the leader of a process group of its own.

        A Ctrl-C in the terminal thus reaches the ablation alone, which asks its jobs to stop.
        """
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            process = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.environment(slot)},
            )
        return LocalProcess(process)

    def environment(self, slot: int) -> Mapping[str, str]:
        """Return what a job in a slot finds in its environment, beside what is there."""
        # unbuffered: the last line of its log is then the last thing that it said
        found = {PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
        if self._gpus:
            found[_GPUS] = self._gpus[slot % len(self._gpus)]
        if _THREADS not in os.environ and self._slots > 1:
            found[_THREADS] = str(max(1, (os.cpu_count() or 1) // self._slots))
        return found


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that jobs may be spread over, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    chosen = os.environ.get(_GPUS, "")
    names = tuple(name.strip() for name in chosen.split(",") if name.strip())
    return names or tuple(str(number) for number in range(torch.cuda.device_count()))
