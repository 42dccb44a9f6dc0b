from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from ccl.evaluation.retrieval import Items, expected_hits, recall_at

# directions of whole numbers: their cosines tie often, and exactly
DIRECTIONS = np.array(
    [[1, 0], [0, 1], [-1, 0], [3, 4], [4, 3], [-3, 4], [4, -3], [5, 12], [12, 5]], float
)
directions = st.integers(0, len(DIRECTIONS) - 1)
item = st.tuples(directions, st.integers(0, 2), st.sampled_from(["a", "b", "c", ""]))


def side(items, scale=1.0):
    index, targets, groups = zip(*items, strict=True) if items else ((), (), ())
    embeddings = DIRECTIONS[list(index)] * scale if items else np.zeros((0, 2))
    return Items(embeddings, np.array(targets, int), groups)


def naive(query, gallery, k, without_own_group=False):
    """Recall by the definition: the mean over all orders of the items that tie."""
    direction, target, group = query
    left = [one for one in gallery if not (without_own_group and group and one[2] == group)]
    if all(one[1] != target for one in left):
        return np.nan
    unit = DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
    scores = [round(float(unit[direction] @ unit[one[0]]), 9) for one in left]
    orders = list(permutations(range(len(left))))
    found = [
        any(left[i][1] == target for i in sorted(order, key=lambda i: -scores[i])[:k])
        for order in orders
    ]
    return sum(found) / len(found)


@settings(max_examples=60)
@given(st.lists(item, min_size=1, max_size=4), st.lists(item, max_size=6), st.integers(1, 40))
def test_it_is_the_mean_over_all_orders_of_what_ties(queries, gallery, chunk):
    ks = (1, 2, 5)
    found = recall_at(side(queries), side(gallery), ks, chunk=chunk)
    for column, without in ((found.all_items, False), (found.other_groups, True)):
        expected = [[naive(query, gallery, k, without) for k in ks] for query in queries]
        np.testing.assert_allclose(column.hits, expected, atol=1e-12)


@settings(max_examples=60)
@given(st.lists(item, min_size=1, max_size=8), st.lists(item, min_size=1, max_size=12), st.data())
def test_neither_order_nor_scale_nor_chunk_matters(queries, gallery, data):
    found = recall_at(side(queries), side(gallery))
    order = data.draw(st.permutations(range(len(gallery))))
    turned = data.draw(st.permutations(range(len(queries))))
    scales = np.array(data.draw(st.lists(st.sampled_from([1e-3, 0.5, 3.0, 1e4]), min_size=12)))
    other = Items(
        (side(gallery).embeddings * scales[np.arange(len(gallery)) % 12, None])[order],
        side(gallery).targets[order],
        [gallery[i][2] for i in order],
    )
    again = recall_at(side([queries[i] for i in turned], 1e-2), other, chunk=5)
    for before, after in zip(found[:2], again[:2], strict=True):
        np.testing.assert_allclose(after.hits, before.hits[turned], atol=1e-12)
        np.testing.assert_allclose(after.chance, before.chance[turned], atol=1e-12)
        assert (after.no_gallery, after.no_relevant) == (before.no_gallery, before.no_relevant)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_what_sorting_all_cosines_gives(dtype):
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((60, 16)), rng.standard_normal((300, 16))
    own, theirs = rng.integers(7, size=60), rng.integers(7, size=300)
    found = recall_at(Items(queries.astype(dtype), own), Items(gallery.astype(dtype), theirs))
    near = NearestNeighbors(n_neighbors=20, metric="cosine").fit(gallery).kneighbors(queries)[1]
    for i, k in enumerate((1, 5, 10, 20)):
        expected = (theirs[near[:, :k]] == own[:, None]).any(axis=1)
        np.testing.assert_array_equal(found.all_items.hits[:, i], expected)
        assert found.all_items.at(k) == pytest.approx(expected.mean())
    assert found.other_groups is None


