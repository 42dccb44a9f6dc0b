import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.correspondence.recovery import level_by_associations, ordered_share


def pairs(*rows: tuple[str, str, float, float, float, float]) -> pd.DataFrame:
    columns = ["class_name", "tag", "share", "lift", "log_odds_z", "q_value"]
    return pd.DataFrame(rows, columns=columns)


TABLE = pairs(
    ("rings", "Bell", 0.9, 9.0, 5.0, 0.001),
    ("rings", "Speech", 1.0, 1.5, 2.0, 0.001),
    ("hums", "Speech", 0.9, 1.2, 0.1, 0.9),
    ("rolls", "Car", 0.8, 3.0, 4.0, 0.01),
    ("drives", "Car", 0.7, 3.0, 4.0, 0.01),
    ("drives", "Bell", 0.1, 0.5, -2.0, 0.01),
)


@pytest.mark.parametrize(
    ("name", "level", "sound"),
    [
        ("rings", "highly", "Bell"),  # 0.1 of drives is less than half of 0.9
        ("rolls", "weakly", "Car"),
        ("drives", "weakly", "Car"),
        ("hums", "not", ""),  # not significant
        ("silent", "not", ""),  # no sound at all
    ],
)
def test_level_by_associations(name: str, level: str, sound: str) -> None:
    assert level_by_associations(TABLE, name) == (level, sound)


def test_half_of_the_share_is_shared() -> None:
    table = pairs(("a", "Bell", 0.8, 5.0, 5.0, 0.0), ("b", "Bell", 0.4, 2.0, 1.0, 0.5))
    assert level_by_associations(table, "a") == ("weakly", "Bell")
    table.loc[1, "share"] = 0.39
    assert level_by_associations(table, "a") == ("highly", "Bell")


LEVELS = {"a": "highly", "b": "highly", "c": "weakly", "d": "not"}


def test_ordered_share_of_all_pairs() -> None:
    # pairs of different levels: ac ad bc bd cd
    assert ordered_share({"a": 4, "b": 3, "c": 2, "d": 1}, LEVELS) == 1
    assert ordered_share({"a": 1, "b": 2, "c": 3, "d": 4}, LEVELS) == 0
    assert ordered_share({"a": 4, "b": 1, "c": 2, "d": 1}, LEVELS) == (1 + 1 + 0 + 0.5 + 1) / 5
    assert math.isnan(ordered_share({"a": 1, "b": 2}, LEVELS))


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(-5, 5), min_size=4))
def test_turning_the_values_round_turns_the_share_round(values: dict[str, float]) -> None:
    turned = {name: -value for name, value in values.items()}
    assert ordered_share(values, LEVELS) + ordered_share(turned, LEVELS) == pytest.approx(1)
