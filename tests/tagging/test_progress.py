"""The progress bar: on a terminal, with rate and counts; nowhere else."""

from __future__ import annotations

import contextlib
import io
import re
from types import SimpleNamespace

from cca_tools.tagging import progress
from cca_tools.tagging.rows import TagRow


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self):
        return True


def shown(stream, *, enabled=True):
    """What three videos, after seven of an earlier run, make the bar write."""
    with (
        contextlib.redirect_stderr(stream),
        progress.TagProgress(10, 7, enabled=enabled) as bar,
    ):
        bar.add(TagRow("a", "ok", seconds=7200.0))
        bar.add(TagRow("b", "silent", seconds=10.0))
        bar.add(TagRow("c", "ok", seconds=10.0))
    return stream.getvalue()


def test_it_counts_from_what_was_done_before():
    first, last = shown(Terminal()).strip("\r\n").split("\r")
    assert first.startswith("tag-audio  70%")
    assert last.startswith("tag-audio 100%")
    assert "10/10" in last
    assert last.endswith("ok 2, silent 1")


def test_the_rate_is_hours_of_sound_per_hour(monkeypatch):
    """Two hours and twenty seconds of sound, one hour after the start."""
    clock = iter([100.0, *[3700.0] * 3])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert re.findall(r", (\d+) h/h", shown(Terminal()))[-1] == "2"


def test_nothing_where_it_is_not_wanted():
    assert shown(Terminal(), enabled=False) == ""
    assert shown(io.StringIO()) == ""  # a log is not for bars
