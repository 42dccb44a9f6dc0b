from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cca_tools.associations import significance
from cca_tools.associations.settings import Progress
from cca_tools.associations.significance import (
    benjamini_yekutieli,
    permutation_p,
    random_subsets,
    single_video_p,
)
from cca_tools.associations.units import Units


def units_of(videos: np.ndarray, sizes: np.ndarray) -> Units:
    unit, code = np.nonzero(videos)
    return Units(np.asarray(sizes), unit, code, videos[unit, code])


def exact_p(videos: np.ndarray, sizes: np.ndarray, labels: np.ndarray, class_id: int) -> float:
    """Go through all sets of units that the class could have been given."""
    mine = np.flatnonzero(labels == class_id)
    observed = videos[mine].sum() / sizes[mine].sum()
    sets = [list(chosen) for chosen in combinations(range(len(sizes)), len(mine))]
    return float(np.mean([videos[one].sum() / sizes[one].sum() >= observed for one in sets]))


SIZES = np.array([4, 2, 5, 1, 3, 6, 2, 4, 1])
LABELS = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2])  # class 0 has more than half of the units
VIDEOS = np.array([[4, 1], [2, 0], [3, 0], [1, 1], [2, 0], [0, 6], [1, 2], [0, 1], [1, 0]])


@pytest.mark.parametrize("class_id", [0, 1, 2])
@pytest.mark.parametrize("code", [0, 1])
def test_equals_going_through_all_permutations(class_id: int, code: int) -> None:
    p = permutation_p(units_of(VIDEOS, SIZES), LABELS, 2, 40_000, seed=0)
    expected = exact_p(VIDEOS[:, code], SIZES, LABELS, class_id)
    assert p[class_id, code] == pytest.approx(expected, abs=0.01)


def test_equals_permuting_the_labels_naively() -> None:
    rng = np.random.default_rng(1)
    observed = [VIDEOS[one == LABELS].sum(0) / SIZES[one == LABELS].sum() for one in range(3)]
    exceeded = np.zeros((3, 2))
    for _ in range(4000):
        shuffled = rng.permutation(LABELS)
        for one in range(3):
            mine = shuffled == one
            exceeded[one] += VIDEOS[mine].sum(0) / SIZES[mine].sum() >= observed[one]
    p = permutation_p(units_of(VIDEOS, SIZES), LABELS, 2, 40_000, seed=0)
    assert np.allclose(p, (1 + exceeded) / 4001, atol=0.03)


def test_the_least_p_is_one_over_one_more_than_the_permutations() -> None:
    videos = np.repeat([[1], [0]], 30, axis=0)
    labels = np.repeat([0, 1], 30)
    p = permutation_p(units_of(videos, np.ones(60, int)), labels, 1, 99, seed=0)
    assert p[0, 0] == 1 / 100
    assert p[1, 0] == 1.0


def test_what_all_units_share_is_no_surprise_and_what_none_has_neither() -> None:
    sizes = np.array([3, 1, 2, 7])
    videos = np.stack([sizes, np.zeros(4, int)], axis=1)  # shares 1 and 0: all ties
    p = permutation_p(units_of(videos, sizes), np.array([0, 0, 1, 1]), 2, 200, seed=0)
    assert (p == 1.0).all()


def test_one_class_alone_has_p_one() -> None:
    p = permutation_p(units_of(VIDEOS, SIZES), np.zeros(len(SIZES), int), 2, 50, seed=0)
    assert (p == 1.0).all()


def test_a_class_without_units_has_p_one_and_moves_nobody() -> None:
    with_gap = np.where(LABELS == 2, 3, LABELS)
    p = permutation_p(units_of(VIDEOS, SIZES), with_gap, 2, 500, seed=0)
    plain = permutation_p(units_of(VIDEOS, SIZES), LABELS, 2, 500, seed=0)
    assert np.array_equal(p[[0, 1, 3]], plain)
    assert (p[2] == 1.0).all()


def test_the_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 5, 30)
    videos = rng.integers(0, sizes[:, None] + 1, (30, 7))
    labels = rng.integers(0, 4, 30)
    whole = permutation_p(units_of(videos, sizes), labels, 7, 300, seed=5)
    monkeypatch.setattr(significance, "_CELLS_AT_ONCE", 65)  # two audio classes at a time
    in_blocks = permutation_p(units_of(videos, sizes), labels, 7, 300, seed=5)
    assert np.array_equal(in_blocks, whole)
    steps: list[int] = []
    totals: list[int] = []

    def begin(_description: str, total: int) -> object:
        totals.append(total)
        return steps.append

    permutation_p(units_of(videos, sizes), labels, 7, 300, 5, Progress(begin))  # type: ignore[arg-type]
    assert sum(steps) == totals[0]


def test_random_subsets_are_all_equally_likely() -> None:
    chosen = random_subsets(6, 3, 40_000, np.random.default_rng(0))
    assert (np.diff(np.sort(chosen, axis=1), axis=1) > 0).all()
    _, counts = np.unique(np.sort(chosen, axis=1), axis=0, return_counts=True)
    assert len(counts) == 20
    assert stats.chisquare(counts).pvalue > 1e-3


@given(st.integers(1, 40), st.data())
def test_random_subsets_have_no_number_twice(total: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, total))
    chosen = random_subsets(total, size, 5, np.random.default_rng(0))
    assert chosen.shape == (5, size)
    assert all(len(set(row)) == size for row in chosen.tolist())
    assert ((chosen >= 0) & (chosen < total)).all()


