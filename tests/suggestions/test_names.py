from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.suggestions.names import split_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PlayingCello", "playing cello"),
        ("playing_cello", "playing cello"),
        ("playing-cello", "playing cello"),
        ("playing cello", "playing cello"),
        ("sports/PlayingCello", "sports playing cello"),
        ("class_07_PlayingCello", "class playing cello"),
        ("YoYo", "yo yo"),
        ("TVShow", "tv show"),
        ("v_HandstandPushups", "v handstand pushups"),
        ("people eating crisps", "people eating crisps"),
        ("Outside, rural or natural", "outside, rural or natural"),
        ("ÉcouterLaMer", "écouter la mer"),
        ("42", "42"),
        ("___", "___"),
    ],
)
def test_names_become_words(name: str, words: str) -> None:
    assert split_words(name) == words


@given(st.text(min_size=1))
def test_every_name_gives_something_and_nothing_is_made_up(name: str) -> None:
    words = split_words(name)
    assert words
    letters = set(name.lower())
    assert all(letter in letters or letter == " " for letter in words)


@given(st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=1, max_size=5))
def test_all_ways_of_writing_a_name_are_read_alike(words: list[str]) -> None:
    expected = " ".join(words)
    assert split_words("".join(word.capitalize() for word in words)) == expected
    for mark in "_-./ ":
        assert split_words(mark.join(words)) == expected
