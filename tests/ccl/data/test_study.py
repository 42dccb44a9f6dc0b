"""What is wrong with the data is named before anything is learnt, or trained around with counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from media.videos import write_video

from cca_tools.errors import DataError, UsageError
from cca_tools.media.frames import FrameSampling
from cca_tools.splits import SplitFile, make_splits, write_splits
from ccl.data.features import feature_path, write_features
from ccl.data.pack import index_path
from ccl.data.prepare import PrepareOptions, prepare_frames
from ccl.data.settings import DataSettings
from ccl.data.study import load_study
from ccl.data.tables import VideoTable

from .conftest import study_rows

SKIP = DataSettings(on_missing="skip", val_fraction=0.3)


def ids(*tables):
    return sorted(video_id for table in tables for video_id in table.video_ids)


def refused(workspace, store, **changes):
    """The message of the refusal, and the study with the same problems trained around."""
    settings = DataSettings(val_fraction=0.3, **changes)
    with pytest.raises(DataError, match="on-missing skip") as refusal:
        load_study(workspace, settings, store)
    return str(refusal.value), load_study(
        workspace, dataclasses.replace(settings, on_missing="skip"), store
    )


def test_a_good_study(workspace, write, store_of):
    rows = study_rows(classes=3, groups=5, clips=2)
    manifest = write(rows)
    study = load_study(workspace, DataSettings(val_fraction=0.25), store_of(rows))
    assert study.classes == ("c0", "c1", "c2")
    assert study.notes == ()
    assert study.inputs == (workspace.manifest,)
    assert ids(study.train, study.val, study.test) == sorted(manifest["video_id"])
    assert ids(study.test) == sorted(row["video_id"] for row in rows if row["split"] == "test")
    assert not set(study.train.groups) & set(study.val.groups)
    assert len(study.val) == 6  # one of four groups of each class
    by_id = {row["video_id"]: row for row in rows}
    for table in (study.train, study.val, study.test):
        for i, video_id in enumerate(table.video_ids):
            assert table.class_names[i] == by_id[video_id]["class_name"]
            assert study.classes[table.targets[i]] == table.class_names[i]
            assert table.groups[i] == by_id[video_id]["group"]
            assert study.store.video_ids[table.store_index[i]] == video_id
    rows_used = np.concatenate([study.train.rows, study.val.rows, study.test.rows])
    assert sorted(rows_used.tolist()) == list(range(len(rows)))


def test_the_seed_of_training_does_not_change_the_validation(workspace, write, store_of):
    rows = study_rows(groups=8)
    write(rows)
    chosen = [
        load_study(workspace, DataSettings(seed=seed, val_seed=val_seed), store_of(rows)).val
        for seed, val_seed in ((0, 0), (5, 0), (0, 1))
    ]
    assert chosen[0].video_ids == chosen[1].video_ids
    assert chosen[0].video_ids != chosen[2].video_ids


def test_a_validation_split_of_the_manifest_is_taken(workspace, write, store_of):
    rows = study_rows(groups=4)
    for row in rows:
        if row["group"].endswith("g3"):
            row["split"] = "val"
    write(rows)
    study = load_study(workspace, DataSettings(), store_of(rows))
    assert {group[-2:] for group in study.val.groups} == {"g3"}


def test_missing_and_damaged_files(workspace, write, tmp_path):
    """From real files, through `prepare`."""
    rows = study_rows(classes=2, groups=3, clips=1)
    bad = {}
    for row in rows:
        path = tmp_path / f"{row['video_id']}.mp4"
        path.parent.mkdir(exist_ok=True)
        write_video(path, 5)
        row["root"] = str(tmp_path)
    for name, kind in (("c0/v_c0_g1_c0", "gone"), ("c1/v_c1_g1_c0", "corrupt")):
        path = tmp_path / f"{name}.mp4"
        bad[kind] = name
        path.unlink() if kind == "gone" else path.write_bytes(b"x" * 500)
    manifest = write([*rows, rows[0] | {"video_id": "c0/still", "path": "c0/still.mp4"}])
    write_video(tmp_path / "c0/still.mp4", 1)
    prepare_frames(
        manifest, workspace, FrameSampling(short_side=32), PrepareOptions(1, progress=False)
    )
    message, study = refused(workspace, None)
    assert "1 video has no file (c0/v_c0_g1_c0)" in message
    assert "1 video cannot be decoded (c1/v_c1_g1_c0)" in message
    assert "1 video has only one frame (c0/still)" in message
    assert ids(study.train, study.val, study.test) == sorted(
        {row["video_id"] for row in rows} - set(bad.values())
    )
    assert sum("1 video" in note for note in study.notes) == 3
    assert index_path(workspace.frames) in study.inputs


def test_nothing_prepared_names_the_command(workspace, write, store_of):
    write(study_rows())
    with pytest.raises(DataError, match="cca-tools prepare"):
        load_study(workspace, SKIP)
    with pytest.raises(DataError, match=r"none of the 24 videos.*cca-tools prepare"):
        load_study(workspace, SKIP, store_of([{"video_id": "other"}]))


def test_videos_that_were_not_prepared(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    gone = [rows[-1]["video_id"], rows[-3]["video_id"]]
    message, study = refused(workspace, store_of(rows, without=gone))
    assert "2 videos are not prepared" in message
    assert not set(gone) & set(ids(study.train, study.val, study.test))


def test_one_frame_videos(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    one = rows[5]["video_id"]
    message, study = refused(workspace, store_of(rows, frames={one: 1}))
    assert f"1 video has only one frame ({one})" in message
    assert one not in ids(study.train, study.val, study.test)


def test_classes_of_one_video(workspace, write, store_of):
    rows = [*study_rows(), {"video_id": "lone", "class_name": "single"}]
    write(rows)
    message, study = refused(workspace, store_of(rows))
    assert "1 class has only one video (single)" in message
    assert study.classes == ("c0", "c1", "c2")
    assert study.train.targets.max() == 2
    assert "lone" not in ids(study.train, study.val, study.test)


def test_classes_without_training_videos(workspace, write, store_of):
    rows = study_rows()
    for row in rows:
        if row["class_name"] == "c1":
            row["split"] = "test"
    write(rows)
    message, study = refused(workspace, store_of(rows))
    assert "1 class has no training video (c1)" in message
    assert study.classes == ("c0", "c2")
    assert set(study.test.targets.tolist()) == {0, 1}


def test_a_split_without_test_videos(workspace, write, store_of):
    rows = [row | {"split": "train"} for row in study_rows()]
    write(rows)
    message, study = refused(workspace, store_of(rows))
    assert "there are no test videos" in message
    assert len(study.test) == 0
    assert study.test.targets.dtype == np.int64


def test_no_split_at_all_is_all_for_training(workspace, write, store_of):
    rows = [row | {"split": ""} for row in study_rows()]
    write(rows)
    study = load_study(workspace, SKIP, store_of(rows))
    assert len(study.train) + len(study.val) == len(rows)


def test_videos_of_no_split_are_left_out_with_a_note(workspace, write, store_of):
    rows = study_rows()
    rows[-1]["split"] = ""
    write(rows)
    study = load_study(workspace, DataSettings(val_fraction=0.3), store_of(rows))
    assert study.notes == (f"1 video is of no split and left out ({rows[-1]['video_id']})",)


def test_groups_in_train_and_test_are_noted(workspace, write, store_of):
    rows = [row | {"group": "same"} if row["video_id"].endswith("c0") else row
            for row in study_rows()]  # fmt: skip
    write(rows)
    study = load_study(workspace, DataSettings(), store_of(rows))
    assert "1 group is in both train and test: figures flatter (same)" in study.notes


def test_groups_in_val_and_test_are_noted(workspace, write, store_of):
    """A student chosen on the recordings that it is tested on looks better than it is."""
    rows = study_rows()
    test = [row for row in rows if row["split"] == "test"]
    test[0] |= {"split": "val", "group": "same"}
    test[1] |= {"group": "same"}
    write(rows)
    study = load_study(workspace, DataSettings(), store_of(rows))
    assert "1 group is in both val and test: figures flatter (same)" in study.notes
    assert not any("train" in note for note in study.notes)


def test_splits_by_name(workspace, write, store_of):
    rows = study_rows(classes=4)
    write(rows)
    levels = {"c0": "highly", "c1": "weakly", "c2": "not", "c3": "highly"}
    write_splits(workspace.splits, SplitFile(make_splits(levels), levels, "", "", ""))
    settings = DataSettings(split="weak_or_high", val_fraction=0.3)
    study = load_study(workspace, settings, store_of(rows))
    assert study.classes == ("c0", "c1", "c3")
    assert set(study.train.class_names) == {"c0", "c1", "c3"}
    assert workspace.splits in study.inputs
    with pytest.raises(UsageError, match="weak_or_high"):
        load_study(workspace, DataSettings(split="nothing"), store_of(rows))
    with pytest.raises(DataError, match="too few classes are left: 1"):
        load_study(workspace, DataSettings(split="not_correlated"), store_of(rows))


def features_of(workspace, vectors, name="cnn"):
    write_features(
        feature_path(workspace, name),
        {key: np.asarray(value, np.float32) for key, value in vectors.items()},
    )


def test_teacher_features_that_are_not_finite(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    vectors = {row["video_id"]: [1.0, i] for i, row in enumerate(rows)}
    vectors[rows[3]["video_id"]] = [np.nan, 1.0]
    vectors[rows[4]["video_id"]] = [np.inf, 1.0]
    features_of(workspace, vectors)
    message, study = refused(workspace, store_of(rows), distill=("audio",), audio_teacher="cnn")
    names = ", ".join(rows[i]["video_id"] for i in (3, 4))
    assert f"2 teacher embeddings are not finite ({names})" in message
    teacher = study.teachers["audio"]
    assert np.isfinite(teacher.values).all()
    assert teacher.present.sum() == len(rows) - 2
    for table in (study.train, study.val, study.test):
        values, present = study.teacher_rows(table, "audio")
        for i, video_id in enumerate(table.video_ids):
            assert present[i] == (video_id not in names)
            if present[i]:
                assert values[i].tolist() == vectors[video_id]


def test_teacher_features_of_other_videos(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    features_of(workspace, {"someone/else": [1.0], "and/another": [2.0]})
    for on_missing in ("error", "skip"):
        settings = DataSettings(
            on_missing=on_missing, val_fraction=0.3, distill=("audio",), audio_teacher="cnn"
        )
        with pytest.raises(DataError, match="no embedding of any of the 24 videos"):
            load_study(workspace, settings, store_of(rows))
    known = load_study(workspace, SKIP, store_of(rows)).train.video_ids[0]
    features_of(workspace, {"someone/else": [1.0], known: [2.0]})
    message, study = refused(workspace, store_of(rows), distill=("audio",), audio_teacher="cnn")
    assert "1 feature is of no video of the manifest (someone/else)" in message
    assert "1 feature is of no video of the manifest (someone/else)" in study.notes
    assert "the audio teacher cnn knows 1 of 24 videos; the others are masked" in study.notes
    assert study.teachers["audio"].present.sum() == 1


def test_teacher_features_of_test_videos_alone(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    tested = [row["video_id"] for row in rows if row["split"] == "test"]
    features_of(workspace, {key: [1.0] for key in tested})
    for settings in (SKIP, dataclasses.replace(SKIP, on_missing="error")):
        settings = dataclasses.replace(settings, distill=("audio",), audio_teacher="cnn")
        with pytest.raises(DataError, match="no embedding of any of the 12 training videos"):
            load_study(workspace, settings, store_of(rows))


def test_a_teacher_for_some_classes_only(workspace, write, store_of):
    rows = study_rows(classes=3)
    write(rows)
    levels = {"c0": "highly", "c1": "not", "c2": "not"}
    write_splits(workspace.splits, SplitFile(make_splits(levels), levels, "", "", ""))
    settings = DataSettings(
        val_fraction=0.3, distill=("audio",), audio_teacher="random-clip",
        teacher_split="highly_correlated",
    )  # fmt: skip
    study = load_study(workspace, settings, store_of(rows))
    assert len(study.classes) == 3
    _, present = study.teacher_rows(study.train, "audio")
    assert present.tolist() == [name == "c0" for name in study.train.class_names]


def test_sounds_are_exchanged_only_among_those_that_are_taught(workspace, write, store_of):
    rows = study_rows(classes=3)
    write(rows)
    levels = {"c0": "highly", "c1": "not", "c2": "not"}
    write_splits(workspace.splits, SplitFile(make_splits(levels), levels, "", "", ""))
    sounds = {row["video_id"]: [1.0 + n] for n, row in enumerate(rows)}
    features_of(workspace, sounds)
    settings = DataSettings(
        val_fraction=0.3, distill=("audio",), audio_teacher="shuffled:cnn",
        teacher_split="highly_correlated",
    )  # fmt: skip
    study = load_study(workspace, settings, store_of(rows))
    values, present = study.teacher_rows(study.train, "audio")
    taught = [row["video_id"] for row in rows if row["class_name"] == "c0"]
    assert set(values[present, 0]) <= {sounds[video_id][0] for video_id in taught}
    own = [sounds[video_id][0] for video_id in study.train.video_ids]
    assert (values[present, 0] != np.array(own)[present]).any()


def test_fingerprints_tell_studies_apart(workspace, write, store_of):
    rows = study_rows()
    write(rows)
    settings = DataSettings(val_fraction=0.3, distill=("audio",), audio_teacher="random-clip")
    store = store_of(rows)
    study = load_study(workspace, settings, store)
    same = load_study(workspace, settings, store_of(rows))
    assert study.fingerprint() == same.fingerprint()
    other_frames = load_study(workspace, settings, store_of(rows, frames={rows[0]["video_id"]: 9}))
    other_teacher = load_study(workspace, dataclasses.replace(settings, seed=1), store)
    other_groups = load_study(workspace, dataclasses.replace(settings, val_seed=3), store)
    renamed = dataclasses.replace(study, classes=("a", "b", "c"))
    prints = {
        one.fingerprint() for one in (study, other_frames, other_teacher, other_groups, renamed)
    }
    assert len(prints) == 5


def test_the_table_of_nothing_is_empty():
    table = VideoTable((), np.zeros(0, np.int64), (), np.zeros(0, np.int64), (), np.zeros(0, int))
    assert len(table) == 0
