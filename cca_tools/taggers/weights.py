"""Where the weights of a tagger lie, and whether they are what was published."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import platformdirs

from cca_tools.errors import WeightsError
from cca_tools.taggers.spec import TaggerSpec

FOLDERS_VARIABLE = "CCA_WEIGHTS_DIR"
CACHE_VARIABLE = "CCA_CACHE_DIR"
OTHERWISE = (
    "give the file by --weights or put it into a folder of CCA_WEIGHTS_DIR, "
    "or use `--tagger yamnet`, whose weights are bundled"
)


@dataclass(frozen=True)
class FoundWeights:
    """A weights file on this machine.

    Args:
        path: The file.
        origin: ``given`` by the user, ``bundled``, in a ``folder`` of CCA_WEIGHTS_DIR, ``cached``.
    """

    path: Path
    origin: str


def cache_folder() -> Path:
    """Return the folder of downloaded weights; it need not exist."""
    root = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("cca-tools")
    return Path(root).expanduser() / "weights"


def weights_folders() -> list[Path]:
    """Return the folders of ``CCA_WEIGHTS_DIR``, in order."""
    text = os.environ.get(FOLDERS_VARIABLE, "")
    return [Path(item).expanduser() for item in text.split(os.pathsep) if item]


def find_weights(spec: TaggerSpec) -> FoundWeights | None:
    """Return the weights of a tagger where they are on this machine, without any network."""
    name = spec.weights.name
    if spec.weights.bundled:
        return FoundWeights(
            Path(str(resources.files("cca_tools.taggers") / "data" / name)), "bundled"
        )
    for folder in weights_folders():
        if (folder / name).is_file():
            return FoundWeights(folder / name, "folder")
    cached = cache_folder() / name
    return FoundWeights(cached, "cached") if cached.is_file() else None


def resolve_weights(spec: TaggerSpec, weights: Path | None = None) -> FoundWeights:
    """Return the weights of a tagger; download them if they are nowhere.

    Args:
        spec: The tagger's entry.
        weights: The user's own file: taken whatever its hash.

    Raises:
        WeightsError: The user's file is absent, or the download failed.
    """
    if weights is not None:
        if not weights.is_file():
            raise WeightsError(f"the weights {weights} are not there", "Check --weights")
        return FoundWeights(weights, "given")
    found = find_weights(spec)
    if found is None:
        from cca_tools.taggers.download import download_weights

        found = FoundWeights(download_weights(spec), "cached")
    return found


def record_path(path: Path) -> Path:
    """Return the path of the record that a download leaves beside its file."""
    return path.with_name(path.name + ".json")


def read_record(path: Path) -> dict[str, Any]:
    """Return the record of a downloaded file, empty where there is none."""
    try:
        record = json.loads(record_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def hash_of(path: Path, algorithm: str) -> str:
    """Return ``algorithm:digest`` of a file.

    Args:
        path: The file.
        algorithm: ``sha256`` or ``md5``.
    """
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


@dataclass(frozen=True)
class Verdict:
    """Whether a file is what was published.

    Args:
        path: The file.
        good: False if it differs from what is known of it.
        reason: In words.
        has_hash: False if there is no hash to compare with, so that nothing is known.
    """

    path: Path
    good: bool
    reason: str
    has_hash: bool = True


def verify_weights(spec: TaggerSpec, path: Path) -> Verdict:
    """Compare a file with its published hash, or else with the record of its download.

    Raises:
        WeightsError: The file cannot be read.
    """
    expected, source = spec.weights.known_hash, "as published"
    if expected is None:
        recorded = read_record(path).get("sha256")
        expected, source = (f"sha256:{recorded}" if recorded else None), "as first downloaded"
    if expected is None:
        return Verdict(path, True, "no hash of it is known", has_hash=False)
    try:
        found = hash_of(path, expected.partition(":")[0])
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}", "Check its permissions") from error
    if found == expected:
        return Verdict(path, True, f"{source} ({expected})")
    return Verdict(path, False, f"not {source}: {expected} is expected, got {found}")


def check_unchanged(found: FoundWeights, sha256: str) -> None:
    """Refuse a cached file that is not what was downloaded.

    Args:
        found: Where the file was found; only the cache is checked.
        sha256: Of the file as it was read.

    Raises:
        WeightsError: It was changed since.
    """
    recorded = read_record(found.path).get("sha256", sha256)
    if found.origin == "cached" and recorded != sha256:
        raise WeightsError(
            f"{found.path} was changed since it was downloaded: its SHA-256 was {recorded}, "
            f"now it is {sha256}",
            "Delete it and run `cca-tools weights pull` again",
        )
