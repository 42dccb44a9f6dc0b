"""Published weights: found, or fetched whole and verified by the digits in their name."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading

import pytest

from cca_tools.errors import WeightsError
from ccl.models.download import find_weights, published_weights

BODY = b"weights" * 1000
NAME = f"net-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"
URL = f"https://nowhere.invalid/models/{NAME}"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CCA_WEIGHTS_DIR", raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder that is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("CCA_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/")
        yield folder
        server.shutdown()
        thread.join()


def test_fetched_once_then_found(mirror, cache):
    (mirror / NAME).write_bytes(BODY)
    assert find_weights(NAME) is None
    path = published_weights(URL, progress=False)
    assert path == cache / NAME
    assert path.read_bytes() == BODY
    (mirror / NAME).unlink()
    assert published_weights(URL, progress=False) == path


def test_another_file_under_the_name_is_not_kept(mirror, cache):
    (mirror / NAME).write_bytes(b"something else")
    with pytest.raises(WeightsError, match="as published"):
        published_weights(URL, progress=False)
    assert find_weights(NAME) is None
    assert not list(cache.glob(".incoming-*"))


def test_a_changed_file_in_the_cache_is_refused(cache):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(BODY + b"x")
    with pytest.raises(WeightsError, match="Delete it"):
        published_weights(URL, progress=False)


def test_folders_go_before_the_cache_and_are_taken_as_they_are(tmp_path, monkeypatch, cache):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(BODY)
    own = tmp_path / "own"
    own.mkdir()
    (own / NAME).write_bytes(b"fine-tuned")
    monkeypatch.setenv("CCA_WEIGHTS_DIR", f"/nowhere:{own}")
    assert published_weights(URL, progress=False) == own / NAME


def test_what_the_server_does_not_have(mirror):
    with pytest.raises(WeightsError, match=r"404.*CCA_WEIGHTS_DIR"):
        published_weights(URL, progress=False)


def test_no_connection(monkeypatch):
    monkeypatch.setenv("CCA_WEIGHTS_URL", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="no connection"):
        published_weights(URL, progress=False)
