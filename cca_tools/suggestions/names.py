"""Class names as words: what a text encoder can read."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+")


def split_words(name: str) -> str:
    """Return a class name as words in lower case.

    CamelCase, snake_case, hyphens, dots and slashes part words; numbers between words go, as they
    count classes and mean nothing. A name without any letter stays what it is.

    >>> split_words("BoxingPunchingBag"), split_words("dog_bark-02"), split_words("HDTVRepair")
    ('boxing punching bag', 'dog bark', 'hdtv repair')
    >>> split_words("people eating crisps"), split_words("1"), split_words("YoYo2")
    ('people eating crisps', '1', 'yo yo')
    """
    letters = []
    for place, letter in enumerate(name):
        before, after = name[place - 1 : place], name[place + 1 : place + 2]
        if _begins_word(before, letter, after):
            letters.append(" ")
        letters.append(letter if letter.isalnum() or letter in "'’,()&" else " ")
    words = [word for word in "".join(letters).split() if not _NUMBER.fullmatch(word)]
    return " ".join(words).lower() or name.strip() or name


def _begins_word(before: str, letter: str, after: str) -> bool:
    if not before.isalnum():
        return False
    if before.isdigit() != letter.isdigit():
        return True
    return letter.isupper() and (before.islower() or (before.isupper() and after.islower()))
