"""A program that is killed in the middle of labelling loses nothing that it showed as saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

PROGRAM = """
import sys
from itertools import count
from pathlib import Path
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace
with LabelStore.open(Workspace(Path(sys.argv[1])), sys.argv[2] or None) as store:
    for number in count():
        page = [NewLabel("Ada", Item("class", f"class {number}"), "not", str(k)) for k in range(3)]
        print(*(event.id for event in store.add(page)), flush=True)
"""
PAGES_BEFORE = 40


def test_what_was_shown_as_saved_is_there_after_a_kill(tmp_path: Path, address: str | None) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), address or ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    shown = [program.stdout.readline() for _ in range(PAGES_BEFORE)]
    os.kill(program.pid, signal.SIGKILL)
    shown += program.stdout.read().splitlines()
    assert program.wait(30) == -signal.SIGKILL
    whole = [line.split() for line in shown if len(line.split()) == 3]
    saved = [int(number) for line in whole for number in line]
    assert len(whole) >= PAGES_BEFORE

    with LabelStore.open(Workspace(tmp_path), address) as store:
        history, current = store.history(), store.current()
        ids = history["event_id"].tolist()
        assert ids[: len(saved)] == saved
        assert ids == list(range(1, len(ids) + 1))
        assert len(ids) % 3 == 0  # a page is kept whole or not at all
        assert len(current) == len(ids) // 3
        assert set(current["note"]) == {"2"}
        assert store.undo("Ada") is not None
