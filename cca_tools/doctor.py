"""What works on this machine and what does not: each check a small function with a remedy."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np

from cca_tools.errors import CcaError
from cca_tools.media.audio import DecodedAudio, decode_audio
from cca_tools.media.guard import GuardedPool, usable_cpus

State = Literal["ok", "warning", "failed"]

PACKAGES = (
    "torch",
    "torchaudio",
    "panns-inference",
    "av",
    "soxr",
    "numpy",
    "pandas",
    "pyarrow",
    "duckdb",
    "scikit-learn",
    "seaborn",
    "streamlit",
)
DECODERS = ("aac", "mp3float", "opus", "vorbis", "flac", "ac3", "pcm_s16le", "h264", "hevc", "vp9")
TONE_HZ, TONE_S = 440.0, 2.0
LOW_DISK_BYTES = 1 << 30


@dataclass(frozen=True)
class Check:
    """How one check went.

    Args:
        name: What was checked.
        state: ``ok``; ``warning``: something optional is missing; ``failed``.
        detail: What was found, and what to do about it.
    """

    name: str
    state: State
    detail: str


def run_checks(workspace: Path) -> Iterator[Check]:
    """Yield every check as it is done; none of them raises."""
    yield Check("system", "ok", f"Python {platform.python_version()}, {platform.platform()}")
    yield from _packages()
    checks: tuple[tuple[str, Callable[[], tuple[State, str]]], ...] = (
        ("decoders", _decoders),
        ("decoding", _decoding),
        ("tagging", _tagging),
        ("devices", _devices),
        ("weights", _weights),
        ("cache", _cache),
        ("workspace", lambda: _workspace(workspace)),
    )
    for name, check in checks:
        try:
            yield Check(name, *check())
        except (CcaError, ImportError, OSError, RuntimeError, ValueError) as error:
            yield Check(name, "failed", " ".join(str(error).split()) or type(error).__name__)


def _packages() -> Iterator[Check]:
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    yield Check("packages", "ok", ", ".join(found))
    if missing:
        command = f"pip install {' '.join(missing)}"
        yield Check("packages", "failed", f"{', '.join(missing)} missing: `{command}`")


def _decoders() -> tuple[State, str]:
    import av

    missing = [name for name in DECODERS if name not in av.codecs_available]
    library = ".".join(map(str, av.library_versions["libavcodec"]))
    if missing:
        return "warning", f"FFmpeg (libavcodec {library}) lacks {', '.join(missing)}"
    return "ok", f"FFmpeg (libavcodec {library}) with {', '.join(DECODERS)}"


def _decode_check_clip() -> DecodedAudio:
    clip = files("cca_tools.media") / "data" / "check.mp4"
    with GuardedPool(1, 30.0) as pool:
        outcome = pool.submit(decode_audio, str(clip), 16_000).result()
    if outcome.value is None:
        raise RuntimeError(f"a child process could not decode a clip: {outcome.detail}")
    return outcome.value


def _decoding() -> tuple[State, str]:
    sound = _decode_check_clip()
    spectrum = np.abs(np.fft.rfft(sound.samples[: 16_000 * int(TONE_S)]))
    heard_hz = float(spectrum.argmax()) / TONE_S
    found = f"{sound.status}, {sound.seconds:.2f} s, {heard_hz:.0f} Hz"
    if sound.status != "ok" or abs(heard_hz - TONE_HZ) > 1 or abs(sound.seconds - TONE_S) > 0.1:
        return "failed", f"the bundled clip is {TONE_S:g} s of {TONE_HZ:g} Hz, but gave {found}"
    return "ok", f"bundled MP4 in a child process: {found}"


def _tagging() -> tuple[State, str]:
    from cca_tools.taggers.registry import load_tagger

    tagger = load_tagger("yamnet")
    scores = tagger.score([tagger.features(_decode_check_clip().samples)]).probs[0]
    best = int(scores.argmax())
    if not np.isfinite(scores).all():
        return "failed", "the bundled YAMNet gives scores that are no numbers"
    return "ok", f"the bundled YAMNet hears '{tagger.labels.names[best]}' ({scores[best]:.2f})"


def _devices() -> tuple[State, str]:
    import torch

    cpus = f"{usable_cpus()} processors, {torch.get_num_threads()} torch threads"
    if not torch.cuda.is_available():
        return "ok", f"{cpus}; no CUDA device"
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return "ok", f"{cpus}; CUDA: {', '.join(names)}"


def _weights() -> tuple[State, str]:
    from cca_tools.taggers.overview import tagger_overview

    rows = tagger_overview()
    here = [row["name"] for row in rows if row["weights"] != "absent"]
    absent = [row["name"] for row in rows if row["weights"] == "absent"]
    detail = f"at hand: {', '.join(here)}"
    if absent:
        detail += f"; to download when used, or by `cca-tools weights pull`: {', '.join(absent)}"
    return "ok", detail


def _cache() -> tuple[State, str]:
    from cca_tools.taggers.weights import cache_folder

    return _folder_state(cache_folder())


def _workspace(workspace: Path) -> tuple[State, str]:
    return _folder_state(workspace.absolute())


def _folder_state(folder: Path) -> tuple[State, str]:
    existing = folder
    with suppress(StopIteration):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if not os.access(existing, os.W_OK):
        return "failed", f"{detail}; {existing} cannot be written"
    return ("warning" if free < LOW_DISK_BYTES else "ok"), detail
