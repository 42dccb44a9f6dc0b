import hashlib
import json
import logging
import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import torch

from cca_tools.errors import WeightsError
from cca_tools.taggers import download
from cca_tools.taggers.download import download_weights, weights_url
from cca_tools.taggers.registry import load_tagger, tagger_spec
from cca_tools.taggers.weights import cache_folder, find_weights, verify_weights
from cca_tools.workspace import sha256_of

from .conftest import build_network


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CCA_WEIGHTS_DIR", raising=False)
    monkeypatch.delenv("CCA_WEIGHTS_URL", raising=False)


@pytest.fixture
def mirror(monkeypatch):
    """Give a function that serves a body in one of several ways, and points the mirror to it."""

    @contextmanager
    def serve(body, manner="whole"):
        class Handler(BaseHTTPRequestHandler):
            requests: ClassVar[list[str]] = []

            def do_GET(self):
                self.requests.append(self.path)
                if manner == "missing":
                    self.send_error(404)
                    return
                self.send_response(200)
                if manner != "no length":
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if manner == "truncated" else body)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("CCA_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/mirror/")
        try:
            yield Handler.requests
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    return serve


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "published.pt"
    torch.save(build_network("efficientat-mn04").state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def spec(body, tmp_path):
    """An entry whose published hash is that of ``body``."""
    entry = tagger_spec("efficientat-mn04")
    known = f"sha256:{sha256_of(tmp_path / 'published.pt')}"
    return replace(entry, weights=replace(entry.weights, known_hash=known, bytes=len(body)))


@pytest.fixture
def unhashed(spec):
    return replace(spec, weights=replace(spec.weights, known_hash=None))


def files_left():
    folder = cache_folder()
    found = {path.name for path in folder.rglob("*")} if folder.is_dir() else set()
    return found - {".lock"}


def test_a_good_download_is_kept_and_recorded(mirror, spec, body):
    with mirror(body) as requests:
        path = download_weights(spec, progress=False)
        assert download_weights(spec, progress=False) == path
    assert requests == [f"/mirror/{spec.weights.name}"]
    assert path.read_bytes() == body
    assert files_left() == {path.name, f"{path.name}.json"}
    record = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    assert record["sha256"] == sha256_of(path)
    assert record["bytes"] == len(body)
    assert find_weights(spec).origin == "cached"
    assert verify_weights(spec, path).good


def test_a_download_is_found_at_the_next_load(mirror, body, monkeypatch, spec):
    monkeypatch.setattr("cca_tools.taggers.registry.tagger_spec", lambda name: spec)
    with mirror(body) as requests:
        first = load_tagger("efficientat-mn04", device="cpu")
        second = load_tagger("efficientat-mn04", device="cpu")
    assert len(requests) == 1
    assert first.weights_sha256 == second.weights_sha256 == sha256_of(find_weights(spec).path)


def test_progress_goes_to_standard_error(mirror, spec, body, capfd):
    with mirror(body):
        download_weights(spec, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "100%" in err


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("missing", "the server answered 404 Not Found; nothing was kept"),
        ("truncated", "the connection broke before the end; nothing was kept"),
    ],
)
@pytest.mark.parametrize("entry", ["spec", "unhashed"])
def test_a_download_that_fails_leaves_nothing(mirror, body, manner, message, entry, request):
    spec = request.getfixturevalue(entry)
    with mirror(body, manner), pytest.raises(WeightsError, match=message) as error:
        download_weights(spec, progress=False)
    assert spec.weights.name in str(error.value)
    assert "--tagger yamnet" in str(error.value)
    assert "\n" not in str(error.value)
    assert files_left() == set()


@pytest.mark.parametrize("manner", ["whole", "no length"])
def test_a_wrong_hash_leaves_nothing(mirror, spec, body, manner):
    wrong = body[:-1] + bytes([body[-1] ^ 1])
    with mirror(wrong, manner), pytest.raises(WeightsError, match=r"not .* as published") as error:
        download_weights(spec, progress=False)
    assert spec.weights.known_hash in str(error.value)
    assert files_left() == set()