def test_many_copies_tie_however_the_product_is_cut():
    """Products of the same vectors differ in their last bits by where they stand."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal(512).astype(np.float32)
    gallery = np.tile(base, (997, 1)) * rng.uniform(0.1, 9, (997, 1)).astype(np.float32)
    targets = np.arange(997) % 4
    queries = Items(rng.standard_normal((5, 512)).astype(np.float32), np.zeros(5, int))
    share = (targets == 0).mean()
    for chunk in (1, 1000, 10**6):
        found = recall_at(queries, Items(gallery, targets), (1,), chunk=chunk)
        np.testing.assert_allclose(found.all_items.hits, share, rtol=1e-12)


def test_collapsed_embeddings_are_at_chance():
    ones = np.ones((40, 8), np.float32)
    found = recall_at(Items(ones[:10], [0] * 10), Items(ones, np.arange(40) % 5), (1, 5))
    expected = [1 - comb(32, k) / comb(40, k) for k in (1, 5)]
    np.testing.assert_allclose(found.all_items.hits, [expected] * 10)
    np.testing.assert_allclose(found.all_items.chance, [expected] * 10)


def test_undefined_queries_are_counted_and_left_out_of_the_mean():
    gallery = Items([[1.0, 0], [0, 1.0], [1.0, 1.0]], [0, 1, 1], ["a", "b", "b"])
    queries = Items([[1.0, 0], [1.0, 0], [1.0, 0], [0.9, 0.1]], [0, 0, 2, 1], ["a", "", "x", "c"])
    found = recall_at(queries, gallery, (1, 3))
    assert found.all_items.hits[:, 0].tolist()[:2] == [1.0, 1.0]
    assert (found.all_items.no_relevant, found.all_items.no_gallery) == (1, 0)
    assert found.all_items.at(1) == pytest.approx(2 / 3)
    assert found.all_items.at(3) == 1.0
    assert (found.other_groups.no_relevant, found.other_groups.counted) == (2, 2)
    assert np.isnan(found.other_groups.hits[0]).all()
    alone = recall_at(Items([[1.0]], [0], ["a"]), Items([[1.0], [2.0]], [0, 0], ["a", "a"]))
    assert (alone.other_groups.no_gallery, alone.other_groups.no_relevant) == (1, 0)
    assert np.isnan(alone.other_groups.at(1))
    assert alone.all_items.at(1) == 1.0


def test_an_empty_side_is_no_error():
    nothing = Items(np.zeros((0, 3), np.float32), np.zeros(0, int), [])
    some = Items(np.eye(3, dtype=np.float32), [0, 1, 2], ["a", "b", "c"])
    found = recall_at(some, nothing)
    assert (found.all_items.no_gallery, found.all_items.counted) == (3, 0)
    assert np.isnan(found.all_items.at(1))
    assert recall_at(nothing, some).all_items.hits.shape == (0, 4)


def test_what_is_not_finite_finds_nothing_and_is_not_found():
    queries = Items([[np.nan, 0], [1.0, 0]], [0, 0], ["", ""])
    gallery = Items([[np.inf, 0], [1.0, 0.1], [0.9, 0.5]], [0, 1, 0], ["", "", ""])
    found = recall_at(queries, gallery, (1, 2))
    assert found.all_items.hits.tolist() == [[0, 0], [0, 1]]
    assert (found.not_finite, found.zero) == ((1, 1), (0, 0))


def test_a_vector_of_zeros_ties_with_everything():
    gallery = Items([[1.0, 0], [0, 1.0], [-1.0, 0]], [0, 1, 1])
    found = recall_at(Items([[0.0, 0.0]], [0]), gallery, (1, 2))
    np.testing.assert_allclose(found.all_items.hits, [[1 / 3, 2 / 3]])
    assert found.zero == (1, 0)


def test_tiny_and_huge_vectors_keep_their_direction():
    vectors = np.array([[3e-18, 4e-18], [4e25, 3e25]], np.float32)
    found = recall_at(Items([[0.6, 0.8], [0.8, 0.6]], [0, 1]), Items(vectors, [0, 1]), (1,))
    assert found.all_items.at(1) == 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_taken(dtype):
    eye = torch.eye(4).to(dtype)
    assert recall_at(Items(eye, range(4)), Items(eye, range(4)), (1,)).all_items.at(1) == 1.0


@given(st.integers(0, 6), st.integers(0, 9), st.integers(1, 6), st.integers(1, 12))
def test_expected_hits_are_the_hypergeometric_law(above, tied, relevant, k):
    places = min(max(k - above, 0), tied + relevant)
    expected = 1 - comb(tied, places) / comb(tied + relevant, places)
    assert expected_hits(above, tied, relevant, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("queries", "gallery", "ks"),
    [
        (Items([[1.0]], [0]), Items([[1.0]], [0]), (0,)),
        (Items([[1.0]], [0]), Items([[1.0]], [0]), ()),
        (Items([[1.0]], [0]), Items([[1.0, 2.0]], [0]), (1,)),
        (Items([[1.0]], [0, 1]), Items([[1.0]], [0]), (1,)),
    ],
)
def test_what_does_not_fit_is_refused(queries, gallery, ks):
    with pytest.raises(ValueError, match=r"k must|widths|targets"):
        recall_at(queries, gallery, ks)


MEMORY = """
import numpy as np, sys
from pathlib import Path
from ccl.evaluation.retrieval import Items, recall_at
def peak():
    return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) / 1024
rng = np.random.default_rng(0)
sides = [Items(rng.standard_normal((n, 16), np.float32), rng.integers(9, size=n), None)
         for n in (1500, 100_000)]
recall_at(*[Items(s.embeddings[:99], s.targets[:99]) for s in sides])
before = peak()
recall_at(*sides, chunk=1 << 20)
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_a_chunk_not_of_all_similarities():
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 150  # MiB; all the similarities are 572
