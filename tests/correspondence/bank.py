"""Folders of recordings for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from makers import Track, tone, write_media

from cca_tools.correspondence.sounds import Recording

RATE = 16_000


def write_kind(folder: Path, kind: str, names: list[str], hz: float = 440.0) -> None:
    """Write recordings of a kind: half a second of tone, then half a second of silence."""
    (folder / kind).mkdir(parents=True)
    for name in names:
        sound = np.concatenate([tone(0.5, RATE, hz=hz), np.zeros(RATE // 2, np.float32)])
        write_media(folder / kind / f"{name}.wav", Track(sound, RATE))


def made_up(kinds: int = 10, sources: int = 6, takes: int = 2) -> list[Recording]:
    """Recordings that exist by name alone."""
    return [
        Recording(f"k{kind}", f"k{kind}/{source}-{take}", f"k{kind}/{source}", seed=(kind, source))
        for kind in range(kinds)
        for source in range(sources)
        for take in range(takes)
    ]