def test_md5_as_zenodo_publishes_it(mirror, spec, body):
    known = "md5:" + hashlib.md5(body, usedforsecurity=False).hexdigest()
    zenodos = replace(spec, weights=replace(spec.weights, known_hash=known))
    with mirror(body):
        path = download_weights(zenodos, progress=False)
    assert verify_weights(zenodos, path).good
    path.write_bytes(body + b"!")
    assert not verify_weights(zenodos, path).good


def test_no_connection_leaves_nothing(spec, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("CCA_WEIGHTS_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(WeightsError, match="no connection; nothing was kept") as error:
        download_weights(spec, progress=False)
    assert "--tagger yamnet" in str(error.value)
    assert files_left() == set()


def test_a_server_that_says_nothing(spec, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("CCA_WEIGHTS_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(WeightsError, match="no answer within"):
            download_weights(spec, progress=False)
    assert files_left() == set()


def test_without_a_published_hash_the_first_download_counts(mirror, unhashed, body, caplog):
    caplog.set_level(logging.WARNING)
    with mirror(body):
        path = download_weights(unhashed, progress=False)
    assert "is trusted and recorded" in caplog.text
    assert sha256_of(path) in caplog.text
    verdict = verify_weights(unhashed, path)
    assert verdict.good
    assert "as first downloaded" in verdict.reason

    path.unlink()
    other = build_network("efficientat-mn04").state_dict()
    torch.save(other, path)
    changed = path.read_bytes()
    assert not verify_weights(unhashed, path).good
    path.unlink()
    with mirror(changed), pytest.raises(WeightsError, match="not what was downloaded before"):
        download_weights(unhashed, progress=False)
    assert files_left() == {f"{path.name}.json"}
    with mirror(body):
        assert download_weights(unhashed, progress=False).is_file()


def test_without_a_published_hash_it_must_at_least_be_weights(mirror, unhashed):
    with mirror(b"<html>Log in to the wireless network</html>") as requests:
        with pytest.raises(WeightsError, match="is no weights file; nothing was kept"):
            download_weights(unhashed, progress=False)
        assert len(requests) == 1
    assert files_left() == set()


def test_a_cached_file_that_was_changed_is_refused(mirror, spec, body, monkeypatch):
    monkeypatch.setattr("cca_tools.taggers.registry.tagger_spec", lambda name: spec)
    with mirror(body):
        path = download_weights(spec, progress=False)
    torch.save(build_network("efficientat-mn04").state_dict(), path)
    with pytest.raises(WeightsError, match="was changed since it was downloaded"):
        load_tagger("efficientat-mn04", device="cpu")


def test_leftovers_of_a_killed_download_are_swept(mirror, spec, body):
    leftover = cache_folder() / ".incoming-killed" / "tmpabc"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    with mirror(body):
        path = download_weights(spec, progress=False)
    assert files_left() == {path.name, f"{path.name}.json"}


def test_several_at_once_download_once(mirror, spec, body):
    paths = []
    with mirror(body) as requests:
        threads = [
            threading.Thread(target=lambda: paths.append(download_weights(spec, progress=False)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(requests) == 1
    assert len(paths) == 4
    assert len(set(paths)) == 1


def test_a_cache_that_cannot_be_written(spec, tmp_path, monkeypatch):
    in_the_way = tmp_path / "a file"
    in_the_way.touch()
    monkeypatch.setenv("CCA_CACHE_DIR", str(in_the_way))
    with pytest.raises(WeightsError, match=r"cannot write .*CCA_CACHE_DIR"):
        download_weights(spec, progress=False)


def test_a_full_disk_leaves_nothing(mirror, spec, body, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", full)
    with mirror(body), pytest.raises(WeightsError, match="the disk is full"):
        download_weights(spec, progress=False)
    assert files_left() == set()


def test_urls():
    cnn14 = tagger_spec("panns-cnn14")
    assert weights_url(cnn14) == (
        "https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1"
    )
    mn40 = tagger_spec("efficientat-mn40")
    assert weights_url(mn40).endswith("/EfficientAT/releases/download/v0.0.1/mn40_as_mAP_484.pt")


def test_a_mirror_has_the_files_under_their_names(monkeypatch):
    monkeypatch.setenv("CCA_WEIGHTS_URL", "https://example.org/weights")
    url = weights_url(tagger_spec("panns-cnn14"))
    assert url == "https://example.org/weights/Cnn14_mAP%3D0.431.pth"
