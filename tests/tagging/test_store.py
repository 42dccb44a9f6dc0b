"""Shards: all or nothing, each video once, kept apart by fingerprint."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tagging.fakes import EMBEDDING_DIM, LABELS, NUM_CLASSES

from cca_tools.errors import DataError
from cca_tools.taggers.labels import yamnet_labels
from cca_tools.tagging.rows import TagRow
from cca_tools.tagging.store import (
    RunInfo,
    TagStore,
    describe_labels,
    labels_of,
    list_runs,
    read_tags,
)


def run_info(fingerprint="ab" * 32, **settings):
    return RunInfo(
        tagger="fake",
        fingerprint=fingerprint,
        settings={"keep": [], "top_k": 3, **settings},
        label_space=describe_labels(LABELS),
        embedding_dim=EMBEDDING_DIM,
        started_utc="2026-01-01T00:00:00+00:00",
    )


@pytest.fixture
def store(tmp_path):
    made = TagStore(tmp_path / "tags", run_info(keep=["scores", "embedding"]), LABELS)
    made.open()
    return made


def row(video_id, status="ok", seed=0):
    rng = np.random.default_rng(seed)
    counts = status in ("ok", "partial")
    return TagRow(
        video_id,
        status,
        "",
        1.5,
        -20.0,
        -3.0,
        rng.random(NUM_CLASSES, np.float32) if counts else None,
        rng.random(EMBEDDING_DIM, np.float32) if counts else None,
    )


def test_a_row_comes_back_as_it_went_in(store):
    rows = [row("a", seed=1), row("b", "silent"), row("c", "partial", seed=2)]
    for one in rows:
        store.add(one)
    store.flush()
    tags = read_tags(store.folder, store.run.name).set_index("video_id")
    assert list(tags.index) == ["a", "b", "c"]
    assert set(tags["fingerprint"]) == {"ab" * 32}
    for one in rows:
        found = tags.loc[one.video_id]
        assert (found["status"], found["seconds"]) == (one.status, 1.5)
        if one.probs is None:
            assert len(found["mids"]) == len(found["scores"]) == 0
            assert found["scores_all"] is None
            continue
        best = sorted(range(NUM_CLASSES), key=lambda place: -one.probs[place])[:3]
        assert list(found["mids"]) == [LABELS.mids[place] for place in best]
        assert list(found["scores"]) == [one.probs[place] for place in best]
        assert np.abs(found["scores_all"] - one.probs).max() < 5e-4  # float16
        assert np.abs(found["embedding"] - one.embedding).max() < 5e-4


def test_values_beyond_float16_are_held_at_its_end(store):
    wild = replace(row("a"), embedding=np.array([1e9, -1e9, 1e-9, 1.0], np.float32))
    store.add(wild)
    store.flush()
    kept = read_tags(store.folder, store.run.name)["embedding"][0]
    assert kept.tolist() == [65504.0, -65504.0, 0.0, 1.0]


def test_shards_are_numbered_and_an_empty_one_is_not_written(store):
    for number in range(3):
        store.add(row(f"v{number}"))
        store.flush()
        store.flush()
    names = [path.name for path in sorted(store.folder.glob("*.parquet"))]
    assert names == [f"fake-abababababab-00000{number}.parquet" for number in (1, 2, 3)]
    assert len(store) == 0


def test_reopening_tells_what_is_done_and_clears_what_was_half_written(store):
    store.add(row("a"))
    store.flush()
    (store.folder / ".writing-xyz.parquet").write_bytes(b"half")
    again = TagStore(store.folder, store.run, LABELS)
    assert list(again.open()["video_id"]) == ["a"]
    assert not (store.folder / ".writing-xyz.parquet").exists()
    again.add(row("b"))
    again.flush()
    assert set(read_tags(store.folder, store.run.name)["video_id"]) == {"a", "b"}


def test_videos_are_forgotten_and_others_stay(store):
    for group in (["a", "b"], ["c"], ["d", "e"]):
        for video_id in group:
            store.add(row(video_id))
        store.flush()
    store.forget({"b", "c", "nowhere"})
    left = read_tags(store.folder, store.run.name)
    assert sorted(left["video_id"]) == ["a", "d", "e"]
    assert left.columns.tolist() == store._schema.names
    store.forget(set())
    assert sorted(read_tags(store.folder, store.run.name)["video_id"]) == ["a", "d", "e"]
    store.forget({"a", "d", "e"})
    assert list(store.folder.glob("*.parquet")) == []


def test_another_fingerprint_is_another_set(store):
    store.add(row("a"))
    store.flush()
    other = TagStore(store.folder, run_info("cd" * 32), LABELS)
    assert other.open().empty
    other.add(row("a"))
    other.flush()
    other.forget({"a"})
    assert list(read_tags(store.folder, store.run.name)["video_id"]) == ["a"]
    assert {run.name for run in list_runs(store.folder)} == {
        "fake-abababababab",
        "fake-cdcdcdcdcdcd",
    }


def test_a_stop_after_the_rename_writes_no_row_twice(store, monkeypatch):
    """Ctrl-C between the rename and the end of `flush`, then the flush of an orderly stop."""

    def stop(path):
        if path == store.folder:
            raise KeyboardInterrupt

    monkeypatch.setattr("cca_tools.workspace._sync", stop)
    store.add(row("a"))
    with pytest.raises(KeyboardInterrupt):
        store.flush()
    monkeypatch.undo()
    store.flush()
    assert list(read_tags(store.folder, store.run.name)["video_id"]) == ["a"]


def test_a_stop_before_the_rename_keeps_the_rows_for_the_next_time(store, monkeypatch):
    def stop(table, path, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", stop)
    store.add(row("a"))
    with pytest.raises(KeyboardInterrupt):
        store.flush()
    monkeypatch.undo()
    store.add(row("b"))
    store.flush()
    assert list(read_tags(store.folder, store.run.name)["video_id"]) == ["a", "b"]


def test_no_shards_yet_is_an_empty_table_with_columns(store):
    assert read_tags(store.folder, store.run.name).columns.tolist()[:2] == ["video_id", "tagger"]
    assert read_tags(store.folder, store.run.name, ["status"]).columns.tolist() == ["status"]
    assert list_runs(store.folder / "nowhere") == []


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"no parquet" * 100])
def test_a_damaged_shard_is_named(store, damage):
    store.add(row("a"))
    store.flush()
    (shard,) = store.folder.glob("*.parquet")
    shard.write_bytes(damage)
    with pytest.raises(DataError, match=r"000001\.parquet are damaged: .*Remove this file and run"):
        store.open()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tagger": "x"}', '"x"', "null"])
def test_a_damaged_description_is_named(store, text):
    path = store.folder / "_fake-abababababab.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"_fake-abababababab\.json does not describe a tag run"):
        list_runs(store.folder)


def test_runs_are_listed_newest_first(store):
    older, newer = (
        replace(run_info(sign * 32), updated_utc=utc)
        for sign, utc in (("01", "2026-01-01T00:00:00"), ("02", "2026-01-02T00:00:00"))
    )
    for run in (newer, older):
        TagStore(store.folder, run, LABELS).open()
    assert [run.fingerprint[:2] for run in list_runs(store.folder)] == ["02", "01", "ab"]


def test_a_run_knows_its_labels():
    assert labels_of(run_info()) == LABELS
    shipped = replace(run_info(), label_space=describe_labels(yamnet_labels()))
    assert set(shipped.label_space) == {"name", "hash"}
    assert labels_of(shipped) == yamnet_labels()
    strange = replace(run_info(), label_space={"name": "audioset", "hash": "00"})
    with pytest.raises(DataError, match="label space 'audioset' that is not known here"):
        labels_of(strange)


def test_the_description_is_json_that_reads_back(store):
    told = json.loads((store.folder / "_fake-abababababab.json").read_text())
    assert RunInfo(**told) == store.run
    assert not math.isnan(told["embedding_dim"])
