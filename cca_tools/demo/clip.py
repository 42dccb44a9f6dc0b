"""Make one clip from its plan; what the child processes run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cca_tools.demo.classes import CLASSES, SOUNDS
from cca_tools.demo.encode import write_video
from cca_tools.demo.plan import ClipPlan
from cca_tools.demo.recording import FRAME_RATE, draw_recording, filmed, overheard
from cca_tools.demo.synth import Sound, at_peak

_LENGTH_S = (2.6, 4.2)
_PEAK_DBFS = (-9.0, -2.0)


def make_clip(root: str, clip: ClipPlan) -> None:
    """Paint, sound and write one clip; it depends on nothing but its plan.

    Raises:
        WorkspaceError: The folder ``root`` cannot be written.
    """
    recording = draw_recording(np.random.default_rng(clip.recording_seed))
    rng = np.random.default_rng(clip.clip_seed)
    seconds = round(rng.uniform(*_LENGTH_S) * FRAME_RATE) / FRAME_RATE
    take = CLASSES[clip.class_name].scene(recording, rng, seconds)
    pictures = filmed(take, recording, seconds, rng)
    sound: Sound | None = None
    if clip.flaw != "no_audio_stream":
        dry = SOUNDS[clip.sound].make(recording, take.cues, seconds, rng)
        heard = overheard(dry, recording, seconds, rng)
        sound = at_peak(heard, rng.uniform(*_PEAK_DBFS))
        if clip.flaw == "silent":
            sound = np.zeros_like(sound)
    write_video(Path(root) / clip.path, pictures, sound)
