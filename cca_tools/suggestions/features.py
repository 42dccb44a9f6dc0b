"""What is known of a class, as numbers that mean the same in every dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from cca_tools.associations.ranking import rank_within
from cca_tools.reference.ucf51 import ucf51_classes
from cca_tools.reference.ucf51_artefacts import published_associations
from cca_tools.suggestions.text import PROMPTS, Encoder, Prompts, similarity
from cca_tools.taggers.labels import audioset_labels

HEARD = 10  # audio classes of a video class that count, the most frequent ones

# family -> its features; a class has all or none of a family
FAMILIES: dict[str, tuple[str, ...]] = {
    "meaning": ("similarity", "nearness"),
    "distinctiveness": ("distinctiveness",),
    "audio": ("audio_log_odds",),
}
FEATURES = tuple(name for names in FAMILIES.values() for name in names)


@dataclass(frozen=True)
class Nearest:
    """An audio class that is heard, and how near it is in meaning."""

    tag: str
    similarity: float


def heard_classes(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the ten audio classes that most videos of each class have, by class and rank.

    Whatever the table was ranked by, the order here is that of the paper's tables: by videos,
    then by the table's own rank. Where no counts are known, it is the table's rank.
    """
    videos = pairs["videos"].astype("Float64").fillna(0).to_numpy(dtype=np.float64)
    class_id = pairs["class_name"].factorize(sort=True)[0]
    place = rank_within(class_id, (videos,), pairs["rank"].to_numpy())
    heard = pairs.assign(rank=place)[place <= HEARD]
    return heard.sort_values(["class_name", "rank"], ignore_index=True)


def class_shares(heard: pd.DataFrame) -> pd.Series:
    """Return, by audio class, the part of the video classes that have it among their ten.

    The 51 published classes are counted in, so that a small dataset has a base too, and a
    published table alone is what it is.

    Args:
        heard: ``class_name`` and ``mid``, the ten of each class.
    """
    base = heard_classes(published_associations())
    counts = heard["mid"].value_counts().add(base["mid"].value_counts(), fill_value=0)
    return pd.Series(counts / (heard["class_name"].nunique() + len(ucf51_classes())))


def distinctiveness(heard: pd.DataFrame) -> pd.Series:
    """Return, by class, the mean of -ln(share of classes that hear the same) over its ten.

    One term is at most ln 51, that of an audio class heard in one published class alone: else a
    dataset of more classes would seem more distinctive.
    """
    shares = heard["mid"].map(class_shares(heard)).clip(lower=1 / len(ucf51_classes()))
    return pd.Series(-np.log(shares)).groupby(heard["class_name"]).mean()


def audio_classes(heard: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return MIDs and names of AudioSet's classes, and of what else is heard."""
    labels = audioset_labels()
    more = heard[~heard["mid"].isin(labels.mids)].drop_duplicates("mid").sort_values("mid")
    return (*labels.mids, *more["mid"]), (*labels.names, *more["tag"])


@dataclass(frozen=True)
class Meaning:
    """How near in meaning a class and its audio classes are.

    Args:
        heard: Its ten audio classes, the nearest first.
        nearer: How many other audio classes are nearer to the class's name than the first of
            these, without being heard.
        known: How many audio classes there are.
    """

    heard: tuple[Nearest, ...]
    nearer: int
    known: int


def meanings(
    heard: pd.DataFrame, encode: Encoder, prompts: Prompts = PROMPTS
) -> dict[str, Meaning]:
    """Return what text says of each class: see `Meaning` and `text.similarity`."""
    names = sorted(heard["class_name"].unique())
    mids, tags = audio_classes(heard)
    place_of = {mid: place for place, mid in enumerate(mids)}
    cosines = similarity(encode, names, tags, prompts)
    found = {}
    for name, cosine in zip(names, cosines, strict=True):
        mine = [place_of[mid] for mid in heard.loc[heard["class_name"] == name, "mid"]]
        mine.sort(key=lambda place: (-cosine[place], place))
        nearest = tuple(Nearest(tags[place], float(cosine[place])) for place in mine)
        found[name] = Meaning(nearest, int((cosine > cosine[mine[0]]).sum()), len(mids))
    return found


def feature_table(
    heard: pd.DataFrame, meaning: dict[str, Meaning] | None, audio: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the features of each class; NaN where a family is not known.

    Args:
        heard: What `heard_classes` gave.
        meaning: What `meanings` gave, or None without a text encoder.
        audio: ``class_name``, ``videos`` and ``ten_way`` of `audio_probe.probe`, or None.

    Returns:
        (C, 4) frame with the columns of ``FEATURES``, by class name: the largest similarity of
        an audio class that is heard; minus ln(1 + the number of those nearer but not heard);
        the distinctiveness; and ln of the odds that audio alone tells the class among ten, with
        half a video added to either side.
    """
    table = pd.DataFrame({"distinctiveness": distinctiveness(heard)})
    if meaning is not None:
        table["similarity"] = {name: one.heard[0].similarity for name, one in meaning.items()}
        table["nearness"] = {name: -np.log1p(one.nearer) for name, one in meaning.items()}
    if audio is not None:
        odds = audio_log_odds(audio["ten_way"].to_numpy(), audio["videos"].to_numpy())
        table["audio_log_odds"] = pd.Series(odds, index=audio["class_name"])
    return table.reindex(columns=list(FEATURES)).astype(np.float64)


def audio_log_odds(accuracy: NDArray[np.float64], videos: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ln((right + 1/2) / (wrong + 1/2)), so that few videos say little.

    >>> audio_log_odds(np.array([0.5, 1.0]), np.array([10, 10])).round(2).tolist()
    [0.0, 3.04]
    """
    odds: NDArray[np.float64] = logit((accuracy * videos + 0.5) / (videos + 1))
    return odds


def known_families(row: pd.Series) -> tuple[str, ...]:
    """Return the families of which a class has every feature."""
    return tuple(family for family, names in FAMILIES.items() if row[list(names)].notna().all())


def columns_of(families: Sequence[str]) -> list[str]:
    """Return the features of these families, in the order of ``FEATURES``."""
    return [name for family in families for name in FAMILIES[family]]
