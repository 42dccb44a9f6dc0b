from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.suggestions.folds import group_folds


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=120),
    st.integers(2, 6),
    st.integers(0, 100),
)
def test_no_group_is_torn(videos: list[tuple[int, int]], num_folds: int, seed: int) -> None:
    names = [f"c{name}" for name, _ in videos]
    groups = [f"g{group}" for _, group in videos]
    folds = group_folds(names, groups, num_folds, np.random.default_rng(seed))
    assert ((folds >= 0) & (folds < num_folds)).all()
    of_group = defaultdict(set)
    for group, fold in zip(groups, folds, strict=True):
        of_group[group].add(int(fold))
    assert all(len(found) == 1 for found in of_group.values())


@given(st.lists(st.integers(2, 8), min_size=1, max_size=6), st.integers(2, 6), st.integers(0, 99))
def test_a_class_of_two_groups_can_be_tested(
    groups_of: list[int], num_folds: int, seed: int
) -> None:
    names = [f"c{number}" for number, many in enumerate(groups_of) for _ in range(many)]
    groups = [f"{number}/{one}" for number, many in enumerate(groups_of) for one in range(many)]
    folds = group_folds(names, groups, num_folds, np.random.default_rng(seed))
    for number, many in enumerate(groups_of):
        mine = folds[[name == f"c{number}" for name in names]]
        assert len(set(mine.tolist())) == min(many, num_folds)
