from dataclasses import replace

import numpy as np
import pytest

from cca_tools.correspondence.digits import load_scans
from cca_tools.correspondence.plan import Scene
from cca_tools.correspondence.scenes import PICTURE, Difficulty, paint_scene

PLAIN = Difficulty(clutter=0, bars=0, noise=0.0, contrast=(0.6, 0.6))
SCENE = Scene("train", 0, 0, 0, scan=0, clutter=(1, 4, 7, 11, 14, 17, 21, 24), seed=(0, 1))


@pytest.fixture
def ink() -> np.ndarray:
    return load_scans().ink


def brightness(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack(pictures).mean(axis=-1)


def test_pictures_have_their_form(ink: np.ndarray) -> None:
    pictures = paint_scene(SCENE, ink, Difficulty(), 5)
    assert len(pictures) == 5
    for picture in pictures:
        assert picture.shape == (PICTURE, PICTURE, 3)
        assert picture.dtype == np.float32
        assert 0 <= picture.min() < picture.max() <= 1


def test_the_same_scene_is_painted_again(ink: np.ndarray) -> None:
    first, again = (paint_scene(SCENE, ink, Difficulty(), 3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = paint_scene(replace(SCENE, seed=(0, 2)), ink, Difficulty(), 3)
    assert not np.array_equal(first, other)


def test_a_digit_moves_and_stays_within(ink: np.ndarray) -> None:
    empty = brightness(paint_scene(SCENE, np.zeros_like(ink), PLAIN, 24))
    shown = brightness(paint_scene(SCENE, ink, PLAIN, 24)) - empty
    weight = np.clip(shown, 0, None)
    rows, columns = np.indices((PICTURE, PICTURE))
    total = weight.sum(axis=(1, 2))
    middle = np.stack([(weight * rows).sum((1, 2)), (weight * columns).sum((1, 2))], 1)
    middle /= total[:, None]
    assert np.ptp(middle, axis=0).max() > 4  # pixels
    assert ((middle > 12) & (middle < PICTURE - 12)).all()
    # all of its ink stays in the picture, so that it weighs the same throughout
    assert total.min() > 0.85 * total.max()


def test_ink_covers_as_much_as_the_scan(ink: np.ndarray) -> None:
    """An oracle for the geometry: the covered area is that of the scan, scaled to its size."""
    difficulty = replace(PLAIN, size=(32.0, 32.0))
    empty = brightness(paint_scene(SCENE, np.zeros_like(ink), difficulty, 1))[0]
    shown = brightness(paint_scene(SCENE, ink, difficulty, 1))[0]
    full = brightness(paint_scene(SCENE, np.ones_like(ink), difficulty, 1))[0]
    is_full = (full - empty) > 0.5 * (full - empty).max()
    covered = (shown - empty).sum() / np.median((full - empty)[is_full])
    assert covered == pytest.approx(ink[0].sum() * (32 / 8) ** 2, rel=0.05)


@pytest.mark.parametrize(
    "harder", [{"clutter": 8}, {"bars": 3}, {"noise": 0.2}], ids=["clutter", "bars", "noise"]
)
def test_difficulty_changes_the_picture(ink: np.ndarray, harder: dict[str, float]) -> None:
    plain = brightness(paint_scene(SCENE, ink, PLAIN, 4))
    hard = brightness(paint_scene(SCENE, ink, replace(PLAIN, **harder), 4))
    assert (np.abs(hard - plain) > 0.05).mean() > 0.02


def test_clutter_is_of_the_given_scans(ink: np.ndarray) -> None:
    """Scans that the scene does not name leave no trace."""
    named = [SCENE.scan, *SCENE.clutter]
    others = np.setdiff1d(np.arange(len(ink)), named)
    blank = ink.copy()
    blank[others] = 0
    difficulty = Difficulty(clutter=8)
    np.testing.assert_array_equal(
        paint_scene(SCENE, ink, difficulty, 3), paint_scene(SCENE, blank, difficulty, 3)
    )
    blank[list(SCENE.clutter)] = 0
    assert not np.array_equal(
        paint_scene(SCENE, ink, difficulty, 3), paint_scene(SCENE, blank, difficulty, 3)
    )
