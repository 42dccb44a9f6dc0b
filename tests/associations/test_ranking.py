from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.associations.ranking import rank_within

pair = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([0.1, 0.2]))


@given(st.lists(pair, max_size=25), st.randoms(use_true_random=False))
def test_equals_sorting_in_python(pairs: list[tuple[int, int, float]], random: object) -> None:
    classes = [class_id for class_id, _, _ in pairs]
    videos = [number for _, number, _ in pairs]
    scores = [score for _, _, score in pairs]
    order = list(range(len(pairs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    ranks = rank_within(np.array(classes, dtype=int), (videos, scores), order)
    for class_id in set(classes):
        mine = [index for index in range(len(pairs)) if classes[index] == class_id]
        mine.sort(key=lambda index: (-videos[index], -scores[index], order[index]))
        assert [ranks[index] for index in mine] == list(range(1, len(mine) + 1))


def test_undefined_comes_last() -> None:
    assert rank_within([0, 0, 0], ([np.nan, -1.0, 0.5],), [0, 1, 2]).tolist() == [3, 2, 1]
