"""Runs of the command line that start in no time: forked from a process that has all imported.

Each run is a process of its own, in a session of its own, that can be killed like any other.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MODULES = ("cli.index", "cli.tag_audio", "cli.tags", "tagging.run", "tagging.sources")
LIMIT_S = 300.0


@dataclass
class Run:
    """A run of ``cca-tools``, under way or ended."""

    zygote: Zygote
    pid: int
    output: Path
    code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, minus the signal's number if it was killed, None while it runs."""
        if self.code is None:
            self.code = self.zygote.ask({"poll": self.pid})["code"]
        return self.code

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        end = time.monotonic() + LIMIT_S
        while self.poll() is None:
            assert time.monotonic() < end, f"hangs: {self.text()}"
            time.sleep(0.01)
        assert self.code is not None
        return self.code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the run alone; its children have to notice by themselves."""
        os.kill(self.pid, number)

    def text(self) -> str:
        """What it wrote to standard output and standard error."""
        return self.output.read_text(encoding="utf-8", errors="replace")


class Zygote:
    """The process that runs are forked from; a context manager.

    Args:
        folder: Where the outputs of the runs go.
        before: Called in the process before it becomes the zygote.
    """

    def __init__(self, folder: Path, before: Callable[[], None] | None = None) -> None:
        self.folder, self.before = folder, before
        self.num_runs = 0

    def __enter__(self) -> Zygote:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_THREAD},
            preexec_fn=self.before,
        )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def ask(self, question: dict[str, object]) -> dict[str, int]:
        """Send one line and return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(
        self,
        *argv: object,
        tagger: str = "fake",
        flush_rows: int = 4,
        signal_at: tuple[str, int, int] | None = None,
        limit_bytes: int | None = None,
    ) -> Run:
        """Start ``cca-tools`` with these arguments.

        Args:
            *argv: The arguments.
            tagger: ``fake`` puts the fake in the place of all taggers, ``real`` changes nothing.
            flush_rows: Rows that make a shard.
            signal_at: The signal that it sends itself at the n-th ``row`` that is finished, or
                at the n-th ``sync`` (odd: a file is written, not yet in place; even: it is in
                place, its folder not yet synced): (what, n, signal).
            limit_bytes: No file can become longer.
        """
        self.num_runs += 1
        output = self.folder / f"output-{self.num_runs}.txt"
        question = {
            "argv": [os.fspath(item) if isinstance(item, Path) else str(item) for item in argv],
            "output": str(output),
            "tagger": tagger,
            "flush_rows": flush_rows,
            "signal_at": signal_at,
            "limit_bytes": limit_bytes,
        }
        return Run(self, self.ask(question)["pid"], output)

    def run(self, *argv: object, **how: object) -> tuple[int, str]:
        """Start it, wait for it, and return its exit code and what it wrote."""
        run = self.start(*argv, **how)  # type: ignore[arg-type]
        return run.wait(), run.text()


def _child(question: dict[str, Any]) -> None:
    os.setsid()
    handle = os.open(str(question["output"]), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from tagging.fakes import load_fake

    from cca_tools.cli.main import main
    from cca_tools.tagging import run

    run.FLUSH_ROWS = question["flush_rows"]
    if question["signal_at"]:
        _arm(*question["signal_at"])
    if question["limit_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (question["limit_bytes"],) * 2)
    if question["tagger"] == "fake":
        run.load_tagger = load_fake
    sys.argv = ["cca-tools", *question["argv"]]
    main(question["argv"])


def _arm(what: str, count: int, number: int) -> None:
    """Make this process send itself a signal at the ``count``-th row or sync."""
    from cca_tools import workspace
    from cca_tools.tagging.store import TagStore

    owner: Any = TagStore if what == "row" else workspace
    name = "add" if what == "row" else "_sync"
    original = getattr(owner, name)
    calls = itertools.count(1)

    def counted(*arguments: object) -> object:
        if next(calls) == count:
            os.kill(os.getpid(), number)
        return original(*arguments)

    setattr(owner, name, counted)


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _serve() -> None:
    for module in ("torch", *(f"cca_tools.{name}" for name in MODULES)):
        import_module(module)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _answer({"ready": True})
    for line in sys.stdin:
        question = json.loads(line)
        answer: dict[str, Any]
        if "poll" in question:
            pid, status = os.waitpid(question["poll"], os.WNOHANG)
            answer = {"code": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            pid = os.fork()
            if pid == 0:
                code = 70
                try:
                    _child(question)
                except SystemExit as end:
                    code = end.code if isinstance(end.code, int) else 0
                except BaseException:
                    import traceback

                    traceback.print_exc()
                finally:
                    with contextlib.suppress(OSError):
                        sys.stdout.flush()
                        sys.stderr.flush()
                    os._exit(code)
            answer = {"pid": pid}
        _answer(answer)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    _serve()
