"""Memory of ``cca-tools tag-audio``: a file of ten hours, and 5,000 short files.

    python -m benchmarks.memory [--hours 10] [--files 5000]

Makes the files in a temporary folder, runs the command with YAMNet in a process of its own,
adds up the resident memory of it and its decoders every 50 ms, and writes the section Memory of
RESULTS.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil

from benchmarks.results import replace_section

MAIN = "from cca_tools.cli.main import main; main()"
RATE = 44_100
LIMIT_GB = 1.5
BLOCK_S = 300
KINDS = 25  # different short files; the rest are copies of them


@dataclass
class Memory:
    """What a run held.

    Args:
        peak_gb: Largest sum over the process and its decoders.
        own_gb: Largest share of the process itself.
        by_thousand: Largest sum while so many thousand videos were done.
        seconds: From start to end.
    """

    peak_gb: float = 0.0
    own_gb: float = 0.0
    by_thousand: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    seconds: float = 0.0


def encoded(seconds: float, seed: int) -> Iterator[av.Packet]:
    """Yield the AAC packets of noise whose level changes, mono at 44.1 kHz."""
    rng = np.random.default_rng(seed)
    codec = av.CodecContext.create("aac", "w")
    codec.sample_rate, codec.layout, codec.format = RATE, "mono", "fltp"
    codec.bit_rate, codec.time_base = 48_000, Fraction(1, RATE)
    for number in range(int(seconds * RATE / 1024)):
        level = 0.05 + 0.04 * np.sin(number / 40)
        block = (level * rng.standard_normal((1, 1024))).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, number * 1024, codec.time_base
        yield from codec.encode(frame)
    yield from codec.encode(None)


def write_long(path: Path, hours: float) -> None:
    """Write an M4A file by repeating the packets of five minutes."""
    packets = [(bytes(packet), packet.duration or 1024) for packet in encoded(BLOCK_S, seed=0)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        stream.bit_rate = 48_000
        container.start_encoding()
        position = 0
        while position < hours * 3600 * RATE:
            for data, duration in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, RATE)
                packet.pts = packet.dts = position
                packet.duration = duration
                container.mux(packet)
                position += duration


def write_short(folder: Path, count: int) -> None:
    """Write ``count`` clips of one to three seconds in ten class folders."""
    made = []
    for number in range(min(KINDS, count)):
        path = folder / f"made{number}.m4a"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=RATE, layout="mono")
            container.start_encoding()
            for packet in encoded(1 + 2 * number / KINDS, seed=number):
                packet.stream = stream
                container.mux(packet)
        made.append(path)
    for number in range(count):
        place = folder / "videos" / f"class{number % 10}" / f"clip{number:05d}.m4a"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made[number % len(made)], place)


def tag(video: Path, workspace: Path) -> Memory:
    """Run ``tag-audio`` over a file or folder, and watch its memory.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, "-c", MAIN, "tag-audio", str(video), "-w", str(workspace)]
    memory, started = Memory(), time.monotonic()
    ours, terminal = pty.openpty()  # the bar, which tells how far it is, is for terminals only
    termios.tcsetwinsize(terminal, (24, 120))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    done = [0]
    threading.Thread(target=_read_progress, args=(ours, done), daemon=True).start()
    while process.poll() is None:
        _sample(psutil.Process(process.pid), memory, done[0])
        time.sleep(0.05)
    memory.seconds = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {process.returncode}")
    return memory


def _read_progress(terminal: int, done: list[int]) -> None:
    text = ""
    with contextlib.suppress(OSError):  # the process has ended
        while piece := os.read(terminal, 4096):
            text = (text + piece.decode(errors="replace"))[-1000:]
            found = re.findall(r"tag-audio[^\r]*\| (\d+)/\d+ \[", text)
            done[0] = int(found[-1]) if found else done[0]


def _sample(process: psutil.Process, memory: Memory, done: int) -> None:
    try:
        own_line, own = process.cmdline(), process.memory_info().rss
        # between fork and exec a child's memory is its parent's, and would count twice
        children = [one for one in process.children(recursive=True) if one.cmdline() != own_line]
        total = own + sum(one.memory_info().rss for one in children)
    except psutil.Error:
        return
    memory.peak_gb = max(memory.peak_gb, total / 1e9)
    memory.own_gb = max(memory.own_gb, own / 1e9)
    memory.by_thousand[done // 1000] = max(memory.by_thousand[done // 1000], total / 1e9)


def report(hours: float, long: Memory, files: int, short: Memory) -> str:
    """Return the section's text."""
    speed = hours * 3600 / long.seconds
    lines = [
        "`cca-tools tag-audio` with `yamnet`; resident memory of the process and its decoders, "
        "added up (shared pages count more than once).",
        "",
        "| input | peak, GB | of it the process itself, GB | limit, GB | seconds |",
        "|---|---|---|---|---|",
        f"| one file of {hours:g} hours ({speed:.0f}x real time) | {long.peak_gb:.2f} "
        f"| {long.own_gb:.2f} | {LIMIT_GB} | {long.seconds:.0f} |",
        f"| {files:,} files of 1 to 3 s | {short.peak_gb:.2f} | {short.own_gb:.2f} | {LIMIT_GB} "
        f"| {short.seconds:.0f} |",
        "",
        f"Peak over the {files:,} files by how many were done:",
        "",
    ]
    thousands = [number for number in sorted(short.by_thousand) if 1000 * number < files]
    header = " | ".join(f"{1000 * number:,} to {1000 * (number + 1):,}" for number in thousands)
    values = " | ".join(f"{short.by_thousand[number]:.3f}" for number in thousands)
    return "\n".join(
        [
            *lines,
            f"| videos | {header} |",
            "|---" * (len(thousands) + 1) + "|",
            f"| GB | {values} |",
        ]
    )


def main() -> None:
    """Measure, print and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--dry", action="store_true", help="print, but do not write RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_long(folder / "long.m4a", options.hours)
        write_short(folder, options.files)
        long = tag(folder / "long.m4a", folder / "long")
        short = tag(folder / "videos", folder / "short")
    text = report(options.hours, long, options.files, short)
    print(text)
    if not options.dry:
        replace_section("Memory", text)
    if max(long.peak_gb, short.peak_gb) > LIMIT_GB:
        raise SystemExit(f"more than {LIMIT_GB} GB")


if __name__ == "__main__":
    main()
