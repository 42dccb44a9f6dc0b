"""Classes whose level is known, to learn from: the published ones, and one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cca_tools.reference.ucf51 import ucf51_levels
from cca_tools.reference.ucf51_artefacts import published_associations
from cca_tools.suggestions.features import feature_table, heard_classes, meanings
from cca_tools.suggestions.text import Encoder

ORDER = ("not", "weakly", "highly")  # from the lowest to the highest
LEAST_OWN = 10  # classes labelled by oneself from which on they are learnt from


@dataclass(frozen=True)
class Training:
    """Classes with features and a level.

    Args:
        names: (N,) class names; a name may stand twice, published and own.
        features: (N, F) frame with the columns of ``FEATURES``; NaN where not known.
        levels: (N,) positions in ``ORDER``.
        own: (N,) whether the level is the user's own.
    """

    names: NDArray[np.str_]
    features: pd.DataFrame
    levels: NDArray[np.int64]
    own: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    def only(self, keep: NDArray[np.bool_]) -> Training:
        """Return the rows that are marked."""
        return Training(self.names[keep], self.features[keep], self.levels[keep], self.own[keep])


@cache
def published_audio() -> pd.DataFrame:
    """Return how well audio alone tells the 51 published classes; see `audio_probe.probe`.

    Measured on the released audio embeddings by ``python -m benchmarks.suggestions --bundle``.
    """
    file = resources.files(__package__).joinpath("data", "ucf51_audio.json")
    return pd.DataFrame(json.loads(file.read_text(encoding="utf-8"))["classes"])


def published_training(encode: Encoder | None) -> Training:
    """Return the 51 published classes, their levels, and their features by this encoder."""
    heard = heard_classes(published_associations())
    meaning = None if encode is None else meanings(heard, encode)
    return labelled(feature_table(heard, meaning, published_audio()), ucf51_levels(), own=False)


def labelled(features: pd.DataFrame, levels: Mapping[str, str], *, own: bool) -> Training:
    """Return the classes of a feature table that have one of the three levels."""
    known = [name for name in features.index if levels.get(name) in ORDER]
    return Training(
        np.asarray(known, dtype=str),
        features.loc[known],
        np.array([ORDER.index(levels[name]) for name in known], dtype=np.int64),
        np.full(len(known), own),
    )


def joined(first: Training, second: Training) -> Training:
    """Return the rows of both."""
    return Training(
        np.concatenate([first.names, second.names]),
        pd.concat([first.features, second.features]),
        np.concatenate([first.levels, second.levels]),
        np.concatenate([first.own, second.own]),
    )
