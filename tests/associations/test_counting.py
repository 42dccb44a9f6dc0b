from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cca_tools.associations.compute import compute_associations
from cca_tools.associations.loading import Tags
from cca_tools.associations.settings import Settings
from cca_tools.associations.table import COLUMNS, Associations
from cca_tools.errors import CcaError, DataError, UsageError
from cca_tools.taggers.labels import LabelSpace
from cca_tools.taggers.ontology import ancestors

from .study import (
    CHILD,
    COUNTED,
    FEMALE,
    LABELS,
    MALE,
    SPEECH,
    Video,
    manifest_of,
    naive_table,
    random_study,
    tags_of,
    write_study,
)

PLAIN = Settings(top_k=3, bootstrap=0, permutations=0)


def count(videos: list[Video], chosen: Settings = PLAIN) -> Associations:
    return compute_associations(manifest_of(videos), Tags(tags_of(videos), LABELS), chosen)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_equals_plain_loops(seed: int, top_k: int) -> None:
    videos = random_study(np.random.default_rng(seed))
    found = count(videos, Settings(top_k=top_k, bootstrap=0, permutations=0)).pairs
    expected = naive_table(videos, top_k)
    assert list(found.columns) == list(COLUMNS)
    assert {(row.class_name, row.mid) for row in found.itertuples()} == set(expected)
    for row in found.itertuples():
        known = expected[row.class_name, row.mid]
        for name in ("videos", "support", "share", "base_share", "lift", "npmi", "log_odds_z"):
            assert getattr(row, name) == pytest.approx(known[name], rel=1e-9, abs=1e-12)
        assert row.tag == LABELS.name_of(row.mid)
    for name, rows in found.groupby("class_name"):
        order = sorted(
            (mid for (other, mid) in expected if other == name),
            key=lambda mid: (
                -expected[name, mid]["videos"],
                -expected[name, mid]["mean_score"],
                LABELS.index(mid),
            ),
        )
        assert rows["mid"].tolist() == order
        assert rows["rank"].tolist() == list(range(1, len(order) + 1))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_video_is_somewhere_in_the_classes(seed: int) -> None:
    videos = random_study(np.random.default_rng(seed))
    for row in count(videos).classes.to_dict("records"):
        mine = [video for video in videos if video.class_name == row["class_name"]]
        counted = [video for video in mine if video.status in COUNTED]
        assert row["videos"] == len(mine)
        assert row["support"] == len(counted)
        assert row["groups"] == len({video.group or video.video_id for video in counted})
        for status in ("ok", "partial", "silent", "timeout", "untagged", "decode_error"):
            assert row[status] == sum(video.status == status for video in mine)


def test_ranks_by_videos_then_mean_score_then_label_order() -> None:
    videos = [
        Video("1", "A", (CHILD, SPEECH, MALE), scores=(0.9, 0.5, 0.5)),
        Video("2", "A", (CHILD, FEMALE), scores=(0.7, 0.6)),
        Video("3", "B", (FEMALE, MALE), scores=(0.5, 0.5)),
    ]
    found = count(videos, Settings(top_k=2, bootstrap=0, permutations=0)).pairs
    of_a = found[found["class_name"] == "A"]
    assert of_a["mid"].tolist() == [CHILD, FEMALE, SPEECH]  # 2 videos; then 0.6 before 0.5
    of_b = found[found["class_name"] == "B"]
    assert of_b["mid"].tolist() == [MALE, FEMALE]  # all equal: the order of the labels


@pytest.mark.parametrize(("rank_by", "column"), [("npmi", "npmi"), ("log-odds", "log_odds_z")])
def test_ranks_by_strength(rank_by: str, column: str) -> None:
    videos = random_study(np.random.default_rng(2))
    found = count(videos, Settings(top_k=3, rank_by=rank_by, bootstrap=0, permutations=0)).pairs
    for _, rows in found.groupby("class_name"):
        assert (np.diff(rows[column]) <= 1e-15).all()
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))


def test_neither_shards_nor_the_order_of_rows_matter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    videos = random_study(rng, groups=8)
    chosen = Settings(top_k=3, bootstrap=200, permutations=200)
    shuffled = [videos[index] for index in rng.permutation(len(videos))]
    first = count(videos, chosen)
    root = write_study(tmp_path / "w", shuffled, shards=7)
    shards = sorted((root / "tags").glob("*.parquet"))
    second = compute_associations(root / "manifest.parquet", Tags(shards, LABELS), chosen)
    pd.testing.assert_frame_equal(first.pairs, second.pairs, check_exact=True)
    pd.testing.assert_frame_equal(first.classes, second.classes)


