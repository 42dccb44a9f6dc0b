"""Teacher features from files: reading what people release, and matching it to a manifest."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Workspace, atomic_path
from ccl.data.ledger import Ledger

Vector = NDArray[np.float32]
ID_KEYS = ("video_id", "video_ids", "ids", "names")
VALUE_KEYS = ("embedding", "embeddings", "features", "feature")
_SUFFIXES = {".npy", ".avi", ".mp4", ".mkv", ".webm", ".mov", ".wav", ".flv", ".m4a", ".mp3"}
_FORMS = "Give an npz with the arrays video_id and embedding, an npz of one array a video, " \
    "or a folder of npy files"  # fmt: skip
_DAMAGE = (OSError, ValueError, KeyError, EOFError, pa.ArrowException, BadZipFile, zlib.error)


def feature_path(workspace: Workspace, name: str) -> Path:
    """Return where imported features lie."""
    return workspace.features / f"{name}.parquet"


def feature_names(workspace: Workspace) -> list[str]:
    """Return the names of the imported features."""
    return sorted(path.stem for path in workspace.features.glob("*.parquet"))


@dataclass(frozen=True)
class RawFeatures:
    """Features as a file has them.

    Args:
        vectors: Pairs of the file's own id and a float32 vector (width,), in order.
        unusable: Ids of what is no vector, or not as long as most are.
    """

    vectors: tuple[tuple[str, Vector], ...]
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchedFeatures:
    """Features put to the videos of a manifest.

    Args:
        embeddings: video_id -> vector; may hold NaN.
        unmatched: Ids of the file that no video has.
        ambiguous: Ids that several videos could mean.
        duplicates: Videos that have several, of which the first is taken.
        unusable: Ids of what is no vector, or not as long as most are.
        without: Videos that have none.
    """

    embeddings: dict[str, Vector]
    unmatched: tuple[str, ...]
    ambiguous: tuple[str, ...]
    duplicates: tuple[str, ...]
    unusable: tuple[str, ...]
    without: tuple[str, ...]

    @property
    def not_finite(self) -> tuple[str, ...]:
        """Videos whose vector has NaN or infinity."""
        return tuple(k for k, v in self.embeddings.items() if not np.isfinite(v).all())

    def tell(self, ledger: Ledger, videos: Collection[str]) -> None:
        """Write down what is wrong, but for NaN, which is seen later.

        Args:
            ledger: Where it goes.
            videos: Those of the study: what the others have does not matter.
        """
        ledger.problem(
            [video_id for video_id in self.duplicates if video_id in videos],
            "video has several features",
            "videos have several features",
        )
        ledger.problem(
            self.ambiguous,
            "feature could be of several videos",
            "features could be of several videos",
        )
        ledger.problem(
            self.unusable,
            "feature is no vector as the others",
            "features are no vectors as the others",
        )
        ledger.problem(
            self.unmatched,
            "feature is of no video of the manifest",
            "features are of no video of the manifest",
        )


def read_features(path: Path) -> RawFeatures:
    """Read an ``npz``, a folder of ``npy``, or imported features (``parquet``).

    A vector may be stored as (width,) or (1, width). Arrays of Python objects are never loaded.

    Raises:
        DataError: It is none of these, or it is damaged or empty.
    """
    try:
        pairs = list(_pairs(path))
    except _DAMAGE as error:
        raise DataError(f"{path} holds no features: {error}", _FORMS) from error
    shaped = [(name, _vector(value)) for name, value in pairs]
    lengths = Counter(len(vector) for _, vector in shaped if vector is not None)
    if not lengths:
        raise DataError(f"{path} holds no features", _FORMS)
    width = lengths.most_common(1)[0][0]
    good = [(name, vec) for name, vec in shaped if vec is not None and len(vec) == width]
    bad = [name for name, vec in shaped if vec is None or len(vec) != width]
    return RawFeatures(tuple(good), tuple(bad))


def _pairs(path: Path) -> Iterator[tuple[str, Any]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.npy")):
            name = file.relative_to(path).with_suffix("").as_posix()
            yield name, np.load(file, allow_pickle=False)
    elif path.suffix == ".parquet":
        table = pq.ParquetFile(path).read(["video_id", "embedding"])
        yield from zip(table["video_id"].to_pylist(), table["embedding"].to_numpy(), strict=True)
    else:
        arrays = np.load(path, allow_pickle=False)
        if isinstance(arrays, np.ndarray):
            raise ValueError("it is a single array without ids")
        with arrays:
            yield from _npz_pairs(arrays)


def _npz_pairs(arrays: Any) -> Iterator[tuple[str, Any]]:
    ids = next((key for key in ID_KEYS if key in arrays), None)
    if ids is None:
        for name in arrays.files:
            yield name, arrays[name]
        return
    values = next((key for key in VALUE_KEYS if key in arrays), None)
    if values is None:
        raise ValueError(f"beside {ids} it has none of the arrays {', '.join(VALUE_KEYS)}")
    names, vectors = np.atleast_1d(arrays[ids].astype(str)), np.atleast_1d(arrays[values])
    if len(names) != len(vectors):
        raise ValueError(f"it has {len(names):,} in {ids}, and {len(vectors):,} in {values}")
    yield from zip(names.tolist(), vectors, strict=True)


def _vector(value: Any) -> Vector | None:
    try:
        array = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        return None
    array = array[0] if array.ndim == 2 and len(array) == 1 else array
    return array if array.ndim == 1 and len(array) else None


def stem_of(name: str) -> str:
    """Return the last part of an id or path, without the suffix of a media or array file.

    >>> stem_of("Archery/v_Archery_g01_c01.avi"), stem_of("a.b")
    ('v_Archery_g01_c01', 'a.b')
    """
    last = PurePosixPath(name)
    return last.stem if last.suffix.lower() in _SUFFIXES else last.name


def match_features(raw: RawFeatures, video_ids: Sequence[str]) -> MatchedFeatures:
    """Put features to videos: by the very id, else by its last part without suffix."""
    known = set(video_ids)
    by_stem: dict[str, list[str]] = defaultdict(list)
    for video_id in video_ids:
        by_stem[stem_of(video_id)].append(video_id)
    embeddings: dict[str, Vector] = {}
    unmatched: list[str] = []
    ambiguous: list[str] = []
    duplicates: list[str] = []
    for name, vector in raw.vectors:
        fitting = [name] if name in known else by_stem.get(stem_of(name), [])
        if len(fitting) != 1:
            (ambiguous if fitting else unmatched).append(name)
        elif fitting[0] in embeddings:
            duplicates.append(fitting[0])
        else:
            embeddings[fitting[0]] = vector
    without = tuple(video_id for video_id in video_ids if video_id not in embeddings)
    return MatchedFeatures(
        embeddings,
        tuple(unmatched),
        tuple(ambiguous),
        tuple(dict.fromkeys(duplicates)),
        raw.unusable,
        without,
    )


def feature_shape(path: Path) -> tuple[int, int]:
    """Return number and width of imported features, by the file's header.

    Raises:
        DataError: It is damaged.
    """
    try:
        file = pq.ParquetFile(path)
        return file.metadata.num_rows, file.schema_arrow.field("embedding").type.list_size
    except (OSError, KeyError, AttributeError, pa.ArrowException) as error:
        raise DataError(f"{path} holds no features: {error}", "Import them again") from error


def write_features(path: Path, embeddings: dict[str, Vector]) -> None:
    """Write features as a table of ``video_id`` and ``embedding``, atomically.

    Raises:
        UsageError: There are none.
    """
    if not embeddings:
        raise UsageError("there are no features to write", _FORMS)
    width = len(next(iter(embeddings.values())))
    table = pa.table(
        {"video_id": list(embeddings), "embedding": list(embeddings.values())},
        schema=pa.schema([("video_id", pa.string()), ("embedding", pa.list_(pa.float32(), width))]),
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
