"""Fetching published weights into the cache: a file arrives whole and verified, or not at all."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import filelock
import pooch
import requests

from cca_tools.errors import CcaError, WeightsError
from cca_tools.taggers.spec import TaggerSpec
from cca_tools.taggers.weights import OTHERWISE, cache_folder, hash_of, read_record, record_path
from cca_tools.workspace import sha256_of, utc_now, write_json, writing_to

URL_VARIABLE = "CCA_WEIGHTS_URL"
TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16
PARTIAL_PREFIX = ".incoming-"

log = logging.getLogger(__name__)


def weights_url(spec: TaggerSpec) -> str:
    """Return where a tagger's weights are fetched from.

    ``CCA_WEIGHTS_URL`` names a mirror: a folder that has the files under their published names.
    """
    mirror = os.environ.get(URL_VARIABLE)
    return f"{mirror.rstrip('/')}/{quote(spec.weights.name)}" if mirror else spec.weights.url


def download_weights(spec: TaggerSpec, progress: bool = True) -> Path:
    """Fetch the published weights of a tagger into the cache, unless they are there.

    Args:
        spec: The tagger's entry.
        progress: Whether to draw a bar on standard error.

    Raises:
        WeightsError: No connection, an answer that is no success, a download that breaks off or
            is not the published file, or a cache that cannot be written. Nothing is kept then.
    """
    folder = cache_folder()
    target = folder / spec.weights.name
    try:
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(folder / ".lock"):
                if not target.is_file():
                    _fetch_into(folder, spec, progress)
    except WeightsError:
        raise
    except CcaError as error:
        raise WeightsError(error.problem, "Free some space, or set CCA_CACHE_DIR") from error
    return target


def _fetch_into(folder: Path, spec: TaggerSpec, progress: bool) -> None:
    for leftover in folder.glob(f"{PARTIAL_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PARTIAL_PREFIX, dir=folder) as partial:
        path = _fetch(Path(partial), spec, progress)
        target = folder / spec.weights.name
        sha256 = sha256_of(path)
        if spec.weights.known_hash is None:
            _trust_first(path, target, sha256)
        record = {
            "file": target.name,
            "url": weights_url(spec),
            "bytes": path.stat().st_size,
            "sha256": sha256,
            "published_hash": spec.weights.known_hash,
            "utc": utc_now(),
        }
        write_json(record_path(target), record)
        path.replace(target)


def _fetch(folder: Path, spec: TaggerSpec, progress: bool) -> Path:
    url = weights_url(spec)
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(
        progressbar=progress, chunk_size=CHUNK_BYTES, timeout=TIMEOUT_S
    )
    try:
        path = pooch.retrieve(url, None, spec.weights.name, folder, downloader=downloader)
    except (requests.RequestException, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the weights {spec.weights.name} could not be downloaded from {url}: "
            f"{_reason(error)}; nothing was kept",
            f"Try again, {OTHERWISE}",
        ) from error
    _check_published(Path(path), spec)
    return Path(path)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the end"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_S} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return " ".join(str(error).split())[:160] or type(error).__name__


def _check_published(path: Path, spec: TaggerSpec) -> None:
    expected = spec.weights.known_hash
    found = hash_of(path, expected.partition(":")[0]) if expected else None
    if found != expected:
        raise WeightsError(
            f"what {weights_url(spec)} sent is not {spec.weights.name} as published: "
            f"{expected} is expected, got {found}; nothing was kept",
            f"Try again later, {OTHERWISE}",
        )


def _trust_first(path: Path, target: Path, sha256: str) -> None:
    recorded = read_record(target).get("sha256")
    if recorded not in (None, sha256):
        raise WeightsError(
            f"{target.name} is not what was downloaded before: its SHA-256 was {recorded}, "
            f"now it is {sha256}; nothing was kept",
            f"If that is meant, delete {record_path(target)} and try again",
        )
    try:
        import_module("cca_tools.taggers.checkpoints").read_checkpoint(path)
    except WeightsError as error:
        raise WeightsError(
            f"what was downloaded as {target.name} is no weights file; nothing was kept",
            f"Try again later, {OTHERWISE}",
        ) from error
    log.warning(
        "no hash of %s was ever published: this download (SHA-256 %s) is trusted and recorded",
        target.name,
        sha256,
    )
