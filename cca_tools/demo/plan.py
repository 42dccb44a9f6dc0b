"""Which clips the demo dataset has: groups, splits, sounds, flaws, seeds. No disk, no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cca_tools.demo.classes import CLASSES, draw_sounds

Flaw = Literal["", "silent", "no_audio_stream"]

CLIPS_A_GROUP = 2
MIN_CLIPS = 4  # a class needs a group to train on and one to test on
_TEST_SHARE = 1 / 3
# class -> the flaws of its first training clips
_FLAWS: dict[str, tuple[Flaw, ...]] = {
    "SailingBoat": ("silent", "no_audio_stream"),
    "StretchingFigure": ("no_audio_stream", "silent"),
}


@dataclass(frozen=True)
class ClipPlan:
    """One clip before it is made.

    Attributes:
        path: Relative to the dataset, as in ``train/RingingBell/RingingBell_g01_c02.mp4``.
        class_name: A key of `CLASSES`.
        split: ``train`` or ``test``; a recording is never in both.
        group: The recording that it is cut from.
        sound: A key of `SOUNDS`: what it sounds like, but for a flaw.
        flaw: ``silent``: its audio stream is all zeros. ``no_audio_stream``: it has none.
        recording_seed: For what the clips of the recording share.
        clip_seed: For this clip alone.
    """

    path: str
    class_name: str
    split: str
    group: str
    sound: str
    flaw: Flaw
    recording_seed: tuple[int, ...]
    clip_seed: tuple[int, ...]


def plan_clips(seed: int, videos_per_class: int) -> list[ClipPlan]:
    """Return all clips, class by class.

    Args:
        seed: From which everything follows.
        videos_per_class: At least `MIN_CLIPS`; an odd one is the third of the last group.

    >>> clips = plan_clips(0, 12)
    >>> len(clips), clips[0].path
    (180, 'train/BouncingBall/BouncingBall_g01_c01.mp4')
    """
    return [
        clip
        for number, name in enumerate(CLASSES)
        for clip in _plan_class(name, (seed, number), videos_per_class)
    ]


def _plan_class(name: str, seed: tuple[int, int], videos: int) -> list[ClipPlan]:
    groups = videos // CLIPS_A_GROUP
    num_test = max(1, round(_TEST_SHARE * groups))
    sounds = draw_sounds(name, groups, np.random.default_rng((*seed, 0)))
    clips = []
    for clip in range(videos):
        group = min(clip // CLIPS_A_GROUP, groups - 1)
        split = "train" if group < groups - num_test else "test"
        group_name = f"{name}_g{group + 1:02d}"
        file = f"{group_name}_c{clip - group * CLIPS_A_GROUP + 1:02d}.mp4"
        clips.append(
            ClipPlan(
                path=f"{split}/{name}/{file}",
                class_name=name,
                split=split,
                group=group_name,
                sound=sounds[group],
                flaw="",
                recording_seed=(*seed, 1, group),
                clip_seed=(*seed, 2, clip),
            )
        )
    return _with_flaws(clips, _FLAWS.get(name, ()))


def _with_flaws(clips: Sequence[ClipPlan], flaws: Sequence[Flaw]) -> list[ClipPlan]:
    """Give the first clip of each of the first groups one of the flaws."""
    firsts = [index for index, clip in enumerate(clips) if clip.path.endswith("_c01.mp4")]
    flawed = dict(zip(firsts, flaws, strict=False))
    return [replace(clip, flaw=flawed.get(index, "")) for index, clip in enumerate(clips)]
