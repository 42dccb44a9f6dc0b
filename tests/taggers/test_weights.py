import os

import pytest

from cca_tools.errors import WeightsError
from cca_tools.taggers.registry import load_tagger, tagger_spec
from cca_tools.taggers.weights import (
    cache_folder,
    find_weights,
    resolve_weights,
    verify_weights,
)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Three folders for weights: two of CCA_WEIGHTS_DIR, and the cache."""
    names = ("first", "second", "cache/weights")
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    first, second, cache = (tmp_path / name for name in names)
    monkeypatch.setenv("CCA_WEIGHTS_DIR", f"{first}{os.pathsep}{second}")
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path / "cache"))
    return first, second, cache


def test_the_order_of_the_places(folders, tmp_path):
    spec = tagger_spec("panns-cnn6")
    given = tmp_path / "given.pth"
    given.touch()
    assert find_weights(spec) is None
    for folder, origin in zip(reversed(folders), ("cached", "folder", "folder"), strict=True):
        path = folder / spec.weights.name
        path.touch()
        found = resolve_weights(spec)
        assert (found.path, found.origin) == (path, origin)
    assert resolve_weights(spec, given).path == given
    assert resolve_weights(spec, given).origin == "given"


def test_bundled_weights_need_no_place(folders):
    assert find_weights(tagger_spec("yamnet")).origin == "bundled"


def test_a_folder_with_the_name_of_a_file_is_passed_over(folders):
    spec = tagger_spec("panns-cnn6")
    (folders[0] / spec.weights.name).mkdir()
    assert find_weights(spec) is None


def test_weights_in_a_folder_are_loaded(shared, monkeypatch):
    monkeypatch.setenv("CCA_WEIGHTS_DIR", str(shared / "models"))
    tagger = load_tagger("efficientat-mn04", device="cpu")
    assert tagger.weights_sha256.startswith("899a8c62")


def test_the_default_cache_is_the_users(monkeypatch):
    monkeypatch.delenv("CCA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert cache_folder().name == "weights"
    assert "cca-tools" in cache_folder().parts


def test_verdicts(folders, shared):
    spec = tagger_spec("efficientat-mn04")
    good = verify_weights(spec, shared / "models" / spec.weights.name)
    assert good.good
    assert "as published" in good.reason
    path = folders[0] / spec.weights.name
    path.write_bytes(b"something else")
    bad = verify_weights(spec, path)
    assert not bad.good
    assert spec.weights.known_hash in bad.reason
    unknown = verify_weights(tagger_spec("efficientat-mn40"), path)
    assert unknown.good
    assert unknown.reason == "no hash of it is known"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        verify_weights(tagger_spec("panns-cnn6"), tmp_path / "absent.pth")


OFFLINE = """
import pytest_socket
pytest_socket.disable_socket()
import numpy as np
from cca_tools.taggers import load_tagger
"""


def test_offline_the_bundled_tagger_works(run_python):
    run_python(
        OFFLINE + "tagger = load_tagger('yamnet')\n"
        "scores = tagger.score([tagger.features(np.zeros(16_000, np.float32))])\n"
        "assert tagger.labels.names[scores.probs[0].argmax()] == 'Silence', scores\n"
        "from pathlib import Path\n"
        "assert list(Path.home().iterdir()) == []\n"
    )


def test_offline_and_absent_says_what_to_do(run_python, tmp_path):
    done = run_python(
        OFFLINE + "from cca_tools.errors import WeightsError\n"
        "try:\n"
        "    load_tagger('panns-cnn14')\n"
        "except WeightsError as error:\n"
        "    print(error)\n",
        CCA_CACHE_DIR=str(tmp_path / "cache"),
        CCA_WEIGHTS_DIR="",
        CCA_WEIGHTS_URL="",
    )
    for part in ("Cnn14_mAP=0.431.pth", "zenodo.org/records/3987831", "`--tagger yamnet`"):
        assert part in done.stdout
    assert len(done.stdout.splitlines()) == 1
