"""The classes of the demo dataset: what is seen, what is heard, and how the two belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from numpy.random import Generator

from cca_tools.demo import scenes_high, scenes_none, scenes_weak, sounds_free, sounds_high
from cca_tools.demo.recording import Cues, Recording, Take
from cca_tools.demo.synth import Sound

Level = Literal["highly", "weakly", "not"]


@dataclass(frozen=True)
class DemoSound:
    """A kind of sound.

    Attributes:
        make: Makes one; of the sounds that belong to a picture, from the picture's cues.
        tags: The audio classes (AudioSet names) that it is meant to be heard as, any of them.
    """

    make: Callable[[Recording, Cues, float, Generator], Sound]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class DemoClass:
    """A class of videos.

    Attributes:
        level: ``highly``: the sound follows the picture. ``weakly``: two thirds of the
            recordings have the class's typical sound, the rest one of the others' sounds.
            ``not``: each recording has any sound of a pool that is common to all such classes.
        scene: Makes the picture.
        sound: The class's own or typical sound, a key of `SOUNDS`; empty for ``not``.
    """

    level: Level
    scene: Callable[[Recording, Generator, float], Take]
    sound: str = ""


SOUNDS: dict[str, DemoSound] = {
    "bounces": DemoSound(
        sounds_high.ball_bounces, ("Basketball bounce", "Bouncing", "Thump, thud")
    ),
    "bell": DemoSound(sounds_high.bell_strokes, ("Bell", "Church bell")),
    "siren": DemoSound(sounds_high.siren_wail, ("Siren", "Emergency vehicle")),
    "ticks": DemoSound(sounds_high.clock_ticks, ("Tick", "Tick-tock", "Clock")),
    "strings": DemoSound(sounds_high.string_plucks, ("Plucked string instrument", "Guitar")),
    "road": DemoSound(sounds_free.road, ("Vehicle", "Car", "Motor vehicle (road)")),
    "breeze": DemoSound(sounds_free.breeze, ("Wind", "Wind noise (microphone)", "Waves, surf")),
    "fair organ": DemoSound(sounds_free.fair_organ, ("Organ", "Keyboard (musical)", "Accordion")),
    "piano": DemoSound(sounds_free.piano, ("Piano", "Electric piano")),
    "dance beat": DemoSound(sounds_free.dance_beat, ("Music", "Drum machine")),
    "talk": DemoSound(sounds_free.talk, ("Speech",)),
    "busy tone": DemoSound(sounds_free.busy_tone, ("Busy signal", "Dial tone", "Telephone")),
    "static": DemoSound(sounds_free.radio_static, ("Static", "White noise", "Hiss", "Steam")),
    "theremin": DemoSound(sounds_free.theremin, ("Theremin", "Musical instrument")),
}

WEAK_POOL = ("road", "breeze", "fair organ")
FREE_POOL = ("piano", "dance beat", "talk", "busy tone", "static", "theremin")
TYPICAL_SHARE = 2 / 3

CLASSES: dict[str, DemoClass] = {
    "BouncingBall": DemoClass("highly", scenes_high.bouncing_ball, "bounces"),
    "RingingBell": DemoClass("highly", scenes_high.ringing_bell, "bell"),
    "SpinningSiren": DemoClass("highly", scenes_high.spinning_siren, "siren"),
    "TickingClock": DemoClass("highly", scenes_high.ticking_clock, "ticks"),
    "PluckedStrings": DemoClass("highly", scenes_high.plucked_strings, "strings"),
    "CityTraffic": DemoClass("weakly", scenes_weak.city_traffic, "road"),
    "TrainJourney": DemoClass("weakly", scenes_weak.train_journey, "road"),
    "SailingBoat": DemoClass("weakly", scenes_weak.sailing_boat, "breeze"),
    "FlyingKite": DemoClass("weakly", scenes_weak.flying_kite, "breeze"),
    "FairCarousel": DemoClass("weakly", scenes_weak.fair_carousel, "fair organ"),
    "GrowingFlower": DemoClass("not", scenes_none.growing_flower),
    "PaintingBrush": DemoClass("not", scenes_none.painting_brush),
    "SwimmingFish": DemoClass("not", scenes_none.swimming_fish),
    "TurningKaleidoscope": DemoClass("not", scenes_none.turning_kaleidoscope),
    "StretchingFigure": DemoClass("not", scenes_none.stretching_figure),
}


def draw_sounds(name: str, recordings: int, rng: Generator) -> list[str]:
    """Return the kind of sound of each recording of a class.

    Args:
        name: The class.
        recordings: How many it has.
        rng: For what is left to chance.

    >>> import numpy as np
    >>> sounds = draw_sounds("CityTraffic", 6, np.random.default_rng(0))
    >>> sounds.count("road"), len(sounds)
    (4, 6)
    """
    demo_class = CLASSES[name]
    if demo_class.level == "highly":
        return [demo_class.sound] * recordings
    if demo_class.level == "not":
        return [str(sound) for sound in rng.choice(FREE_POOL, recordings)]
    others = [sound for sound in WEAK_POOL if sound != demo_class.sound]
    typical = round(TYPICAL_SHARE * recordings)
    sounds = [demo_class.sound] * typical
    sounds += [str(sound) for sound in rng.choice(others, recordings - typical)]
    return [sounds[index] for index in rng.permutation(recordings)]