def test_a_video_without_group_is_its_own_and_a_group_ends_at_its_class() -> None:
    videos = [
        Video("1", "A", (SPEECH,), group="g"),
        Video("2", "A", (SPEECH,), group="g"),
        Video("g", "A", (SPEECH,)),  # its id is no group
        Video("4", "A", (SPEECH,)),
        Video("5", "B", (SPEECH,), group="g"),
    ]
    classes = count(videos, Settings(top_k=1, bootstrap=0, permutations=0)).classes
    assert classes["groups"].tolist() == [3, 1]


def test_only_videos_of_the_manifest_count_and_the_others_are_told() -> None:
    videos = [Video("1", "A", (SPEECH,)), Video("2", "B", (MALE,))]
    more = [*videos, Video("9", "A", (SPEECH,)), Video("8", "C", (SPEECH,))]
    result = compute_associations(
        manifest_of(videos),
        Tags(tags_of(more), LABELS),
        Settings(top_k=1, bootstrap=0, permutations=0),
    )
    assert result.pairs["videos"].tolist() == [1, 1]
    assert any("2 tags are of videos that the manifest does not list" in n for n in result.notices)


def test_a_class_without_counted_videos_is_listed_with_support_zero() -> None:
    videos = [Video("1", "A", (SPEECH,)), Video("2", "B", status="silent"), Video("3", "C")]
    videos[2] = Video("3", "C", status="untagged")
    result = count(videos, Settings(top_k=1, permutations=50))
    assert result.classes["support"].tolist() == [1, 0, 0]
    assert result.pairs["class_name"].tolist() == ["A"]
    assert any("2 classes without any video that counts: B, C" in n for n in result.notices)
    assert any("2 of 3 videos do not count: 1 silent, 1 untagged" in n for n in result.notices)


def test_undefined_values_are_nan_and_told() -> None:
    videos = [Video(str(number), "A", (SPEECH,), group="g") for number in range(3)]
    result = count(videos, Settings(top_k=1, permutations=50))
    row = result.pairs.iloc[0]
    assert np.isnan(row[["share_low", "share_high", "npmi", "log_odds_z"]].astype(float)).all()
    assert row["share"] == row["lift"] == row["p_value"] == row["q_value"] == 1.0
    text = " ".join(result.notices)
    assert "npmi is undefined for 1 of 1 pairs" in text
    assert "log_odds_z is undefined for 1 of 1 pairs" in text


def test_one_group_has_no_interval_beside_classes_that_have_one() -> None:
    videos = [
        *(Video(f"a{n}", "A", (SPEECH,), group=f"g{n // 2}") for n in range(8)),
        *(Video(f"b{n}", "B", (MALE,), group="only") for n in range(3)),
        *(Video(f"c{n}", "C", (MALE,)) for n in range(3)),
    ]
    result = count(videos, Settings(top_k=1, bootstrap=50, permutations=50))
    missing = result.pairs.set_index("class_name")["share_low"].isna()
    assert missing.to_dict() == {"A": False, "B": True, "C": False}
    assert any("1 class with one group only" in notice for notice in result.notices)


def test_q_values_are_over_all_pairs_that_could_occur() -> None:
    from scipy.stats import false_discovery_control

    videos = [
        Video(f"{owner}{number}", owner, (mid, SPEECH), group=f"g{number // 2}")
        for owner, mid in (("A", MALE), ("B", FEMALE), ("C", CHILD))
        for number in range(40)
    ]
    result = count(videos, Settings(top_k=2, bootstrap=0, permutations=2000))
    assert len(result.pairs) == 6
    assert result.about["tested_pairs"] == 3 * 4
    padded = np.concatenate([result.pairs["p_value"], np.ones(12 - 6)])
    expected = false_discovery_control(padded, method="by")[:6]
    assert np.allclose(result.pairs["q_value"], expected, rtol=1e-12)
    assert expected.min() < 0.01  # so that it makes a difference


