"""How big a benchmark is: the data, the clips of training, and the methods and seeds."""

from __future__ import annotations

from dataclasses import dataclass

from cca_tools.correspondence.generate import DataSettings
from cca_tools.correspondence.scenes import Difficulty
from cca_tools.errors import UsageError

REQUIRED = ("baseline", "crd", "cmc", "ccl", "ccl-released")
CONTROLS = ("labels-only", "random-teacher", "random-teacher-class")


@dataclass(frozen=True)
class Size:
    """What a benchmark takes.

    Attributes:
        data: Of the dataset.
        short_side: Of the packed pictures, in pixels.
        assignments: ``NAME=VALUE`` settings of every training run.
        seeds: How many runs a method and stratum.
        methods: Which ones.
        about: For whom it is.
    """

    data: DataSettings
    short_side: int
    assignments: tuple[str, ...]
    seeds: int
    methods: tuple[str, ...]
    about: str


# digits are not mirrored, and keep their proportions
_CLIPS = ("data.flip=0", "data.crop_ratio=[1.0,1.0]", "data.crop_scale=[0.6,1.0]")
_COMMON = (*_CLIPS, "student.name=tiny", "optim.lr=0.05", "optim.schedule=cosine")

# more videos, longer training and larger clips want harder pictures
_HARDER = Difficulty(size=(28.0, 44.0), margin=0.25, clutter=5, faintness=0.8, bars=2, noise=0.12)

SIZES = {
    "smoke": Size(
        data=DataSettings(train=6, test=3),
        short_side=32,
        assignments=(
            *_COMMON,
            "data.num_frames=2",
            "data.stride=8",
            "data.size=32",
            "data.batch_size=14",
            "data.videos_per_class=2",
            "data.clips_per_video=1",
            "optim.epochs=1",
        ),
        seeds=1,
        methods=("baseline", "ccl"),
        about="a minute or two, to see that it runs; its figures say nothing",
    ),
    "default": Size(
        data=DataSettings(train=100, test=40),
        short_side=32,
        assignments=(
            *_COMMON,
            "data.num_frames=4",
            "data.stride=6",
            "data.size=32",
            "data.batch_size=28",
            "data.videos_per_class=4",
            "data.clips_per_video=1",
            "optim.epochs=15",
        ),
        seeds=5,
        methods=(*REQUIRED, *CONTROLS),
        about="an hour or so on two cores",
    ),
    "full": Size(
        data=DataSettings(train=600, test=300, difficulty=_HARDER),
        short_side=64,
        assignments=(
            *_COMMON,
            "data.num_frames=8",
            "data.stride=3",
            "data.size=64",
            "data.batch_size=56",
            "data.videos_per_class=8",
            "data.clips_per_video=2",
            "optim.epochs=40",
        ),
        seeds=10,
        methods=(*REQUIRED, *CONTROLS),
        about="for a GPU",
    ),
}


def size_named(name: str) -> Size:
    """Return a size.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.
    """
    if name not in SIZES:
        raise UsageError(f"no size {name!r}", f"Known are {', '.join(SIZES)}")
    return SIZES[name]
