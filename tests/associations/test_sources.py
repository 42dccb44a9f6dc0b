from __future__ import annotations

import os
from pathlib import Path

import pytest

from cca_tools.associations.sources import (
    labels_of_frame,
    labels_of_run,
    list_runs,
    stray_files,
)
from cca_tools.errors import DataError, UsageError
from cca_tools.tagging.lookup import pick_run

from .study import LABELS, MALE, SPEECH, Video, tags_of, write_tags

VIDEOS = [Video("1", "A", (SPEECH, MALE)), Video("2", "A", (MALE, SPEECH))]


def add(folder: Path, tagger: str, digit: str, **about: object) -> None:
    write_tags(folder, VIDEOS, tagger=tagger, fingerprint=digit * 64, about=dict(about))


def test_the_newest_run_comes_first(tmp_path: Path) -> None:
    add(tmp_path, "yamnet", "1", updated_utc="2026-01-02T00:00:00+00:00")
    add(tmp_path, "yamnet", "2", updated_utc="2026-01-03T00:00:00+00:00")
    add(tmp_path, "yamnet", "3", updated_utc="", utc="2026-01-01T00:00:00+00:00")
    runs = list_runs(tmp_path)
    assert [run.name for run in runs] == [f"yamnet-{digit * 12}" for digit in "213"]
    assert pick_run(runs, None).name == "yamnet-222222222222"


def test_a_run_that_says_nothing_is_as_old_as_its_newest_shard(tmp_path: Path) -> None:
    add(tmp_path, "yamnet", "1", updated_utc="2026-01-02T00:00:00+00:00")
    add(tmp_path, "yamnet", "2")
    (tmp_path / "_yamnet-222222222222.json").unlink()
    shard = tmp_path / "yamnet-222222222222-000001.parquet"
    os.utime(shard, (0, 0))
    assert [run.name[-1] for run in list_runs(tmp_path)] == ["1", "2"]
    os.utime(shard, (4e9, 4e9))
    assert [run.name[-1] for run in list_runs(tmp_path)] == ["2", "1"]


def test_a_run_is_chosen_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    add(tmp_path, "panns-cnn14", "1", updated_utc="2026-01-01T00:00:00+00:00")
    add(tmp_path, "panns-cnn14-emb512", "2", updated_utc="2026-01-05T00:00:00+00:00")
    add(tmp_path, "yamnet", "3", updated_utc="2026-01-09T00:00:00+00:00")
    runs = list_runs(tmp_path)
    assert pick_run(runs, "panns-cnn14").name == "panns-cnn14-111111111111"  # not emb512
    assert pick_run(runs, "panns").name == "panns-cnn14-emb512-222222222222"
    assert pick_run(runs, "panns-cnn14-1").name == "panns-cnn14-111111111111"
    with pytest.raises(UsageError, match=r"no tags are called 'vggish'.*yamnet-333333333333"):
        pick_run(runs, "vggish")


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    add(tmp_path, "yamnet", "1")
    (tmp_path / "notes.parquet").touch()
    (tmp_path / ".writing-x.parquet").touch()
    assert len(list_runs(tmp_path)) == 1
    assert [path.name for path in stray_files(tmp_path)] == [".writing-x.parquet", "notes.parquet"]


def test_no_tags_name_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cca-tools tag-audio"):
        list_runs(tmp_path)


def test_label_spaces_are_found_checked_and_never_guessed_wrong(tmp_path: Path) -> None:
    add(tmp_path, "yamnet", "1")
    (run,) = list_runs(tmp_path)
    assert labels_of_run(run) == LABELS
    add(tmp_path, "yamnet", "1", label_space={"name": "audioset", "hash": "0" * 64})
    with pytest.raises(DataError, match="another label space 'audioset'"):
        labels_of_run(*list_runs(tmp_path))
    add(tmp_path, "yamnet", "1", label_space={"name": "mine", "hash": None})
    with pytest.raises(DataError, match="label space 'mine', which is not known"):
        labels_of_run(*list_runs(tmp_path))
    own = {"name": "mine", "mids": ["b", "a"], "names": ["Bee", "Ay"]}
    add(tmp_path, "yamnet", "1", label_space=own)
    assert labels_of_run(*list_runs(tmp_path)).names == ("Bee", "Ay")
    table = tmp_path / "labels.csv"
    table.write_text("mid,name\nb,Bee\n", encoding="utf-8")
    add(
        tmp_path,
        "yamnet",
        "1",
        label_space={"name": "labels"},
        settings={"labels": str(table)},
    )
    assert labels_of_run(*list_runs(tmp_path)).mids == ("b",)
    add(tmp_path, "yamnet", "1", label_space={})
    assert labels_of_run(*list_runs(tmp_path)).name == "yamnet"


def test_a_damaged_description_is_named(tmp_path: Path) -> None:
    add(tmp_path, "yamnet", "1")
    (tmp_path / "_yamnet-111111111111.json").write_text("{")
    with pytest.raises(DataError, match=r"_yamnet-111111111111\.json cannot be read"):
        list_runs(tmp_path)


def test_frames_of_two_runs_are_refused() -> None:
    tags = tags_of(VIDEOS)
    assert labels_of_frame(tags).name == "audioset"
    assert labels_of_frame(tags.assign(tagger="yamnet")).name == "yamnet"
    tags.loc[0, "fingerprint"] = "b" * 64
    with pytest.raises(DataError, match="the tags are of 2 runs"):
        labels_of_frame(tags)
