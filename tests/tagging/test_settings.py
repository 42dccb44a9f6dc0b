"""Settings: what is refused, and what makes another fingerprint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagging.fakes import FakeTagger

from cca_tools.errors import UsageError
from cca_tools.tagging.settings import (
    SettingsKwargs,
    TagSettings,
    differences,
    fingerprint_of,
    settings_from,
)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"keep": ("everything",)}, "'everything'. It takes any of scores, embedding"),
        ({"pooling": "median"}, "'median'. It is one of mean, max"),
        ({"top_k": 0}, "at least 1, got 0"),
        ({"top_k": -3}, "at least 1, got -3"),
        ({"batch_size": -1}, "at least 0, got -1"),
        ({"workers": -1}, "at least 0, got -1"),
        ({"timeout_s": 0}, "above 0, got 0"),
        ({"timeout_s": -5.0}, "above 0, got -5"),
        ({"timeout_s": float("nan")}, "above 0, got nan"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(UsageError) as refusal:
        TagSettings(**wrong)
    assert words in str(refusal.value)


def test_more_classes_than_there_are():
    with pytest.raises(UsageError, match="--top-k is 14, but fake has 13 classes"):
        TagSettings(tagger="fake", top_k=14).deciding(FakeTagger())
    assert TagSettings(tagger="fake", top_k=13).deciding(FakeTagger())["top_k"] == 13


def fingerprint(network=None, /, **settings):
    return fingerprint_of(
        TagSettings(**{"tagger": "fake", **settings}).deciding(network or FakeTagger())
    )


DECIDING = {
    "tagger": {"tagger": "other"},
    "top-k": {"top_k": 9},
    "pooling": {"pooling": "max"},
    "precision": {"precision": "bf16"},
    "keep scores": {"keep": ("scores",)},
    "keep embedding": {"keep": ("embedding",)},
    "keep both": {"keep": ("scores", "embedding")},
}


def test_each_deciding_setting_makes_another_fingerprint():
    all_of_them = [fingerprint(**change) for change in DECIDING.values()]
    all_of_them += [fingerprint(), fingerprint(FakeTagger(weights="cc"))]
    assert len(set(all_of_them)) == len(DECIDING) + 2


def test_other_labels_make_another_fingerprint():
    tagger = FakeTagger()
    names = ("Renamed", *tagger.labels.names[1:])
    tagger.labels = type(tagger.labels)("bands", tagger.labels.mids, names)
    assert fingerprint(tagger) != fingerprint()


@pytest.mark.parametrize(
    "change",
    [{"device": "cpu"}, {"batch_size": 3}, {"workers": 7}, {"timeout_s": 5.0},
     {"weights": Path("somewhere/else.pt")}],
)  # fmt: skip
def test_how_fast_and_from_where_decides_nothing(change):
    """Of the weights it is the content that counts, not the place."""
    assert fingerprint(**change) == fingerprint()


def test_the_order_of_keep_decides_nothing():
    assert fingerprint(keep=("scores", "embedding")) == fingerprint(keep=("embedding", "scores"))
    assert fingerprint(keep=("scores", "scores")) == fingerprint(keep=("scores",))


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6))
def test_fingerprints_do_not_depend_on_order(settings):
    turned = dict(reversed(settings.items()))
    assert fingerprint_of(settings) == fingerprint_of(turned)
    assert fingerprint_of({**settings, "one more": 0}) != fingerprint_of(settings)


def test_differences_in_words():
    ours = {"top_k": 5, "tagger": "yamnet", "weights": "ab" * 32}
    assert differences(ours, ours) == []
    others = {"top_k": 10, "tagger": "yamnet", "weights": "cd" * 32}
    assert differences(ours, others) == [
        "top_k 10 -> 5", "weights cdcdcdcdcdcd… -> abababababab…"
    ]  # fmt: skip


def test_settings_by_keyword():
    made = settings_from({"weights": "a.pt", "keep": ["scores"], "top_k": 3})
    assert made == TagSettings(weights=Path("a.pt"), keep=("scores",), top_k=3)
    assert settings_from({"keep": "embedding,scores"}).keep == ("embedding", "scores")
    with pytest.raises(UsageError, match=r"topk.*Settings are tagger, weights"):
        settings_from({"topk": 3})
    assert set(SettingsKwargs.__annotations__) == set(TagSettings.__dataclass_fields__)
