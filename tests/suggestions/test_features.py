from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from cca_tools.reference.ucf51 import published_rows
from cca_tools.reference.ucf51_artefacts import published_associations
from cca_tools.suggestions.features import (
    FEATURES,
    audio_classes,
    class_shares,
    columns_of,
    distinctiveness,
    feature_table,
    heard_classes,
    known_families,
    meanings,
)

PUBLISHED = {row["class_name"]: row["audio_classes"].split("; ") for row in published_rows()}


def letters(texts):
    """An encoder whose meaning is the letters: unit rows of letter counts."""
    rows = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
                     for text in texts], dtype=np.float32)  # fmt: skip
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def pairs(table: dict[str, list[tuple[str, int]]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"class_name": name, "rank": rank, "mid": f"/m/{tag}", "tag": tag, "videos": videos}
            for name, heard in table.items()
            for rank, (tag, videos) in enumerate(heard, start=1)
        ]
    )


def test_heard_are_the_ten_most_frequent_whatever_the_table_is_ranked_by() -> None:
    by_log_odds = pairs({"x": [(f"t{n:02}", n) for n in range(1, 13)]})
    heard = heard_classes(by_log_odds)
    assert heard["tag"].tolist() == [f"t{n:02}" for n in range(12, 2, -1)]
    assert heard["rank"].tolist() == list(range(1, 11))


def test_a_published_table_keeps_its_ranks() -> None:
    heard = heard_classes(published_associations())
    assert {name: rows["tag"].tolist() for name, rows in heard.groupby("class_name")} == PUBLISHED


def test_shares_of_the_published_classes_are_counted_by_hand() -> None:
    counted = Counter(tag for heard in PUBLISHED.values() for tag in heard)
    heard = heard_classes(published_associations())
    shares = heard["mid"].map(class_shares(heard))
    for tag, share in zip(heard["tag"], shares, strict=True):
        assert share == pytest.approx(counted[tag] / 51)
    found = distinctiveness(heard)
    for name, tags in PUBLISHED.items():
        expected = sum(-math.log(counted[tag] / 51) for tag in tags) / 10
        assert found[name] == pytest.approx(expected)


def test_one_more_class_is_counted_beside_the_published() -> None:
    mid_of = published_associations().set_index("tag")["mid"]
    heard = pairs({"x": [("Speech", 3), ("Sitar", 2), ("never", 1)]})
    heard["mid"] = [mid_of["Speech"].iloc[0], mid_of["Sitar"], "/m/never"]
    counted = Counter(tag for one in PUBLISHED.values() for tag in one)
    shares = class_shares(heard)
    assert shares[mid_of["Sitar"]] == pytest.approx((counted["Sitar"] + 1) / 52)
    assert shares["/m/never"] == pytest.approx(1 / 52)
    terms = [(counted["Speech"] + 1) / 52, (counted["Sitar"] + 1) / 52, 1 / 51]  # bounded
    assert distinctiveness(heard)["x"] == pytest.approx(-np.log(terms).mean())


def test_meaning_is_the_nearest_heard_and_how_many_others_are_nearer() -> None:
    heard = pairs({"zzq": [("aaa", 2), ("zzzq", 1)], "bark": [("aab", 2), ("zz", 1)]})
    found = meanings(heard, letters)
    mids, tags = audio_classes(heard)
    assert len(mids) == len(set(mids)) == 527 + 4
    names = letters([f"a video of {name}" for name in ("zzq", "bark")])
    sounds = letters([f"the sound of {tag.lower()}" for tag in tags])
    cosine = dict(zip(("zzq", "bark"), names @ sounds.T, strict=True))
    for name, mine in (("zzq", ["aaa", "zzzq"]), ("bark", ["aab", "zz"])):
        of_tag = dict(zip(tags, cosine[name], strict=True))
        best = max(mine, key=lambda tag: of_tag[tag])
        assert found[name].heard[0].tag == best
        assert found[name].heard[0].similarity == pytest.approx(of_tag[best], abs=1e-6)
        assert found[name].nearer == sum(value > of_tag[best] for value in of_tag.values())
        assert found[name].known == len(tags)


def test_the_table_has_what_is_known_and_nothing_else() -> None:
    heard = pairs({"x": [("aaa", 2)], "y": [("bbb", 1)]})
    audio = pd.DataFrame({"class_name": ["y"], "videos": [9], "ten_way": [1.0]})
    table = feature_table(heard, None, audio)
    assert tuple(table.columns) == FEATURES
    assert known_families(table.loc["x"]) == ("distinctiveness",)
    assert known_families(table.loc["y"]) == ("distinctiveness", "audio")
    assert table.loc["y", "audio_log_odds"] == pytest.approx(math.log(9.5 / 0.5))
    full = feature_table(heard, meanings(heard, letters), audio)
    assert known_families(full.loc["y"]) == ("meaning", "distinctiveness", "audio")
    nearer = meanings(heard, letters)["x"].nearer
    assert full.loc["x", "nearness"] == pytest.approx(-math.log(1 + nearer))
    assert columns_of(("meaning", "audio")) == ["similarity", "nearness", "audio_log_odds"]
