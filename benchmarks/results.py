"""The file of measurements: each benchmark replaces its own section and leaves the others."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Measurements

Made by the programs of this folder, each side by side with what one would run instead, in one
run. The machines are shared and noisy: read the ratios, not the seconds.
"""


def machine() -> str:
    """Return processor, cores and system in a line."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text())
        name = found.group(1) if found else name
    return f"{name}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def replace_section(title: str, body: str, path: Path = RESULTS) -> None:
    """Write the section ``title`` of the results file anew, or add it at the end."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    date = datetime.now(UTC).date().isoformat()
    section = f"## {title}\n\n{date}, {machine()}\n\n{body.strip()}\n"
    parts = re.split(r"(?m)^(?=## )", text)
    kept = [part for part in parts if not part.startswith(f"## {title}\n")]
    position = next((i for i, part in enumerate(parts) if part.startswith(f"## {title}\n")), None)
    kept.insert(len(kept) if position is None else position, section)
    path.write_text("\n".join(part.strip() + "\n" for part in kept), encoding="utf-8")
