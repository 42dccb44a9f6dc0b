"""Gather what is known of each class of a workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cca_tools.associations.writing import classes_path
from cca_tools.errors import CcaError, DataError
from cca_tools.suggestions.audio_probe import NUM_WAYS, probe
from cca_tools.suggestions.features import (
    Meaning,
    class_shares,
    feature_table,
    heard_classes,
    meanings,
)
from cca_tools.suggestions.probe_sources import read_probe_data
from cca_tools.suggestions.settings import Settings
from cca_tools.suggestions.text import INSTALL, NO_ENCODER, Encoder, is_installed, load_encoder
from cca_tools.workspace import Workspace

_PAIRS = ["class_name", "rank", "mid", "tag", "videos", "share", "lift", "log_odds_z"]


@dataclass(frozen=True)
class Known:
    """What is known of the classes of a workspace.

    Args:
        classes: Every class, in alphabetical order, also those of which nothing is heard.
        heard: The ten audio classes of each, with ``class_share``: the part of the video classes
            that have the audio class among their ten.
        meaning: Class name -> what text says; None without an encoder.
        audio: What the audio probe found; None where it could not be run.
        features: (C, F) by class name; NaN where not known.
        encode: The text encoder, for the published classes.
        inputs: The files it came from.
        lacks: Family -> why no class has it.
        notices: What a reader must know.
        audio_source: The features that the probe was given, in words.
    """

    classes: tuple[str, ...]
    heard: pd.DataFrame
    meaning: dict[str, Meaning] | None
    audio: pd.DataFrame | None
    features: pd.DataFrame
    encode: Encoder | None
    inputs: tuple[Path, ...]
    lacks: dict[str, str]
    notices: tuple[str, ...]
    audio_source: str = ""


def gather(workspace: Workspace, settings: Settings, step: Callable[[str], object]) -> Known:
    """Read the associations, compare meanings, and probe the audio.

    Args:
        workspace: Has associations; and manifest and tags with embeddings, for the probe.
        settings: See `Settings`.
        step: Told what is being done.

    Raises:
        DataError: No associations; or ``settings`` name audio features that cannot be used.
        UsageError: ``settings`` name an encoder or tags that are not there.
    """
    path = settings.associations or workspace.associations
    pairs, classes = _read_associations(workspace, path)
    heard = heard_classes(pairs)
    heard["class_share"] = heard["mid"].map(class_shares(heard))
    lacks: dict[str, str] = {}
    encode = _encoder(settings, lacks)
    step("comparing what names mean")
    meaning = None if encode is None else meanings(heard, encode)
    step("testing how well audio alone tells the classes")
    audio, inputs, notices, source = _audio(workspace, settings, lacks)
    features = feature_table(heard, meaning, audio).reindex(list(classes))
    features.index.name = "class_name"
    return Known(
        classes, heard, meaning, audio, features, encode,
        (path, *inputs), lacks, notices, source,
    )  # fmt: skip


def _read_associations(workspace: Workspace, path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    workspace.require(path, "cca-tools associate")
    counted = classes_path(Workspace(path.parent))
    try:
        pairs = pd.read_parquet(path, columns=_PAIRS)
        more = pd.read_parquet(counted, columns=["class_name"]) if counted.exists() else pairs
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", "Make it again with `cca-tools associate`"
        ) from error
    pairs = pairs[pairs["class_name"] != ""]
    names = {*pairs["class_name"], *more["class_name"]} - {""}
    if pairs.empty:
        raise DataError(f"{path} has no class that anything is heard of", "Tag more videos")
    return pairs, tuple(sorted(names))


def _encoder(settings: Settings, lacks: dict[str, str]) -> Encoder | None:
    if settings.encoder == NO_ENCODER:
        lacks["meaning"] = "no text encoder was wanted"
        return None
    if not is_installed():
        lacks["meaning"] = f"the text encoder is not installed ({INSTALL})"
        return None
    return load_encoder(settings.encoder)


def _audio(
    workspace: Workspace, settings: Settings, lacks: dict[str, str]
) -> tuple[pd.DataFrame | None, tuple[Path, ...], tuple[str, ...], str]:
    nothing: tuple[None, tuple[Path, ...], tuple[str, ...], str] = (None, (), (), "")
    if settings.audio == "none":
        lacks["audio"] = "it was not wanted"
        return nothing
    try:
        data = read_probe_data(
            workspace,
            settings.features,
            settings.tags,
            most_videos=settings.most_videos,
            seed=settings.seed,
        )
        by_split = settings.audio == "split"
        train = (data.videos["split"] == "train").to_numpy() if by_split else None
        test = data.videos["split"].isin(["train", "test"]).to_numpy() if by_split else slice(None)
        rows = probe(
            data.embeddings[test],
            data.videos["class_name"].to_numpy()[test],
            data.videos["group"].to_numpy()[test],
            None if train is None else train[test],
            settings.seed,
        )
    except CcaError as error:
        if settings.features is not None or settings.tags is not None or settings.audio == "split":
            raise
        lacks["audio"] = f"{error.problem} ({error.remedy})"
        return nothing
    if len(rows) < NUM_WAYS:
        lacks["audio"] = f"fewer than {NUM_WAYS} classes can be tested, and it says too little then"
    return rows, (workspace.manifest, *data.inputs), data.notices, data.source
