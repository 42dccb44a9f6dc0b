"""What all pages look at: the workspace, its labels and its videos, opened once a server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from cca_tools.errors import DataError
from cca_tools.labels.evidence import EvidenceMaker
from cca_tools.labels.samples import ClassSamples, SampleIndex
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import DEFAULT_ROOT, Workspace

WORKSPACE, DATABASE, TAGS, SEED = (
    f"CCA_LABEL_{name}" for name in ("WORKSPACE", "DATABASE", "TAGS", "SEED")
)
TOP = 10  # audio classes of a class: what Tables D to F show
_COLUMNS = ["class_name", "rank", "mid", "tag", "share", "log_odds_z"]
_NO_SOUNDS = pd.DataFrame(columns=_COLUMNS)


@dataclass(frozen=True)
class Place:
    """Where the study lies, as ``cca-tools label`` was told."""

    workspace: Workspace
    database: str | None
    tags: str | None
    seed: int

    @classmethod
    def named(cls) -> Place:
        """Return the place that the environment names."""
        return cls(
            Workspace(Path(os.environ.get(WORKSPACE) or DEFAULT_ROOT)),
            os.environ.get(DATABASE) or None,
            os.environ.get(TAGS) or None,
            int(os.environ.get(SEED) or 0),
        )


@dataclass(frozen=True)
class Study:
    """The open study.

    Args:
        place: Where it lies.
        store: Its labels.
        index: Its videos.
        maker: What cuts and draws them.
    """

    place: Place
    store: LabelStore
    index: SampleIndex
    maker: EvidenceMaker

    @classmethod
    def open(cls) -> Study:
        """Return the study that the environment names; what can be kept open is kept.

        Raises:
            CcaError: A part of it is missing, damaged, or cannot be reached.
        """
        place = Place.named()
        index = SampleIndex.open(place.workspace, place.tags)
        return cls(place, _store(place.workspace.root, place.database), index, _maker(place))

    @property
    def class_names(self) -> tuple[str, ...]:
        """All classes, sorted."""
        return self.index.class_names

    def samples(self, class_name: str) -> ClassSamples:
        """Return the videos of a class, in the order in which they are shown."""
        return _samples(self.index, class_name, self.place.seed)

    def sounds(self, class_name: str) -> pd.DataFrame:
        """Return the ten audio classes of a class by rank; empty where nothing is associated.

        Raises:
            DataError: The associations are damaged.
        """
        path = self.place.workspace.associations
        found = _sounds(path, path.stat().st_mtime_ns) if path.is_file() else {}
        return found.get(class_name, _NO_SOUNDS)

    def suggestion(self, class_name: str) -> dict[str, object] | None:
        """Return what ``cca-tools suggest`` proposes for a class, if it did.

        Raises:
            DataError: Its file is damaged.
        """
        path = self.place.workspace.suggestions
        if not path.is_file():
            return None
        try:
            table = pq.read_table(
                path, columns=["level", "reasons"], filters=[("class_name", "=", class_name)]
            )
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                f"the suggestions {path} are damaged: {error}", "Run `cca-tools suggest` again"
            ) from error
        rows: list[dict[str, object]] = table.to_pylist()
        return rows[0] if rows else None


@dataclass
class Memory:
    """What the server remembers of an annotator until it ends, also when the page is loaded anew.

    Args:
        notes: By class, words that no label has taken yet.
        pending: Answers that could not be saved.
    """

    notes: dict[str, str] = field(default_factory=dict)
    pending: dict[object, object] = field(default_factory=dict)


@st.cache_resource(show_spinner=False)
def memory_of(place: Place, annotator: str) -> Memory:
    """Return the memory of one annotator of one study."""
    return Memory()


@st.cache_resource(show_spinner=False, on_release=LabelStore.close)
def _store(root: Path, database: str | None) -> LabelStore:
    return LabelStore.open(Workspace(root), database)


@st.cache_resource(show_spinner=False, on_release=EvidenceMaker.close)
def _maker(place: Place) -> EvidenceMaker:
    return EvidenceMaker(place.workspace, place.tags)


@lru_cache(maxsize=64)
def _samples(index: SampleIndex, class_name: str, seed: int) -> ClassSamples:
    return index.of_class(class_name, seed)


@lru_cache(maxsize=4)
def _sounds(path: Path, changed_ns: int) -> dict[str, pd.DataFrame]:
    """Read the ten audio classes of every class at once: a few thousand rows of many more."""
    try:
        table = pq.read_table(path, columns=_COLUMNS, filters=[("rank", "<=", TOP)])
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"the associations {path} are damaged: {error}", "Run `cca-tools associate` again"
        ) from error
    pairs: pd.DataFrame = table.to_pandas()
    return {str(name): rows for name, rows in pairs.sort_values("rank").groupby("class_name")}
