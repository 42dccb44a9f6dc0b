"""Published weights of torchvision's networks: found on this machine, or downloaded and verified.

They are looked for in each folder of ``CCA_WEIGHTS_DIR``, then in the cache (``CCA_CACHE_DIR``);
``CCA_WEIGHTS_URL`` names a mirror that has the files under their published names. These are the
variables, the cache and the rules of the taggers' weights.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

import filelock
import platformdirs
import pooch
import requests

from cca_tools.errors import CcaError, WeightsError
from cca_tools.workspace import sha256_of, writing_to

_TIMEOUT_S = 30
_OTHERWISE = "put the file into a folder of CCA_WEIGHTS_DIR, or name it where weights are given"


def published_weights(url: str, *, progress: bool = True) -> Path:
    """Return the file of an address, downloaded into the cache unless it is on this machine.

    The names of torchvision's files end in the first eight digits of their SHA-256; a file of the
    cache, old or new, that does not agree is refused.

    Args:
        url: As torchvision names it.
        progress: Show a bar on standard error while downloading.

    Raises:
        WeightsError: It is nowhere and cannot be downloaded, or it is not the published file.
    """
    name = Path(urlsplit(url).path).name
    found = find_weights(name)
    if found is not None:
        if found.parent == cache_folder():
            _check(found, url)
        return found
    try:
        with writing_to(cache_folder()):
            cache_folder().mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(cache_folder() / ".lock"):
                if not (cache_folder() / name).is_file():
                    _fetch(url, name, progress)
    except WeightsError:
        raise
    except CcaError as error:
        raise WeightsError(error.problem, "Free some space, or set CCA_CACHE_DIR") from error
    return cache_folder() / name


def find_weights(name: str) -> Path | None:
    """Return a weights file by its published name, None where it is not on this machine."""
    listed = os.environ.get("CCA_WEIGHTS_DIR", "").split(os.pathsep)
    folders = [Path(item).expanduser() for item in listed if item]
    paths = (folder / name for folder in [*folders, cache_folder()])
    return next((path for path in paths if path.is_file()), None)


def cache_folder() -> Path:
    """Return the folder of downloaded weights; it need not exist."""
    root = os.environ.get("CCA_CACHE_DIR") or platformdirs.user_cache_dir("cca-tools")
    return Path(root).expanduser() / "weights"


def _fetch(url: str, name: str, progress: bool) -> None:
    mirror = os.environ.get("CCA_WEIGHTS_URL")
    source = f"{mirror.rstrip('/')}/{quote(name)}" if mirror else url
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT_S)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=cache_folder()) as folder:
        try:
            path = Path(pooch.retrieve(source, None, name, folder, downloader=downloader))
        except (requests.RequestException, RuntimeError, ValueError) as error:
            raise WeightsError(
                f"the weights {name} could not be downloaded from {source}: {_reason(error)}",
                f"Try again, {_OTHERWISE}",
            ) from error
        _check(path, source)
        path.replace(cache_folder() / name)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return " ".join(str(error).split())[:160] or type(error).__name__


def _check(path: Path, source: str) -> None:
    """Compare a file with the digits of its SHA-256 in its name."""
    published = re.search(r"-([0-9a-f]{8,64})\.", path.name)
    sha256 = sha256_of(path)
    if published is None or not sha256.startswith(published.group(1)):
        raise WeightsError(
            f"{path} is not {path.name} as published at {source}: its SHA-256 is {sha256}",
            f"Delete it and try again, {_OTHERWISE}",
        )
