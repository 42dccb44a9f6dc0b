from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import cca_tools
from cca_tools import associate
from cca_tools.associations.database import open_database
from cca_tools.associations.table import COLUMNS
from cca_tools.errors import DataError, UsageError, WorkspaceError
from cca_tools.workspace import Workspace, read_provenance

from .study import (
    CHILD,
    FEMALE,
    LABELS,
    MALE,
    SPEECH,
    Video,
    manifest_of,
    random_study,
    tags_of,
    write_study,
    write_tags,
)

FAST = {"top_k": 3, "bootstrap": 50, "permutations": 100}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "my study", random_study(np.random.default_rng(0)), shards=3)


@pytest.fixture(autouse=True)
def pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw heat maps only where a test is about them: they take longer than all the rest."""
    if not request.node.name.startswith(("test_writes_tables_pictures", "test_odd_names")):
        monkeypatch.setattr("cca_tools.reports.associations._draw_heat_maps", lambda *_: [])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_is_offered_by_the_package() -> None:
    assert cca_tools.associate is associate


def test_writes_tables_pictures_and_where_they_come_from(study: Path) -> None:
    frame = associate(study, charts=["class 1"], **FAST)
    assert list(frame.columns) == list(COLUMNS)
    pd.testing.assert_frame_equal(pd.read_parquet(study / "associations.parquet"), frame)
    written = {str(path.relative_to(study)) for path in study.rglob("*") if path.is_file()}
    for name in ("associations", "classes"):
        assert {f"tables/{name}{suffix}" for suffix in (".csv", ".md", ".tex")} <= written
    for name in ("heatmap_share", "heatmap_log_odds_z"):
        assert {f"figures/{name}{suffix}" for suffix in (".png", ".pdf")} <= written
    assert any(name.startswith("figures/chart_class_1") for name in written)
    for name in ("associations.parquet", "associations_classes.parquet"):
        record = json.loads((study / f"{name}.provenance.json").read_text())
        assert record["artefact"] == name
        assert record["label_space"] == LABELS.hash
        assert record["parameters"]["bootstrap"] == 50
        assert record["parameters"]["p_values"] == "100 permutations"
        inputs = [study / "manifest.parquet", *sorted((study / "tags").glob("*.parquet"))]
        assert record["inputs"] == {str(path): digest(path) for path in inputs}
    assert not [path for path in study.iterdir() if path.name.startswith((".writing", ".counting"))]


def test_parquet_has_the_types_of_the_contract(study: Path) -> None:
    associate(study, **FAST)
    schema = pq.read_schema(study / "associations.parquet")
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    assert all("string" in kinds[name] for name in ("class_name", "mid", "tag"))
    assert {kinds[name] for name in ("rank", "videos", "support")} == {"int64"}
    assert {kinds[name] for name in list(COLUMNS)[6:]} == {"double"}


def test_frames_are_only_counted(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    videos = random_study(np.random.default_rng(0))
    frame = associate(manifest=manifest_of(videos), tags=tags_of(videos), **FAST)
    assert not (tmp_path / "outputs").exists()
    pd.testing.assert_frame_equal(frame, associate(study, **FAST))
    mixed = associate(study, manifest=manifest_of(videos), **FAST)
    pd.testing.assert_frame_equal(frame, mixed)


def test_another_manifest_file_can_be_given(study: Path, tmp_path: Path) -> None:
    part = pd.read_parquet(study / "manifest.parquet").query("class_name == 'class 2'")
    part.to_parquet(tmp_path / "part.parquet")
    frame = associate(study, manifest=tmp_path / "part.parquet", **FAST)
    assert set(frame["class_name"]) == {"class 2"}


def test_runs_of_other_settings_are_never_mixed(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = associate(study, **FAST)
    other = [
        Video(video.video_id, video.class_name, (CHILD, FEMALE, MALE), video.group, "ok")
        for video in random_study(np.random.default_rng(0))
    ]
    write_tags(
        study / "tags",
        other,
        fingerprint="b" * 64,
        about={"updated_utc": "2026-05-05T00:00:00+00:00"},
    )
    with caplog.at_level(logging.WARNING):
        second = associate(study, **FAST)
    assert set(second["mid"]) == {CHILD, FEMALE, MALE}
    assert (
        "counted are the tags efficientat-mn04-bbbbbbbbbbbb; "
        "there are also efficientat-mn04-aaaaaaaaaaaa"
    ) in caplog.text
    pd.testing.assert_frame_equal(associate(study, tags="efficientat-mn04-a", **FAST), first)


def test_planted_pairs_come_first_and_are_found(tmp_path: Path) -> None:
    """Everything has Speech and Music; class c also has its own audio class in 60 % of groups."""
    rng = np.random.default_rng(0)
    music, own = LABELS.mids[137], LABELS.mids[200:206]
    videos = [
        Video(
            f"{class_id}/{group}/{clip}",
            f"class {class_id}",
            (
                SPEECH,
                music,
                own[class_id] if planted else LABELS.mids[int(rng.integers(300, 320))],
            ),
            group=f"g{group}",
        )
        for class_id in range(6)
        for group in range(20)
        for planted in [rng.random() < 0.6]
        for clip in range(4)
    ]
    root = write_study(tmp_path / "w", videos)
    for rank_by in ("npmi", "log-odds"):
        frame = associate(root, top_k=3, rank_by=rank_by, bootstrap=0, permutations=20_000)
        first = frame[frame["rank"] == 1].set_index("class_name")
        assert first["mid"].tolist() == list(own)
        assert (first["q_value"] < 0.05).all()
        others = frame[frame["rank"] > 1]
        assert (others["q_value"] > 0.05).all()
    frequent = associate(root, top_k=3, bootstrap=0, permutations=0)
    assert set(frequent[frequent["rank"] <= 2]["mid"]) == {SPEECH, music}


def test_by_default_permutations_are_as_many_as_is_affordable(study: Path) -> None:
    frame = associate(study, top_k=3, bootstrap=0)
    record = json.loads((study / "associations.parquet.provenance.json").read_text())
    assert record["parameters"]["p_values"] == "200000 permutations"
    assert frame["p_value"].min() >= 1 / 200_001


def test_single_videos_are_tested_exactly(tmp_path: Path) -> None:
    videos = [Video(str(n), "AB"[n % 2], ((SPEECH,), (MALE,))[n % 2]) for n in range(20)]
    root = write_study(tmp_path / "w", videos)
    frame = associate(root, top_k=1, bootstrap=10)
    assert frame["p_value"].tolist() == pytest.approx([1 / 184_756] * 2)  # 20 over 10
    record = json.loads((root / "associations.parquet.provenance.json").read_text())
    assert record["parameters"]["p_values"] == "exact"


def test_what_is_missing_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.parquet is not there.*cca-tools index"):
        associate(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    root = write_study(tmp_path / "w", [Video("1", "A", (SPEECH,))])
    for path in (root / "tags").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"there are no tags in .*cca-tools tag-audio"):
        associate(root)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty", "text"])
def test_a_damaged_shard_is_named_in_one_line(study: Path, damage: str) -> None:
    shard = study / "tags" / "efficientat-mn04-aaaaaaaaaaaa-000002.parquet"
    whole = shard.read_bytes()
    middle = bytearray(whole)
    middle[100 : len(whole) // 2] = os.urandom(len(whole) // 2 - 100)
    shard.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "overwritten": bytes(middle),
            "empty": b"",
            "text": b"hello",
        }[damage]
    )
    with pytest.raises(DataError) as caught:
        associate(study, **FAST)
    assert shard.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (study / "associations.parquet").exists()


def test_a_shard_without_the_columns_is_named(study: Path) -> None:
    shard = study / "tags" / "efficientat-mn04-aaaaaaaaaaaa-000002.parquet"
    pd.DataFrame({"video_id": ["1"]}).to_parquet(shard)
    with pytest.raises(DataError, match=r"000002\.parquet is no tag shard: it lacks fingerprint"):
        associate(study, **FAST)


def test_an_unknown_class_for_a_chart_is_refused_before_the_work(study: Path) -> None:
    with pytest.raises(UsageError, match=r"no video class 'clas 2'.*such as class 2"):
        associate(study, charts=["clas 2"], **FAST)
    assert not (study / "associations.parquet").exists()


def test_more_than_was_stored_is_refused_with_a_remedy(study: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--top-k is 10, but only 3.*Give --top-k 3, or tag again"
    ):
        associate(study, top_k=10)


def test_without_being_told_as_many_count_as_were_stored(study: Path) -> None:
    pd.testing.assert_frame_equal(associate(study, figures=False), associate(study, top_k=3))
    told = read_provenance(Workspace(study).associations)["parameters"]
    assert told["top_k"] == 3


def test_levels_of_no_class_are_told_and_odd_ones_refused(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    associate(study, levels={"nowhere": "not"}, figures=False)
    assert "1 of 1 levels are of no class here: nowhere" in caplog.text
    with pytest.raises(UsageError, match=r"'High' is no level\. A level is one of highly"):
        associate(study, levels={"Dog": "High"})


def test_pictures_of_an_earlier_count_do_not_stay(study: Path) -> None:
    figures = Workspace(study).figures
    figures.mkdir()
    for name in ("heatmap_share.png", "chart_Dog.pdf", "mine.png"):
        (figures / name).touch()
    associate(study, figures=False)
    assert [path.name for path in figures.iterdir()] == ["mine.png"]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UsageError, match=r"topk.*Settings are top_k"):
        associate("nowhere", topk=3)  # type: ignore[call-arg]


def test_a_workspace_in_use_is_left_alone(study: Path) -> None:
    with (
        Workspace(study).lock("tag-audio"),
        pytest.raises(WorkspaceError, match="held by `tag-audio`"),
    ):
        associate(study, **FAST)


def test_what_a_killed_run_left_is_removed(study: Path) -> None:
    leftover = study / ".counting-x"
    leftover.mkdir()
    (leftover / "counts.duckdb").write_bytes(b"x" * 100)
    associate(study, **FAST)
    assert not leftover.exists()


def test_a_full_disk_ends_in_one_clear_line(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    def fail(*_args: object, **_kwargs: object) -> None:
        raise duckdb.IOException("IO Error: Could not write file: No space left on device\nmore")

    monkeypatch.setattr("cca_tools.associations.compute.count_pairs", fail)
    with pytest.raises(
        WorkspaceError, match=r"cannot count in .*No space left on device"
    ) as caught:
        associate(study, **FAST)
    assert "\n" not in str(caught.value)


def test_the_temporary_database_lies_in_the_workspace_and_goes(tmp_path: Path) -> None:
    with open_database(tmp_path / "w") as database:
        database.execute("CREATE TABLE t AS SELECT 1")
        (inside,) = (tmp_path / "w").iterdir()
        assert (inside / "counts.duckdb").exists()
    assert list((tmp_path / "w").iterdir()) == []


def test_odd_names_go_through(tmp_path: Path) -> None:
    names = ["a|b", "=cmd()", "50% & $x$_y^", "", "Übung/ü", 'it\'s "so"', "$"]
    videos = [
        Video(f"{name}{number}", name, (SPEECH, MALE)) for name in names for number in range(3)
    ]
    root = write_study(tmp_path / "it's a study", videos)
    frame = associate(root, top_k=2, charts=["all"], bootstrap=20, permutations=20)
    assert set(frame["class_name"]) == set(names)
    assert len(list((root / "figures").glob("chart_*.png"))) == len(names)
    assert "(no class)" in (root / "tables" / "associations.md").read_text(encoding="utf-8")


def test_too_few_permutations_for_any_low_q_are_told(
    study: Path, caplog: pytest.LogCaptureFixture
) -> None:
    associate(study, permutations=3, figures=False)
    assert "permutations can give (0.25); raise --permutations" in caplog.text
    assert "no q-value is below" in caplog.text
