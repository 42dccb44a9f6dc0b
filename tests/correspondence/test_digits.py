from difflib import SequenceMatcher

import numpy as np
import pytest
from sklearn.datasets import load_digits

from cca_tools.correspondence.digits import FORM_STARTS, NUM_FORMS, load_scans, split_forms


def test_scans_are_those_of_scikit_learn() -> None:
    images, digits = load_digits(return_X_y=True)
    scans = load_scans()
    np.testing.assert_allclose(scans.ink.reshape(-1, 64) * 16, images)
    np.testing.assert_array_equal(scans.digits, digits)
    assert scans.ink.max() == 1.0
    assert scans.ink.min() == 0.0


def test_every_form_has_the_same_text() -> None:
    """The evidence for where forms begin: all have the text of the first, but for few digits."""
    text = "".join(map(str, load_scans().digits))
    forms = [
        text[start:end]
        for start, end in zip(FORM_STARTS, (*FORM_STARTS[1:], len(text)), strict=True)
    ]
    whole = forms[0]
    assert len(whole) == 130
    assert whole.startswith("0123456789" * 3)
    for form in forms:
        same = SequenceMatcher(None, whole, form, autojunk=False).ratio()
        assert same > 0.96, form
    # a boundary elsewhere would not do: shifted by ten, the texts no longer fit
    shifted = text[FORM_STARTS[3] + 60 : FORM_STARTS[4] + 60]
    assert SequenceMatcher(None, whole, shifted, autojunk=False).ratio() < 0.8


def test_forms_number_the_scans() -> None:
    scans = load_scans()
    counts = np.bincount(scans.forms)
    assert len(counts) == NUM_FORMS
    assert counts.sum() == 1797
    assert (np.diff(scans.forms) >= 0).all()
    assert [int(np.flatnonzero(scans.forms == form)[0]) for form in range(NUM_FORMS)] == list(
        FORM_STARTS
    )


def test_chosen_scans_are_of_the_digits_and_forms() -> None:
    scans = load_scans()
    chosen = scans.of((3, 5), (0, 13))
    expected = [
        number
        for number in range(1797)
        if scans.digits[number] in (3, 5) and scans.forms[number] in (0, 13)
    ]
    assert chosen.tolist() == expected
    assert len(expected) > 20


@pytest.mark.parametrize("seed", range(5))
def test_forms_are_on_one_side(seed: int) -> None:
    sides = split_forms(seed)
    assert set(sides["train"]) | set(sides["test"]) == set(range(NUM_FORMS))
    assert not set(sides["train"]) & set(sides["test"])


def test_sides_depend_on_the_seed() -> None:
    assert len({split_forms(seed)["test"] for seed in range(5)}) > 1
