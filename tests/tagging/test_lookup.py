"""Finding a run and a video by what a user remembers of them."""

from __future__ import annotations

import pytest
from makers import Track, tone, write_media
from tagging.conftest import manifest_of

from cca_tools.errors import DataError, UsageError
from cca_tools.tagging.lookup import choose_run, failures, find_tags, find_video
from cca_tools.workspace import Workspace


@pytest.fixture
def study(study_of, tmp_path):
    folder = tmp_path / "clips"
    for name in ("cat/one", "cat/two", "dog/one", "dog/three"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_media(folder / f"{name}.wav", Track(tone(0.2, 16_000), 16_000))
    (folder / "dog" / "three.wav").write_bytes(b"broken")
    return study_of(manifest_of(sorted(folder.rglob("*.wav")), folder))


def test_the_newest_run_or_the_named_one(study):
    with pytest.raises(DataError, match=r"tags has no tags\. Run `cca-tools tag-audio -w "):
        choose_run(study.workspace)
    first, second = study.tag().run, study.tag(top_k=2).run
    assert choose_run(study.workspace).name == second.name
    assert choose_run(study.workspace, first.name).name == first.name
    assert choose_run(study.workspace, first.name[:-3]).name == first.name
    assert choose_run(study.workspace, "fake-").name == second.name
    assert choose_run(study.workspace, "fake").name == second.name
    with pytest.raises(UsageError, match=r"no tags are called 'yamnet'\. Give --tags one of fake-"):
        choose_run(study.workspace, "yamnet")
    study.tag()
    assert choose_run(study.workspace).name == first.name


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("cat/one", "cat/one"), ("dog/three", "dog/three"), ("two.wav", "cat/two"),
     ("cat/two.wav", "cat/two"), ("thre", "dog/three")],
)  # fmt: skip
def test_a_video_by_id_path_file_name_or_part(study, wanted, found):
    assert find_video(study.workspace, wanted)["video_id"] == found


def test_none_or_several_are_told_with_near_ones(study):
    with pytest.raises(UsageError, match=r"2 videos are called 'one\.wav'\. Such as cat/one, d"):
        find_video(study.workspace, "one.wav")
    with pytest.raises(UsageError, match=r"no video 'xyz' in .*\. Give an id such as cat/one"):
        find_video(study.workspace, "xyz")
    with pytest.raises(DataError, match="is not there"):
        find_video(Workspace(study.workspace.root / "nowhere"), "x")


def test_signs_in_a_name_are_no_pattern(study):
    with pytest.raises(UsageError, match="no video"):
        find_video(study.workspace, ".*")


def test_tags_of_the_newest_run_that_has_the_video(study):
    first = study.tag().run
    manifest = study.manifest
    manifest.iloc[:1].to_parquet(study.workspace.manifest)
    second = study.tag(top_k=2).run
    manifest.to_parquet(study.workspace.manifest)
    assert find_tags(study.workspace, "cat/one")[0].name == second.name
    run, tags = find_tags(study.workspace, "cat/two")
    assert (run.name, len(tags["mids"])) == (first.name, 5)
    with pytest.raises(UsageError, match=f"cat/two is not tagged in {second.name}"):
        find_tags(study.workspace, "cat/two", second.name)


def test_failures_and_only_those(study):
    study.tag()
    failed = failures(study.workspace)
    assert failed.to_dict("records") == [
        {"video_id": "dog/three", "status": "decode_error", "path": "dog/three.wav",
         "detail": "Invalid data found when processing input"}
    ]  # fmt: skip
