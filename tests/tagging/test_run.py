"""Runs and their settings: never mixed, always told; what is done is not done again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from makers import Track, noise, tone, warble, write_media
from tagging.comparing import assert_same
from tagging.conftest import manifest_of
from tagging.fakes import LABELS, FakeTagger

from cca_tools import tag_audio
from cca_tools.datasets.manifest import write_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.tagging.run import TagOptions
from cca_tools.tagging.store import list_runs

QUIET = {"progress": False}


class Counting(FakeTagger):
    """Counts the clips it scores."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.scored = 0

    def score(self, features):
        self.scored += len(features)
        return super().score(features)


@pytest.fixture
def small(study_of, tmp_path):
    """A study of four short clips and one that is no media file."""
    folder = tmp_path / "clips"
    folder.mkdir()
    paths = [
        write_media(folder / f"{name}.wav", Track(warble(1, 16_000, seed=seed), 16_000))
        for seed, name in enumerate("abcd")
    ]
    (folder / "e.wav").write_bytes(b"RIFF, but no more than that")
    return study_of(manifest_of([*paths, folder / "e.wav"], folder))


CHANGES = {
    "top-k": ({"top_k": 3}, {}, "top_k 5 -> 3"),
    "pooling": ({"pooling": "max"}, {}, "pooling mean -> max"),
    "precision": ({"precision": "bf16"}, {"precision": "bf16"}, "precision fp32 -> bf16"),
    "keep": ({"keep": ("scores",)}, {}, "keep [] -> ['scores']"),
    "weights": ({}, {"weights": "cc"}, "weights_sha256 aaaaaaaaaaaa… -> cccccccccccc…"),
    "tagger": ({"tagger": "other"}, {}, "tagger fake -> other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_setting_is_another_set_of_tags_and_the_user_is_told(small, change):
    settings, network, words = CHANGES[change]
    first = small.tag()
    assert first.notices == []
    before = small.rows(first.run.name)
    tagger = Counting(*({"weights": "aa", "precision": "fp32"} | network).values())
    second = small.tag(tagger, **settings)
    assert tagger.scored == 4
    assert second.done_before == 0
    assert second.notices == [
        f"the settings differ from {first.run.name} ({words}): "
        f"the new tags are kept apart, as {second.run.name}"
    ]
    assert first.run.fingerprint != second.run.fingerprint
    assert_same(small.rows(first.run.name), before)
    rows = small.rows(second.run.name)
    assert set(rows["fingerprint"]) == {second.run.fingerprint}
    assert set(rows["tagger"]) == {settings.get("tagger", "fake")}
    assert len(rows) == 5
    shards = [pd.read_parquet(path) for path in small.workspace.tags.glob("*.parquet")]
    assert all(shard["fingerprint"].nunique() == 1 for shard in shards)
    assert list_runs(small.workspace.tags)[0].name == second.run.name
    third = small.tag(Counting())
    assert (third.run.name, third.done_before, third.notices) == (first.run.name, 5, [])


@pytest.mark.parametrize("speed", [{"workers": 1}, {"batch_size": 1}, {"timeout_s": 99.0}])
def test_settings_of_speed_go_on_with_the_same_tags(small, speed):
    first = small.tag()
    tagger = Counting()
    second = small.tag(tagger, **speed)
    assert (second.run.fingerprint, second.done_before) == (first.run.fingerprint, 5)
    assert (tagger.scored, second.notices) == (0, [])


def test_the_second_run_does_nothing_and_says_so(small):
    first = small.tag()
    assert dict(first.counts) == {"ok": 4, "decode_error": 1}
    assert (first.num_failed, first.done_before) == (1, 0)
    assert first.heard_s == pytest.approx(4.0)
    tagger = Counting()
    second = small.tag(tagger)
    assert (tagger.scored, second.done_before, second.heard_s) == (0, 5, 0.0)
    assert second.counts == first.counts


def test_restart_throws_away_only_its_own(small):
    other = small.tag(top_k=2)
    first = small.tag()
    before, kept = small.rows(first.run.name), small.rows(other.run.name)
    tagger = Counting()
    again = small.tag(tagger, TagOptions(restart=True, progress=False))
    assert (tagger.scored, again.done_before) == (4, 0)
    assert_same(small.rows(again.run.name), before)
    assert_same(small.rows(other.run.name), kept)


def test_retry_takes_the_failed_ones(small):
    small.tag()
    tagger = Counting()
    still = small.tag(tagger, TagOptions(retry_failed=True, progress=False))
    assert (tagger.scored, still.done_before, still.num_failed) == (0, 4, 1)
    assert small.rows().index.is_unique


def test_a_file_that_changed_is_tagged_anew_and_told(small):
    small.tag()
    folder = small.workspace.root.parent / "clips"
    write_media(folder / "e.wav", Track(tone(2, 16_000), 16_000))  # was broken
    write_media(folder / "a.wav", Track(warble(3, 16_000, seed=9), 16_000))  # was 1 s
    tagger = Counting()
    mended = small.tag(tagger)
    assert (tagger.scored, mended.done_before, mended.num_failed) == (2, 3, 0)
    assert mended.notices == ["2 files changed since they were tagged: done anew"]
    rows = small.rows()
    assert rows.index.is_unique
    assert rows.loc[["a", "e"], "seconds"].tolist() == [3.0, 2.0]
    assert small.tag().notices == []


def test_the_same_ids_of_another_folder_are_other_videos(small, tmp_path):
    small.tag()
    folder = tmp_path / "others"
    folder.mkdir()
    paths = [
        write_media(folder / f"{name}.wav", Track(warble(2, 16_000, seed=seed), 16_000))
        for seed, name in enumerate("ab")
    ]
    write_manifest(manifest_of(paths, folder), small.workspace.manifest)
    tagger = Counting()
    assert small.tag(tagger).done_before == 0
    assert tagger.scored == 2
    assert small.rows().loc[["a", "b"], "seconds"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize("options", [{"restart": True}, {"retry_failed": True}])
def test_what_is_done_to_some_videos_leaves_the_others(small, options):
    small.tag()
    before = small.rows()
    everything = small.manifest
    some = everything[everything["video_id"].isin(["a", "b"])]
    write_manifest(some, small.workspace.manifest)
    tagger = Counting()
    small.tag(tagger, TagOptions(**options, progress=False))
    assert tagger.scored == (2 if "restart" in options else 0)
    assert_same(small.rows(), before)


def test_more_videos_in_the_manifest_tag_only_the_new_ones(small):
    small.tag()
    before = small.rows()
    folder = small.workspace.root.parent / "clips"
    new = [
        write_media(folder / f"{name}.wav", Track(warble(1, 16_000, seed=9), 16_000))
        for name in "0z"
    ]
    more = pd.concat([manifest_of(new[:1], folder), small.manifest, manifest_of(new[1:], folder)])
    write_manifest(more, small.workspace.manifest)
    tagger = Counting()
    summary = small.tag(tagger)
    assert (tagger.scored, summary.done_before) == (2, 5)
    assert dict(summary.counts) == {"ok": 6, "decode_error": 1}
    rows = small.rows()
    assert list(rows.index) == ["0", "a", "b", "c", "d", "e", "z"]
    assert_same(rows.loc[before.index], before)


def test_videos_that_left_the_manifest_are_not_counted(small):
    small.tag()
    write_manifest(small.manifest.iloc[:2], small.workspace.manifest)
    assert dict(small.tag().counts) == {"ok": 2}
    assert len(small.rows()) == 5


def test_what_is_kept_besides_the_top(small):
    rows = small.tag(keep=("embedding", "scores")) and small.rows()
    for video_id in "abcd":
        whole, top = rows.loc[video_id, "scores_all"], rows.loc[video_id, "scores"]
        assert len(whole) == len(LABELS)
        assert np.sort(whole)[::-1][:5] == pytest.approx(top, abs=1e-3)
        places = [LABELS.index(mid) for mid in rows.loc[video_id, "mids"]]
        assert whole[places] == pytest.approx(top, abs=1e-3)
        assert rows.loc[video_id, "embedding"] == pytest.approx(whole[:4], abs=1e-3)
    assert rows.loc["e", "scores_all"] is None


def test_provenance_tells_how_the_tags_were_made(small):
    summary = small.tag(options=TagOptions(progress=False, command="cca-tools tag-audio --x"))
    path = small.workspace.tags / f"_{summary.run.name}.json.provenance.json"
    record = json.loads(path.read_text())
    assert record["command"] == "cca-tools tag-audio --x"
    assert record["label_space"] == LABELS.hash
    assert record["parameters"]["top_k"] == 5
    assert list(record["inputs"]) == [str(small.workspace.manifest)]


def test_the_library_call_returns_a_frame(tmp_path, monkeypatch):
    monkeypatch.setattr("cca_tools.tagging.run.load_tagger", lambda *_, **__: FakeTagger())
    folder = tmp_path / "videos"
    (folder / "dog").mkdir(parents=True)
    write_media(folder / "dog" / "rex.wav", Track(tone(1, 16_000, hz=500), 16_000))
    write_media(folder / "dog" / "mute.mp4", picture_s=0.5)
    frame = tag_audio(folder, workspace=tmp_path / "out", top_k=2, keep="scores", **QUIET)
    by_id = frame.set_index("video_id")
    assert by_id["status"].to_dict() == {"dog/rex": "ok", "dog/mute": "no_audio_stream"}
    assert set(by_id["class_name"]) == {"dog"}
    assert by_id.loc["dog/rex", "tags"][0] == "450 to 550 Hz"
    assert by_id.loc["dog/mute", "tags"] == []
    assert len(by_id.loc["dog/rex", "scores_all"]) == len(LABELS)
    again = tag_audio(workspace=tmp_path / "out", top_k=2, keep=["scores"], **QUIET)
    pd.testing.assert_frame_equal(again, frame)


def test_the_library_call_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(UsageError, match="top_q"):
        tag_audio(workspace=tmp_path, top_q=3)
    with pytest.raises(DataError, match=r"manifest\.parquet is not there.*Run `cca-tools index"):
        tag_audio(workspace=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_rows_wait_at_most_for_their_number_or_some_seconds(small, monkeypatch):
    """A kill costs at most what came since the last shard."""
    from cca_tools.tagging import run

    assert run.FLUSH_ROWS <= 1000
    assert run.FLUSH_S <= 60
    monkeypatch.setattr(run, "FLUSH_S", 0.0)
    small.tag()
    assert len(list(small.workspace.tags.glob("*.parquet"))) == 5


def test_a_bug_in_the_network_keeps_the_rows_that_were_done(study_of, tmp_path):
    """Clips of 12 s in batches of 10 s: each is scored alone, one after the other."""

    class Failing(FakeTagger):
        calls = 0

        def score(self, features):
            type(self).calls += 1
            if self.calls == 7:
                raise RuntimeError("a bug")
            return super().score(features)

    names = "abcdefghij"
    paths = [write_media(tmp_path / f"{n}.wav", Track(noise(12, 8000), 8000)) for n in names]
    study = study_of(manifest_of(paths, tmp_path))
    with pytest.raises(RuntimeError, match="a bug"):
        study.tag(Failing(), batch_size=1, workers=1)
    done = study.rows()
    assert 1 <= len(done) <= 9
    assert set(done["status"]) == {"ok"}
    assert len(study.tag().counts) == 1
    assert study.rows().index.is_unique


def test_a_frame_of_noise_is_not_the_same_as_another(small):
    """The comparisons above would be worth nothing if all clips had the same tags."""
    small.tag()
    rows = small.rows().loc[list("abcd")]
    assert len({tuple(scores) for scores in rows["scores"]}) == 4
    assert noise(1, 10).shape == (10,)
