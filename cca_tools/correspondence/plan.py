"""Which clips the dataset has: who wrote what is seen, and what is heard. No disk, no pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from cca_tools.correspondence.digits import load_scans, split_forms
from cca_tools.correspondence.sounds import Recording, split_recordings
from cca_tools.errors import DataError, UsageError

# Ten kinds of recordings are enough for seven digits: seven kinds of their own, and three that
# are shared by three, two and two. The other digits are what the clutter is cut from.
CLASS_DIGITS = (0, 2, 3, 5, 6, 8, 9)
CLUTTER_DIGITS = (1, 4, 7)
SHARING = (3, 2, 2)
KINDS_NEEDED = len(CLASS_DIGITS) + len(SHARING)

# soundtrack, as it stands in the names of the classes -> the level that it makes true
SOUNDTRACKS = {"own": "highly", "shared": "weakly", "any": "not"}


@dataclass(frozen=True)
class Scene:
    """The picture of a clip, which all soundtracks have in common.

    Attributes:
        split: ``train`` or ``test``.
        digit: What it shows.
        number: Among the scenes of the split and digit, from 0.
        form: The form that the scan was cut from: who wrote it.
        scan: The number of the scan.
        clutter: The numbers of the scans that the clutter is cut from.
        seed: For everything else that is seen.
    """

    split: str
    digit: int
    number: int
    form: int
    scan: int
    clutter: tuple[int, ...]
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Clip:
    """A scene with a soundtrack: one video.

    Attributes:
        scene: What is seen.
        soundtrack: A key of `SOUNDTRACKS`.
        recording: What is heard.
        sound_seed: Which piece of the recording.
    """

    scene: Scene
    soundtrack: str
    recording: Recording
    sound_seed: tuple[int, ...]

    @property
    def class_name(self) -> str:
        """Digit and soundtrack, as in ``digit3_own``."""
        return class_name(self.scene.digit, self.soundtrack)

    @property
    def group(self) -> str:
        """The class and who wrote the digit, as in ``digit3_own_w07``."""
        return f"{self.class_name}_w{self.scene.form:02d}"

    @property
    def path(self) -> str:
        """As in ``train/digit3_own/digit3_own_w07_v0012.mp4``."""
        name = f"{self.group}_v{self.scene.number:04d}.mp4"
        return f"{self.scene.split}/{self.class_name}/{name}"

    def sound_rng(self) -> Generator:
        """Return what draws the piece of the recording, always from its beginning."""
        return np.random.default_rng(self.sound_seed)


@dataclass(frozen=True)
class Plan:
    """All clips, and what each class is meant to sound like.

    Attributes:
        clips: Ordered by split, digit, number and soundtrack.
        kinds: Class name -> the kinds of recordings that it has.
    """

    clips: tuple[Clip, ...]
    kinds: Mapping[str, tuple[str, ...]]

    def by_scene(self) -> list[tuple[Clip, ...]]:
        """Return the clips of each scene, one a soundtrack."""
        scenes: dict[Scene, list[Clip]] = {}
        for clip in self.clips:
            scenes.setdefault(clip.scene, []).append(clip)
        return [tuple(clips) for clips in scenes.values()]


def class_name(digit: int, soundtrack: str) -> str:
    """Return the name of a class.

    >>> class_name(3, "own")
    'digit3_own'
    """
    return f"digit{digit}_{soundtrack}"


def make_plan(
    seed: int, videos_per_class: Mapping[str, int], recordings: Sequence[Recording]
) -> Plan:
    """Return the plan of a dataset; the same arguments give the same plan.

    Args:
        seed: From which everything follows, at least 0.
        videos_per_class: Of ``train`` and ``test``, at least 1 each.
        recordings: What may be heard, of at least ten kinds.

    Raises:
        UsageError: A number is out of range.
        DataError: Too few kinds of recordings, or a kind with a single source.
    """
    if seed < 0 or min(videos_per_class.values()) < 1:
        raise UsageError(
            f"seed {seed} with {dict(videos_per_class)} videos a class makes no dataset",
            "Give a seed from 0 and at least one video a class and split",
        )
    sides = split_recordings(recordings, np.random.default_rng((seed, 1)))
    kinds = _kinds_of_classes(sorted(sides), np.random.default_rng((seed, 2)))
    scenes = _scenes(seed, videos_per_class)
    clips: list[Clip] = []
    for position, soundtrack in enumerate(SOUNDTRACKS):
        for split, number in (("train", 0), ("test", 1)):
            shown = [scene for scene in scenes if scene.split == split]
            rng = np.random.default_rng((seed, 4, position, number))
            heard = _recordings_for(shown, soundtrack, kinds, sides, rng)
            clips += [
                Clip(scene, soundtrack, recording, (*scene.seed, position))
                for scene, recording in zip(shown, heard, strict=True)
            ]
    order = {scene: index for index, scene in enumerate(scenes)}
    return Plan(tuple(sorted(clips, key=lambda clip: order[clip.scene])), kinds)


def _kinds_of_classes(kinds: Sequence[str], rng: Generator) -> dict[str, tuple[str, ...]]:
    """Deal the kinds out: one to each digit, one to each group of digits, all to all."""
    if len(kinds) < KINDS_NEEDED:
        raise DataError(
            f"the recordings are of {len(kinds)} kinds: {', '.join(kinds)}",
            f"Give at least {KINDS_NEEDED}, each in a folder of its name",
        )
    dealt = [kinds[index] for index in rng.permutation(len(kinds))]
    sharers = np.repeat(np.arange(len(SHARING)), SHARING)[rng.permutation(len(CLASS_DIGITS))]
    of_class: dict[str, tuple[str, ...]] = {}
    for position, digit in enumerate(CLASS_DIGITS):
        of_class[class_name(digit, "own")] = (dealt[position],)
        shared = dealt[len(CLASS_DIGITS) + int(sharers[position])]
        of_class[class_name(digit, "shared")] = (shared,)
        of_class[class_name(digit, "any")] = tuple(kinds)
    return of_class


def _scenes(seed: int, videos_per_class: Mapping[str, int]) -> list[Scene]:
    scans, forms = load_scans(), split_forms(seed)
    scenes = []
    for number, split in enumerate(("train", "test")):
        clutter = scans.of(CLUTTER_DIGITS, forms[split])
        for digit in CLASS_DIGITS:
            rng = np.random.default_rng((seed, 5, number, digit))
            chosen = _rounds(scans.of((digit,), forms[split]), videos_per_class[split], rng)
            scenes += [
                Scene(
                    split=split,
                    digit=digit,
                    number=index,
                    form=int(scans.forms[scan]),
                    scan=int(scan),
                    clutter=tuple(rng.choice(clutter, 8).tolist()),
                    seed=(seed, 6, number, digit, index),
                )
                for index, scan in enumerate(chosen)
            ]
    return scenes


def _recordings_for(
    scenes: Sequence[Scene],
    soundtrack: str,
    kinds: Mapping[str, tuple[str, ...]],
    sides: Mapping[str, Mapping[str, list[Recording]]],
    rng: Generator,
) -> list[Recording]:
    """Return a recording for each scene, all of one split; of a class's kind each as often."""
    split = scenes[0].split
    heard: list[Recording] = []
    for digit in dict.fromkeys(scene.digit for scene in scenes):
        count = sum(scene.digit == digit for scene in scenes)
        pool = [one for kind in kinds[class_name(digit, soundtrack)] for one in sides[kind][split]]
        if soundtrack == "any":
            chosen = rng.integers(0, len(pool), count)
        else:
            chosen = _rounds(np.arange(len(pool)), count, rng)
        heard += [pool[index] for index in chosen]
    return heard


def _rounds(items: np.ndarray, count: int, rng: Generator) -> np.ndarray:
    """Return ``count`` of the items: each once in chance order, then each once more, and so on."""
    rounds = -(-count // len(items))
    return np.concatenate([rng.permutation(items) for _ in range(rounds)])[:count]
