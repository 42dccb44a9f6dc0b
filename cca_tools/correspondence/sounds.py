"""Where the sounds come from: a folder of labelled recordings, or the demo's synthesiser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from cca_tools.datasets.tree import AUDIO_SUFFIXES, has_suffix
from cca_tools.demo.classes import SOUNDS
from cca_tools.demo.recording import Cues, draw_recording, overheard
from cca_tools.demo.synth import RATE, Sound, at_peak, num_samples
from cca_tools.errors import DataError
from cca_tools.media.audio import decode_audio

# of the demo's sounds, ten that taggers tell apart
GENERATED_KINDS = (
    "bell",
    "busy tone",
    "dance beat",
    "fair organ",
    "road",
    "siren",
    "static",
    "strings",
    "talk",
    "ticks",
)
_GENERATED_RECORDINGS = 24  # of each kind, as ESC-10's part that is at hand
_PEAK_DBFS = (-9.0, -2.0)
_LOUD_SHARE = 0.25  # an excerpt is drawn among those with at least this share of the best energy
_STEP_S = 0.1
_TEST_SHARE = 1 / 3
_ESC_NAME = re.compile(r"\d+-(\d+)-[A-Z](?:-\d+)?")  # fold, Freesound's id, take


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        kind: Its class, as the folder or the synthesiser names it.
        name: Unique among all.
        source: What it was cut from; recordings of one source stay on one side.
        path: Where it lies; empty for a synthesised one.
        seed: Of a synthesised one.
    """

    kind: str
    name: str
    source: str
    path: str = ""
    seed: tuple[int, ...] = ()


def recordings_in(folder: Path) -> list[Recording]:
    """Return the recordings of a folder of class folders, sorted by name.

    Names of ESC-10 and ESC-50 (``FOLD-FREESOUNDID-TAKE``) tell which were cut from one source.

    Raises:
        DataError: There is no such folder, or no class folder with sounds in it.
    """
    if not folder.is_dir():
        raise DataError(f"the folder of sounds {folder} is not there", "Check --sounds")
    found = [
        Recording(kind.name, f"{kind.name}/{file.stem}", _source(kind.name, file.stem), str(file))
        for kind in sorted(folder.iterdir())
        if kind.is_dir()
        for file in sorted(kind.iterdir())
        if has_suffix(file.name, AUDIO_SUFFIXES)
    ]
    if not found:
        raise DataError(
            f"no recording lies in a class folder of {folder}",
            "Give a folder like ESC-10: dog_bark/1-100032-A.ogg, rain/...",
        )
    return found


def _source(kind: str, stem: str) -> str:
    match = _ESC_NAME.fullmatch(stem)
    return f"{kind}/{match.group(1) if match else stem}"


def generated_recordings(seed: int) -> list[Recording]:
    """Return recordings that the demo's synthesiser will make."""
    return [
        Recording(kind, name := f"{kind}/{number:02d}", name, seed=(seed, 3, position, number))
        for position, kind in enumerate(GENERATED_KINDS)
        for number in range(_GENERATED_RECORDINGS)
    ]


def split_recordings(
    recordings: Sequence[Recording], rng: Generator
) -> dict[str, dict[str, list[Recording]]]:
    """Return kind -> split -> recordings: about a third of each kind is for testing.

    Args:
        recordings: All there are.
        rng: Which sources go where.

    Raises:
        DataError: A kind has only one source.
    """
    kinds: dict[str, dict[str, list[Recording]]] = {}
    for kind in sorted({recording.kind for recording in recordings}):
        own = [recording for recording in recordings if recording.kind == kind]
        sources = sorted({recording.source for recording in own})
        if len(sources) < 2:
            raise DataError(
                f"all {len(own)} recordings of {kind} come from one source",
                "Give each kind recordings of two sources, one to train on and one to test on",
            )
        tested: list[Recording] = []
        for source in rng.permutation(sources)[:-1].tolist():
            if len(tested) < _TEST_SHARE * len(own):
                tested += [recording for recording in own if recording.source == source]
        kinds[kind] = {"train": [one for one in own if one not in tested], "test": tested}
    return kinds


def excerpt(recording: Recording, seconds: float, rng: Generator) -> Sound:
    """Return a piece of a recording: one of its louder ones, at a peak of -9 to -2 dBFS.

    Args:
        recording: What to cut from.
        seconds: How long; a shorter recording is followed by silence.
        rng: Where to cut, and how loud.

    Returns:
        (T,) at `RATE`, within [-1, 1].

    Raises:
        DataError: The file cannot be decoded, or is silent.
    """
    if recording.path:
        sound = _loud_piece(_decoded(recording.path), num_samples(seconds), rng)
    else:
        sound = _synthesised(recording, seconds, rng)
    return at_peak(sound, rng.uniform(*_PEAK_DBFS))


@lru_cache(maxsize=32)
def _decoded(path: str) -> Sound:
    decoded = decode_audio(path, RATE)
    samples = np.asarray(decoded.samples, dtype=np.float64)
    if not np.any(samples):
        raise DataError(f"{path} has no sound: {decoded.detail or 'silence'}", "Leave it out")
    return samples


def _loud_piece(sound: Sound, length: int, rng: Generator) -> Sound:
    """Return one of the pieces that have some of the loudest one's energy."""
    padded = np.pad(sound, (0, max(0, length - len(sound))))
    starts = np.arange(0, len(padded) - length + 1, num_samples(_STEP_S))
    energy = np.concatenate(([0.0], np.cumsum(np.square(padded))))
    pieces = energy[starts + length] - energy[starts]
    start = int(rng.choice(starts[pieces >= _LOUD_SHARE * pieces.max()]))
    return padded[start : start + length]


def _synthesised(recording: Recording, seconds: float, rng: Generator) -> Sound:
    """Return a new take of a synthesised recording: the same thing, room and microphone."""
    session = draw_recording(np.random.default_rng(recording.seed))
    dry = SOUNDS[recording.kind].make(session, _cues(seconds, rng), seconds, rng)
    return overheard(dry, session, seconds, rng)


def _cues(seconds: float, rng: Generator) -> Cues:
    """Return regular strokes from before the beginning to after the end."""
    period_s = rng.uniform(0.4, 0.6)
    times = np.arange(rng.uniform(-2 * period_s, -period_s), seconds + 2 * period_s, period_s)
    return Cues(
        tuple(times.tolist()),
        tuple(rng.uniform(0.6, 1.0, len(times)).tolist()),
        tuple(rng.integers(0, 6, len(times)).tolist()),
    )
