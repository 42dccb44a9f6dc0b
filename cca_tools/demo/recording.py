"""What the clips of one recording share: light, colours, size, tempo, voice, room, microphone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from cca_tools.demo.canvas import HEIGHT, WIDTH, Canvas, Colour, Picture, colour
from cca_tools.demo.synth import Sound, at_level, band, coloured, in_room

FRAME_RATE = 12  # pictures a second


@dataclass(frozen=True)
class Recording:
    """One recording: its clips look and sound alike, as those of one session do.

    Attributes:
        scenery: Seed of what stands still behind the thing.
        hue: Of the thing that the class is about, from 0 to 1.
        accent: Hue of its second colour.
        backdrop: Hue of what is behind it.
        light: Brightness, around 1.
        size: Of the thing, around 1.
        tempo: From 0 (slow) to 1 (quick).
        pitch: From 0 (low) to 1 (high); what is big sounds low.
        shake: How far the camera trembles, in picture heights.
        grain: Standard deviation of the camera's noise.
        echo_half_life_s: Of the room.
        echo_share: Loudness of the room's echo.
        hiss: Root mean square of the microphone's noise against a full-scale sound.
        low_hz: Where the microphone begins to hear.
        high_hz: Where it ceases to.
    """

    scenery: int
    hue: float
    accent: float
    backdrop: float
    light: float
    size: float
    tempo: float
    pitch: float
    shake: float
    grain: float
    echo_half_life_s: float
    echo_share: float
    hiss: float
    low_hz: float
    high_hz: float

    @property
    def main(self) -> Colour:
        """The thing's colour."""
        return colour(self.hue, 0.65, 0.85)

    @property
    def second(self) -> Colour:
        """Its second colour."""
        return colour(self.accent, 0.55, 0.9)

    @property
    def dark(self) -> Colour:
        """Its colour in the shade."""
        return colour(self.hue, 0.5, 0.25)


def draw_recording(rng: Generator) -> Recording:
    """Draw a recording."""
    hue, size = rng.uniform(), rng.uniform(0.8, 1.2)
    return Recording(
        scenery=int(rng.integers(2**31)),
        hue=hue,
        accent=hue + rng.uniform(0.3, 0.7),
        backdrop=rng.uniform(),
        light=rng.uniform(0.8, 1.1),
        size=size,
        tempo=rng.uniform(),
        pitch=float(np.clip((1.2 - size) / 0.4 + rng.normal(0, 0.1), 0, 1)),
        shake=rng.uniform(0.0, 0.008),
        grain=rng.uniform(0.015, 0.045),
        echo_half_life_s=rng.uniform(0.015, 0.08),
        echo_share=rng.uniform(0.1, 0.4),
        hiss=10 ** rng.uniform(-3.2, -2.4),
        low_hz=rng.uniform(30, 80),
        high_hz=rng.uniform(9_000, 16_000),
    )


@dataclass(frozen=True)
class Cues:
    """What happens in the picture that can be heard.

    Attributes:
        times_s: When: the stroke of a bell, a ball's touch of the ground, a turn of a lamp.
        strengths: How strongly, from 0 to 1.
        kinds: Which of several: the string, the side.
    """

    times_s: tuple[float, ...] = ()
    strengths: tuple[float, ...] = ()
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Take:
    """One clip before it is painted.

    Attributes:
        ground: What stands still.
        paint: Paints what moves, at a time in seconds.
        cues: What happens.
    """

    ground: Picture
    paint: Callable[[Canvas, float], None]
    cues: Cues = Cues()


def filmed(take: Take, recording: Recording, seconds: float, rng: Generator) -> list[Picture]:
    """Return the pictures of a take, as the recording's camera sees them."""
    pictures = []
    for index in range(round(seconds * FRAME_RATE)):
        canvas = Canvas(take.ground)
        take.paint(canvas, index / FRAME_RATE)
        down, right = np.rint(rng.normal(0, recording.shake * HEIGHT, 2)).astype(np.int64)
        picture = canvas.picture.take(np.arange(HEIGHT) + down, axis=0, mode="clip")
        picture = picture.take(np.arange(WIDTH) + right, axis=1, mode="clip") * recording.light
        grain = rng.standard_normal(picture.shape[:2], dtype=np.float32)[:, :, None]
        pictures.append(np.clip(picture + np.float32(recording.grain) * grain, 0, 1))
    return pictures


def overheard(sound: Sound, recording: Recording, seconds: float, rng: Generator) -> Sound:
    """Return a dry sound as the recording's microphone hears it: room, its band, its hiss."""
    wet = in_room(sound, recording.echo_half_life_s, recording.echo_share, rng)
    heard = band(wet, recording.low_hz, recording.high_hz)
    peak = max(float(abs(heard).max(initial=0.0)), 1e-9)
    return heard / peak + at_level(coloured(seconds, 1.0, rng), recording.hiss)
