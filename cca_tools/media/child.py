"""What runs inside a disposable child process: one task after another, from pipe to pipe.

Imported by the child only. It stays light: the child of a tagging run must not load torch.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cca_tools.errors import CcaError

READY, STARTED, VALUE, RAISED, REFUSED, PROPAGATED, OUT_OF_MEMORY = (
    bytes([number]) for number in range(7)
)
_PR_SET_PDEATHSIG = 1


def serve(tasks_fd: int, results_fd: int, parent_pid: int, memory_bytes: int) -> None:
    """Run the tasks that come in, until the parent closes the pipe or dies.

    Args:
        tasks_fd: Where pickled ``(function, args)`` come from.
        results_fd: Where messages go: one tag byte, then a pickle.
        parent_pid: The process to die with.
        memory_bytes: Private memory, in bytes, above which an allocation fails; 0 for no limit.
    """
    tasks = Connection(tasks_fd, writable=False)
    results = Connection(results_fd, readable=False)
    _die_with_parent(parent_pid, tasks_fd)
    _limit_resources(memory_bytes)
    results.send_bytes(READY)
    while True:
        try:
            message = tasks.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)
        try:
            function, args = pickle.loads(message)
        except Exception as error:
            results.send_bytes(REFUSED + pickle.dumps(f"{type(error).__name__}: {error}"))
            continue
        results.send_bytes(STARTED)
        results.send_bytes(_run(function, args))


def _run(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    try:
        value = function(*args)
    except CcaError as error:
        return PROPAGATED + pickle.dumps((type(error), error.problem, error.remedy))
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as error:
        return RAISED + pickle.dumps(f"{type(error).__name__}: {error}")
    try:
        return VALUE + pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as error:
        return REFUSED + pickle.dumps(f"the result cannot be sent: {error}")


def _die_with_parent(parent_pid: int, tasks_fd: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_exit_on_hangup, args=(tasks_fd,), daemon=True).start()
    if os.getppid() != parent_pid:  # it died before we asked to be told
        os._exit(0)


def _exit_on_hangup(tasks_fd: int) -> None:
    watch = select.poll()
    watch.register(tasks_fd, 0)  # hang-up is reported whatever is asked for
    watch.poll()
    os._exit(0)


def _limit_resources(memory_bytes: int) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        with suppress(OSError, ValueError):
            # private writable memory: unlike the address space, not thread arenas merely reserved
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # short of memory: this one goes first
