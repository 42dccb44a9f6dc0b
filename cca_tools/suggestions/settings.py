"""The settings of one run of suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cca_tools.errors import UsageError
from cca_tools.labels.adjudication import final_levels
from cca_tools.labels.study import open_labels
from cca_tools.reports.levels import read_levels
from cca_tools.suggestions.probe_sources import MOST_VIDEOS
from cca_tools.suggestions.text import BUNDLED
from cca_tools.workspace import Workspace

AUDIO = ("folds", "split", "none")
OWN_LABELS = "labels"


@dataclass(frozen=True)
class Settings:
    """What shapes suggestions.

    Args:
        associations: A file of associations in place of the workspace's, such as published ones.
        encoder: A text encoder's name or folder, or ``none``.
        audio: How audio alone is tested: ``folds`` by recording, the manifest's ``split``, or
            ``none``.
        features: A file of audio features in place of those in the tags.
        tags: The tag run that they are taken from; None means the newest.
        most_videos: From more videos than this a sample is probed, at least 100.
        learn_from: ``labels`` for the study's own, a CSV file, or None: what is learnt from
            besides the published labels.
        database: Where the study's own labels lie; None is ``labels.db`` of the workspace.
        seed: Of folds, samples and resamples, at least 0.

    Raises:
        UsageError: A value out of its range.
    """

    associations: Path | None = None
    encoder: str = BUNDLED
    audio: str = "folds"
    features: Path | None = None
    tags: str | None = None
    most_videos: int = MOST_VIDEOS
    learn_from: str | None = None
    database: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.audio not in AUDIO:
            raise UsageError(
                f"--audio must be one of {', '.join(AUDIO)}, got {self.audio!r}",
                "Choose one of them",
            )
        for name, least in (("most_videos", 100), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"--{name.replace('_', '-')} must be at least {least}, "
                    f"got {getattr(self, name)}",
                    "Give such a number",
                )


def levels_from(workspace: Workspace, source: str, database: str | None = None) -> dict[str, str]:
    """Return the level of each class, by its name.

    Args:
        workspace: Whose labels are meant.
        source: ``labels`` (decisions, and the majority where there is none), ``published-ucf51``,
            or a CSV file.
        database: The address of the label database; None is the workspace's own.

    Raises:
        DataError: There are no labels, or see `read_levels` and `open_labels`.
    """
    if source != OWN_LABELS:
        return read_levels(source)
    with open_labels(workspace, database) as store:
        final = final_levels(store, "adjudicated")
    return dict(zip(final["class_name"], final["level"], strict=True))