def test_the_seed_decides_and_nothing_else() -> None:
    videos = random_study(np.random.default_rng(4), groups=8)
    first, again, other = (
        count(videos, Settings(top_k=3, bootstrap=50, permutations=50, seed=seed)).pairs
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not first["p_value"].equals(other["p_value"])
    assert not first["share_low"].equals(other["share_low"])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_collapsed_parents_equal_a_naive_filter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    family = [LABELS.index(mid) for mid in ("/m/0bt9lr", "/m/05tny_", "/m/0jbk", "/m/068hy")]
    videos = []
    for number in range(12):
        codes = rng.permutation([*family, 0, 1, 2, 137])[:4]
        mids = tuple(LABELS.mids[code] for code in codes)
        videos.append(Video(str(number), f"c{number % 2}", mids))
    chosen = Settings(top_k=4, bootstrap=0, permutations=0, collapse_parents=True)
    kept = [
        Video(
            video.video_id,
            video.class_name,
            tuple(mid for mid in video.mids if not any(mid in ancestors(o) for o in video.mids)),
        )
        for video in videos
    ]
    expected = naive_table(kept, 4)
    found = count(videos, chosen).pairs
    assert {
        (row.class_name, row.mid): (row.videos, pytest.approx(row.log_odds_z))
        for row in found.itertuples()
    } == {pair: (known["videos"], known["log_odds_z"]) for pair, known in expected.items()}
    assert any(len(one.mids) < 4 for one in kept)


def test_parents_stay_where_no_kind_of_theirs_is_in_the_top_k() -> None:
    videos = [Video("1", "A", ("/m/0bt9lr", SPEECH, "/m/05tny_"))]  # Dog, Speech, Bark
    chosen = Settings(top_k=2, bootstrap=0, permutations=0, collapse_parents=True)
    assert set(count(videos, chosen).pairs["tag"]) == {"Dog", "Speech"}  # Bark is beyond the top 2


def test_classes_of_an_own_label_space_outside_the_ontology_are_kept() -> None:
    own = LabelSpace("own", ("x", "y"), ("Ex", "Why"))
    videos = [Video("1", "A", ("y", "x"))]
    result = compute_associations(
        manifest_of(videos),
        Tags(tags_of(videos), own),
        Settings(top_k=2, bootstrap=0, permutations=0, collapse_parents=True),
    )
    assert result.pairs["tag"].tolist() == ["Why", "Ex"]


GOOD = [Video("1", "A", (SPEECH, MALE)), Video("2", "B", (MALE, SPEECH))]


def broken(videos: list[Video] = GOOD, **cells: object) -> pd.DataFrame:
    tags = tags_of(videos)
    for name, value in cells.items():
        tags.at[1, name] = value
    return tags


@pytest.mark.parametrize(
    ("tags", "kind", "message"),
    [
        (broken(mids=[MALE, MALE]), DataError, "video '2' has an audio class twice"),
        (broken(scores=[0.5]), DataError, "video '2' lacks scores"),
        (broken(scores=[0.5, float("nan")]), DataError, "video '2' has a score that is not finite"),
        (broken(scores=[float("inf"), 0.1]), DataError, "video '2' has a score that is not finite"),
        (broken(status="splendid"), DataError, "video '2' has a status that is not known"),
        (broken(mids=[MALE, "/m/nonsense"]), DataError, "the audio class '/m/nonsense'"),
        (broken(video_id="1"), DataError, "video '1' has tags more than once"),
        (broken(fingerprint="b" * 64), DataError, "the tags are of 2 runs"),
        (broken(mids=[MALE], scores=[0.5]), UsageError, "--top-k is 2, but only 1"),
        (broken().iloc[:0], DataError, "there are no tags"),
        (broken().drop(columns="scores"), DataError, "the tags lack scores"),
    ],
)
def test_bad_tags_are_named(tags: pd.DataFrame, kind: type[CcaError], message: str) -> None:
    with pytest.raises(kind, match=message):
        compute_associations(
            manifest_of(GOOD), Tags(tags, LABELS), Settings(top_k=2, bootstrap=0, permutations=0)
        )


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (manifest_of([*GOOD, GOOD[0]]), "3 rows but 2 different video ids"),
        (manifest_of(GOOD).iloc[:0], "no videos"),
        (manifest_of(GOOD).drop(columns="group"), "lacks group"),
        (manifest_of([Video("7", "A")]), "none of the 1 videos of the manifest counts: 1 untagged"),
        (manifest_of([Video("1", ""), Video("2", "")]), "none of the 2 videos .* has a class"),
    ],
)
def test_bad_manifests_are_named(manifest: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compute_associations(
            manifest, Tags(tags_of(GOOD), LABELS), Settings(top_k=2, bootstrap=0, permutations=0)
        )


def test_only_silence_says_what_there_was() -> None:
    videos = [Video("1", "A", status="silent"), Video("2", "A", status="timeout")]
    with pytest.raises(DataError, match="1 silent, 1 timeout"):
        count(videos)


@pytest.mark.parametrize(
    "values",
    [{"top_k": 0}, {"bootstrap": -1}, {"permutations": -1}, {"seed": -1}, {"rank_by": "beauty"}],
)
def test_settings_out_of_range_are_refused(values: dict[str, object]) -> None:
    (name,) = values
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} must be"):
        Settings(**values)  # type: ignore[arg-type]


def test_videos_without_class_beside_others_are_told() -> None:
    result = count([*GOOD, Video("3", "", (SPEECH, MALE))], Settings(top_k=2, permutations=0))
    assert "1 videos have no class: they stand as (no class)" in result.notices
    assert set(result.pairs["class_name"]) == {"", "A", "B"}
