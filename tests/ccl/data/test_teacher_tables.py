"""Teacher embeddings: what is not heard is absent, never a vector of zeros taken for data."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cca_tools.errors import DataError, UsageError
from ccl.data.features import feature_path, write_features
from ccl.data.ledger import Ledger
from ccl.data.settings import DataSettings
from ccl.data.teacher_tables import audio_table, exchanged

from .conftest import manifest_of

ROWS = [{"video_id": f"v{i}", "class_name": f"c{i % 2}"} for i in range(6)]
VIDEOS = manifest_of(ROWS)


def write_tags(workspace, rows, *, tagger="yamnet", digits="0", keep=("embedding",), utc="2026"):
    """A tag run of (video_id, status, embedding) rows, two to a shard."""
    folder = workspace.tags
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{tagger}-{digits * 12}"
    about = {
        "tagger": tagger, "fingerprint": digits * 64, "settings": {"keep": list(keep)},
        "label_space": {}, "embedding_dim": 3, "started_utc": utc, "updated_utc": utc,
    }  # fmt: skip
    (folder / f"_{name}.json").write_text(json.dumps(about))
    (folder / f"_{name}.json.provenance.json").write_text("{}")
    for number in range(0, len(rows), 2):
        ids, statuses, embeddings = zip(*rows[number : number + 2], strict=True)
        columns = {"video_id": list(ids), "status": list(statuses)}
        if "embedding" in keep:
            halves = [None if e is None else np.array(e, np.float16) for e in embeddings]
            columns["embedding"] = pa.array(halves, pa.list_(pa.float16(), 3))
        pq.write_table(pa.table(columns), folder / f"{name}-{number + 1:06d}.parquet")
    return name


def tags(workspace, name="tags"):
    ledger = Ledger()
    settings = DataSettings(distill=("audio",), audio_teacher=name)
    table, files = audio_table(workspace, settings, VIDEOS, list(VIDEOS["video_id"]), ledger)
    return table, files, ledger


def test_tags_that_were_heard(workspace):
    write_tags(
        workspace,
        [("v3", "partial", [3, 1, 2]), ("v0", "ok", [0.5, 1, 2]), ("x", "ok", [9, 9, 9]),
         ("v1", "silent", None), ("v2", "no_audio_stream", None), ("v4", "ok", [1, 2, 3])],
    )  # fmt: skip
    table, files, ledger = tags(workspace)
    assert table.present.tolist() == [True, False, False, True, True, False]
    assert table.values[0].tolist() == [0.5, 1, 2]
    assert table.values[3].tolist() == [3, 1, 2]
    assert table.values[4].tolist() == [1, 2, 3]
    assert (table.values[~table.present] == 0).all()
    assert table.values.dtype == np.float32
    assert len(files) == 3
    assert ledger.problems == [
        "1 video is not tagged: run `cca-tools tag-audio --keep embedding` (v5)"
    ]
    assert "1 video is masked: silent (v1)" in ledger.notes
    assert "1 video is masked: no_audio_stream (v2)" in ledger.notes


def test_a_sound_that_has_an_embedding_but_no_good_status_is_masked(workspace):
    rows = [(f"v{i}", "ok", [1, 1, 1]) for i in range(5)] + [("v5", "decode_error", [7, 7, 7])]
    write_tags(workspace, rows)
    table, _, _ = tags(workspace)
    assert table.present.tolist() == [True] * 5 + [False]


def test_damaged_and_silent_embeddings(workspace):
    rows = [(f"v{i}", "ok", [1, 1, 1]) for i in range(4)]
    write_tags(workspace, [*rows, ("v4", "ok", [0, 0, 0]), ("v5", "ok", [np.nan, 1, 1])])
    table, _, ledger = tags(workspace)
    assert table.present.tolist() == [True] * 4 + [False] * 2
    assert ledger.problems == ["1 teacher embedding is not finite (v5)"]
    assert any("all zero: taken for no sound (v4)" in note for note in ledger.notes)


def test_the_run_is_chosen_as_elsewhere(workspace):
    one = [(f"v{i}", "ok", [1, 1, 1]) for i in range(6)]
    two = [(f"v{i}", "ok", [2, 2, 2]) for i in range(6)]
    three = [(f"v{i}", "ok", [3, 3, 3]) for i in range(6)]
    write_tags(workspace, one, tagger="panns-cnn14", digits="a", utc="2026-02")
    write_tags(workspace, two, tagger="panns-cnn14-emb512", digits="b", utc="2026-03")
    write_tags(workspace, three, tagger="yamnet", digits="c", utc="2026-01")
    write_tags(workspace, one, tagger="yamnet", digits="d", utc="2026-09", keep=())
    assert tags(workspace)[0].values[0, 0] == 2  # the newest that kept embeddings
    assert tags(workspace, "tags:panns-cnn14")[0].values[0, 0] == 1
    assert tags(workspace, "tags:panns-cnn14-e")[0].values[0, 0] == 2
    assert tags(workspace, "tags:yam")[0].values[0, 0] == 3
    with pytest.raises(UsageError, match=r"'nothing'.*yamnet-cccccccccccc"):
        tags(workspace, "tags:nothing")


def test_tags_without_embeddings_name_the_option(workspace):
    write_tags(workspace, [("v0", "ok", None)], keep=())
    with pytest.raises(DataError, match="--keep embedding"):
        tags(workspace)


def test_damaged_shards_are_named(workspace):
    name = write_tags(workspace, [("v0", "ok", [1, 1, 1])])
    (workspace.tags / f"{name}-000009.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(DataError, match=r"000009\.parquet are damaged"):
        tags(workspace)


def test_a_study_that_was_never_tagged(workspace):
    write_tags(workspace, [("other", "ok", [1, 1, 1])])
    with pytest.raises(DataError, match="6 videos are not tagged"):
        tags(workspace)


def test_an_unknown_teacher_lists_the_known(workspace):
    write_features(feature_path(workspace, "cnn14"), {"v0": np.ones(2, np.float32)})
    with pytest.raises(UsageError, match="tags, shuffled, random-class, random-clip, cnn14"):
        tags(workspace, "no-such")


def test_a_file_can_be_named_directly(workspace, tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, video_id=[f"v{i}" for i in range(6)], embedding=np.arange(12.0).reshape(6, 2))
    table, files, _ = tags(workspace, str(path))
    assert files == [path]
    assert table.values.tolist() == np.arange(12.0).reshape(6, 2).tolist()


def test_features_of_videos_that_are_listed_and_left_out_are_no_strangers(workspace):
    """And a name that two listed videos could mean goes to neither, though one is left out."""
    rows = {"v0": 1.0, "left/out": 2.0, "same": 3.0, "someone/else": 4.0}
    write_features(feature_path(workspace, "cnn14"), {k: np.full(1, v) for k, v in rows.items()})
    videos = manifest_of([{"video_id": v, "class_name": "c"} for v in ("v0", "v1", "a/same")])
    ledger, settings = Ledger(), DataSettings(distill=("audio",), audio_teacher="cnn14")
    listed = ["v0", "v1", "left/out", "a/same", "b/same"]
    table, _ = audio_table(workspace, settings, videos, listed, ledger)
    assert table.present.tolist() == [True, False, False]
    assert ledger.problems == [
        "1 feature could be of several videos (same)",
        "1 feature is of no video of the manifest (someone/else)",
    ]


def test_no_name_is_no_folder(workspace):
    with pytest.raises(UsageError, match="no audio teacher ''"):
        tags(workspace, "")


def random_table(kind, seed):
    settings = DataSettings(distill=("audio",), audio_teacher=kind, seed=seed)
    return audio_table(None, settings, VIDEOS, [], Ledger())[0]


def test_random_teachers_know_the_class_or_nothing():
    by_class, by_clip = random_table("random-class", 0), random_table("random-clip", 0)
    assert by_class.present.all()
    assert by_clip.present.all()
    for i in range(6):
        for j in range(6):
            assert (by_class.values[i] == by_class.values[j]).all() == (i % 2 == j % 2)
            assert (by_clip.values[i] == by_clip.values[j]).all() == (i == j)
    assert (random_table("random-class", 0).values == by_class.values).all()
    assert not (random_table("random-class", 1).values == by_class.values).any()
    assert abs(by_clip.values.mean()) < 0.1
    assert abs(by_clip.values.std() - 1) < 0.1


def test_shuffled_sounds_are_exchanged_within_training_and_within_test(workspace):
    parts = ["train"] * 40 + ["test"] * 20
    videos = manifest_of(
        [{"video_id": f"v{i}", "class_name": f"c{i % 2}", "split": p} for i, p in enumerate(parts)]
    )
    own = {f"v{i}": np.full(2, i + 1, np.float32) for i in range(60) if i != 7}
    write_features(feature_path(workspace, "cnn14"), own)

    def shuffled(seed):
        settings = DataSettings(distill=("audio",), audio_teacher="shuffled:cnn14", seed=seed)
        ledger = Ledger()
        table, files = audio_table(workspace, settings, videos, list(videos["video_id"]), ledger)
        assert (table.values[table.present] == [[i + 1] for i in range(60) if i != 7]).all()
        table = exchanged(table, settings, videos, ledger)
        assert "each video is given the sound of a random one: a control" in ledger.notes
        return table, files

    table, files = shuffled(0)
    assert files == [feature_path(workspace, "cnn14")]
    assert table.present.tolist() == [i != 7 for i in range(60)]
    sounds = table.values[:, 0].astype(int) - 1
    assert sorted(sounds[:40]) == [-1, *(i for i in range(40) if i != 7)]
    assert sorted(sounds[40:]) == list(range(40, 60))
    of_another_class = (sounds % 2 != np.arange(60) % 2)[table.present]
    assert 0.25 < of_another_class.mean() < 0.75
    assert (shuffled(0)[0].values == table.values).all()
    assert (shuffled(1)[0].values != table.values).any()


def test_the_files_of_a_folder_of_features_are_named(workspace, tmp_path):
    """So that provenance holds the hash of each."""
    folder = tmp_path / "features"
    (folder / "c0").mkdir(parents=True)
    np.save(folder / "c0" / "v0.npy", np.ones(3, np.float32))
    np.save(folder / "v1.npy", np.ones(3, np.float32))
    (folder / "README").write_text("not read")
    table, files, _ = tags(workspace, str(folder))
    assert files == [folder / "c0" / "v0.npy", folder / "v1.npy"]
    assert table.present.tolist() == [True, True, False, False, False, False]
