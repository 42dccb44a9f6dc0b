from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from ccl.evaluation.confusion_picture import draw_confusion, similar_order
from ccl.evaluation.pictures import save_picture
from ccl.evaluation.recognition import confusion
from ccl.evaluation.tsne_picture import choose_points, draw_embeddings, plane

from .said import make_predictions, random_predictions


def counts_of(said):
    return confusion(said.probs, said.videos["target"].to_numpy())


def test_classes_that_are_confused_stand_side_by_side():
    counts = np.diag(np.full(8, 10.0))
    for a, b in ((0, 5), (1, 7), (2, 4)):
        counts[a, b], counts[b, a] = 6, 4
    order = similar_order(counts)
    assert sorted(order) == list(range(8))
    neighbours = {frozenset(pair) for pair in pairwise(order)}
    assert {frozenset(pair) for pair in ((0, 5), (1, 7), (2, 4))} <= neighbours
    assert similar_order(np.eye(2)) == [0, 1]


@pytest.mark.parametrize("num_classes", [2, 5, 100])
def test_every_class_has_its_name_beside_its_row_and_none_overlap(num_classes):
    said = random_predictions(num_classes, 3)
    names = [f"class {i} with $a$ long name" for i in range(num_classes)]
    figure = draw_confusion(counts_of(said), names, "Confusion")
    axes = figure.axes[0]
    figure.draw_without_rendering()
    order = similar_order(counts_of(said))
    shown = [label.get_text().replace(r"\$", "$") for label in axes.get_yticklabels()]
    assert shown == [names[i] for i in order]
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(boxes))
    assert min(box.x0 for box in boxes) > 0
    below = axes.get_xticklabels()[:num_classes]  # dense pictures have them above, too
    across = [label.get_window_extent() for label in below]
    assert all(left.x1 <= right.x0 + 1 for left, right in pairwise(across))
    assert min(box.y0 for box in across) > 0


def test_cells_are_shares_of_rows_and_a_class_without_videos_is_blank():
    counts = np.array([[3.0, 1, 0], [0, 0, 0], [0, 2, 2]])
    figure = draw_confusion(counts, ("a", "b", "c"), "Confusion")
    order = similar_order(counts)
    cells = np.ma.filled(figure.axes[0].collections[0].get_array(), np.nan).reshape(3, 3)
    expected = np.array([[0.75, 0.25, 0], [np.nan] * 3, [0, 0.5, 0.5]])[np.ix_(order, order)]
    np.testing.assert_allclose(cells, expected)
    texts = sorted(text.get_text() for text in figure.axes[0].texts if text.get_text())
    assert texts == ["25", "50", "50", "75"]


def points(figure):
    return sum(
        len(one.get_offsets())
        for one in figure.axes[0].collections
        if isinstance(one, PathCollection)
    )


def test_the_plane_keeps_neighbours_together():
    said = random_predictions(5, 30, signal=4.0)
    places, targets = plane(said.embeddings, 0), said.videos["target"]
    near = KNeighborsClassifier(5).fit(places[::2], targets[::2])
    assert near.score(places[1::2], targets[1::2]) > 0.95
    np.testing.assert_array_equal(plane(said.embeddings, 0), places)


def test_few_classes_have_a_legend_and_many_their_names():
    few = draw_embeddings(random_predictions(5, 12), {}, "Embeddings")
    assert points(few) == 60
    assert [text.get_text() for text in few.legends[0].get_texts()] == [f"c{i}" for i in range(5)]
    said = random_predictions(30, 6)
    levels = {f"c{i}": ("highly", "not")[i % 2] for i in range(30)}
    many = draw_embeddings(said, levels, "Embeddings")
    axes = many.axes[0]
    assert points(many) == 180
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["highly", "not"]
    many.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert 15 <= len(boxes) <= 30
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    title = axes.get_title(loc="left")
    assert (f"{len(boxes)} of 30 names fit" in title) is (len(boxes) < 30)


def test_too_many_videos_are_sampled_with_every_class_and_told(monkeypatch):
    monkeypatch.setattr("ccl.evaluation.tsne_picture.MOST_POINTS", 50)
    figure = draw_embeddings(random_predictions(5, 40), {}, "Embeddings")
    assert points(figure) == 50
    assert "50 of 200 videos" in figure.axes[0].get_title(loc="left")
    targets = np.repeat(np.arange(5), [100, 50, 25, 15, 10])
    chosen = choose_points(targets, 40, 0)
    assert len(set(chosen)) == 40
    np.testing.assert_allclose(np.bincount(targets[chosen]), [20, 10, 5, 3, 2], atol=1)


def test_embeddings_that_say_nothing_are_drawn_all_the_same(tmp_path):
    said = random_predictions(3, 8)
    same = replace(said, embeddings=np.ones_like(said.embeddings))
    assert points(draw_embeddings(same, {}, "Embeddings")) == 24
    broken = said.embeddings.copy()
    broken[:4] = np.nan
    figure = draw_embeddings(replace(said, embeddings=broken), {}, "Embeddings")
    assert points(figure) == 20
    assert "20 of 24 videos" in figure.axes[0].get_title(loc="left")
    assert draw_embeddings(make_predictions([0, 1, 2], np.eye(3)), {}, "Embeddings") is None
    with Image.open(save_picture(figure, tmp_path / "e.png")) as picture:
        assert picture.size == (1050, 750)