@given(st.integers(1, 40), st.data())
def test_single_videos_equal_fishers_exact_test(n: int, data: st.DataObject) -> None:
    s, t = data.draw(st.integers(1, n)), data.draw(st.integers(1, n))
    v = data.draw(st.integers(max(0, s + t - n), min(s, t)))
    table = [[v, s - v], [t - v, n - s - t + v]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert single_video_p(v, s, t, n).item() == pytest.approx(expected, rel=1e-9)


def test_single_videos_equal_drawing() -> None:
    rng = np.random.default_rng(0)
    videos = (rng.random((120, 5)) < 0.3).astype(int)
    labels = np.arange(120) % 3
    drawn = permutation_p(units_of(videos, np.ones(120, int)), labels, 5, 20_000, seed=0)
    for class_id in range(3):
        exact = single_video_p(
            videos[labels == class_id].sum(0), (labels == class_id).sum(), videos.sum(0), 120
        )
        assert np.allclose(drawn[class_id], exact, atol=0.015)


def test_single_videos_of_a_large_dataset_stay_above_zero() -> None:
    p = single_video_p([6000, 7], [6400, 6400], [6100, 2000], 2_000_000)
    assert 0 < p[0] < 1e-300
    binomial = stats.binom.sf(6, 6400, 2000 / 2_000_000)  # the limit of the hypergeometric
    assert p[1] == pytest.approx(binomial, rel=0.02)


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(probabilities)
def test_q_equals_scipy(p_values: list[float]) -> None:
    expected = stats.false_discovery_control(p_values, method="by")
    assert np.allclose(benjamini_yekutieli(p_values), expected, rtol=1e-12)


@given(probabilities, st.integers(0, 50))
def test_tests_that_are_not_listed_count_as_p_one(p_values: list[float], more: int) -> None:
    expected = stats.false_discovery_control(p_values + [1.0] * more, method="by")
    found = benjamini_yekutieli(p_values, len(p_values) + more)
    assert np.allclose(found, expected[: len(p_values)], rtol=1e-12)


def test_q_of_nothing_and_of_undefined() -> None:
    assert benjamini_yekutieli([]).tolist() == []
    assert np.isnan(benjamini_yekutieli([0.1, np.nan])).all()


CLASSES, GROUPS, CLIPS, CODES = 8, 12, 4, 12


def grouped_dataset(
    rng: np.random.Generator, planted: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return videos (U, M), sizes (U,), labels (U,): clips of a group sound nearly alike."""
    labels = np.repeat(np.arange(CLASSES), GROUPS)
    chance = np.full((len(labels), CODES), 0.3)
    for class_id in range(CLASSES // 2):
        chance[labels == class_id, class_id] += planted
    heard = rng.random(chance.shape) < chance  # one decision a group
    sizes = rng.integers(1, CLIPS + 1, len(labels))
    videos = rng.binomial(sizes[:, None], np.where(heard, 0.95, 0.05))
    return videos, sizes, labels


def test_p_is_uniform_without_association_only_if_groups_stay_together() -> None:
    rng = np.random.default_rng(0)
    by_group, by_video = [], []
    for seed in range(25):
        videos, sizes, labels = grouped_dataset(rng, planted=0.0)
        by_group.append(permutation_p(units_of(videos, sizes), labels, CODES, 400, seed))
        for class_id in range(CLASSES):
            mine = labels == class_id
            by_video.append(
                single_video_p(videos[mine].sum(0), sizes[mine].sum(), videos.sum(0), sizes.sum())
            )
    p = np.concatenate(by_group).ravel()
    assert len(p) == 25 * CLASSES * CODES
    for level in (0.01, 0.05, 0.2):
        tolerance = 4 * np.sqrt(level * (1 - level) / len(p))
        assert (p <= level).mean() <= level + tolerance
    assert (p <= 0.2).mean() > 0.15  # and the test is not merely timid
    assert (np.concatenate(by_video) <= 0.05).mean() > 0.12  # what ignoring groups would do


def test_the_false_discovery_rate_is_held_and_planted_pairs_are_found() -> None:
    rng = np.random.default_rng(1)
    level = 0.1
    false_without, proportions, found = 0, [], 0
    repeats = 100
    for seed in range(repeats):
        videos, sizes, labels = grouped_dataset(rng, planted=0.0)
        q = benjamini_yekutieli(
            permutation_p(units_of(videos, sizes), labels, CODES, 3000, seed).ravel()
        )
        false_without += bool((q <= level).any())
        videos, sizes, labels = grouped_dataset(rng, planted=0.65)
        p = permutation_p(units_of(videos, sizes), labels, CODES, 3000, seed)
        q = benjamini_yekutieli(p.ravel()).reshape(p.shape)
        true = np.zeros(q.shape, dtype=bool)
        true[np.arange(CLASSES // 2), np.arange(CLASSES // 2)] = True
        proportions.append((q[~true] <= level).sum() / max(1, (q <= level).sum()))
        found += int((q[true] <= level).sum())
        assert (np.argmin(p[: CLASSES // 2], axis=1) == np.arange(CLASSES // 2)).mean() >= 0.75
    assert false_without / repeats <= level
    assert np.mean(proportions) <= level
    assert found / (repeats * CLASSES // 2) > 0.6
