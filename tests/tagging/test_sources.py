"""What may be named for tagging, and which manifest comes of it."""

from __future__ import annotations

import pandas as pd
import pytest
from makers import Track, tone, write_media
from tagging.conftest import manifest_of

from cca_tools.datasets.index import index
from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.tagging.sources import as_manifest
from cca_tools.workspace import Workspace, read_provenance


@pytest.fixture
def place(tmp_path):
    return Workspace(tmp_path / "out")


def make(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = {".wav": "pcm_s16le", ".mp3": "libmp3lame"}[path.suffix]
        write_media(path, Track(tone(0.1, 8000), 8000, codec))
    return list(paths)


@pytest.fixture
def videos(tmp_path):
    make(*(tmp_path / "videos" / name for name in ("cat/a.wav", "cat/b.wav", "dog/a.wav")))
    return tmp_path / "videos"


def listed(place, source):
    return as_manifest(source, place, progress=False)


def test_nothing_is_the_manifest_of_the_workspace(place, videos):
    with pytest.raises(DataError, match=r"is not there\. Run `cca-tools index VID"):
        listed(place, None)
    made = index(videos, workspace=place.root, progress=False)
    pd.testing.assert_frame_equal(listed(place, None), made)


def test_a_folder_is_indexed_once_and_again_when_files_come_or_go(place, videos):
    first = listed(place, videos)
    assert sorted(first["video_id"]) == ["cat/a", "cat/b", "dog/a"]
    written = place.manifest.stat().st_mtime_ns
    pd.testing.assert_frame_equal(listed(place, str(videos)), first)
    assert place.manifest.stat().st_mtime_ns == written
    make(videos / "emu" / "z.wav")
    assert sorted(listed(place, videos)["video_id"]) == ["cat/a", "cat/b", "dog/a", "emu/z"]
    (videos / "cat" / "a.wav").unlink()
    assert sorted(listed(place, videos)["video_id"]) == ["cat/b", "dog/a", "emu/z"]


def test_the_folder_of_another_layout_keeps_its_manifest(place, videos, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("path,class_name\ncat/a.wav,feline\n")
    made = index(videos, "table", splits=table, workspace=place.root, progress=False)
    pd.testing.assert_frame_equal(listed(place, videos), made)


def test_another_folder_is_refused(place, videos, tmp_path):
    listed(place, videos)
    make(tmp_path / "others" / "cow" / "a.wav")
    with pytest.raises(DataError, match=r"other videos, not of .*others\. Give a works"):
        listed(place, tmp_path / "others")
    assert len(read_manifest(place.manifest)) == 3


def test_a_manifest_as_frame_or_file(place, videos, tmp_path):
    manifest = manifest_of(sorted(videos.rglob("*.wav")), videos)
    write_manifest(manifest, tmp_path / "mine.parquet")
    whole = listed(place, tmp_path / "mine.parquet")
    assert sorted(whole["video_id"]) == ["cat/a", "cat/b", "dog/a"]
    part = listed(place, whole.iloc[1:])
    assert len(part) == 2
    assert len(read_manifest(place.manifest)) == 3
    strange = whole.assign(video_id=["cat/a", "cat/b", "fox"])
    with pytest.raises(DataError, match="not of 1 of these videos, first 'fox'"):
        listed(place, strange)
    with pytest.raises(DataError, match="the frame is no manifest: it lacks video_id"):
        listed(place, pd.DataFrame({"x": [1]}))


def test_files_get_short_names_that_are_their_own(place, tmp_path):
    paths = make(
        tmp_path / "one.wav",
        tmp_path / "p" / "two.wav",
        tmp_path / "p" / "two.mp3",
        tmp_path / "q" / "p" / "two.wav",
    )
    found = listed(place, [*paths, str(paths[0])])
    assert found["path"].tolist() == ["one.wav", "two.wav", "two.mp3", "two.wav"]
    assert found["video_id"].tolist() == [
        "one", "p/two.wav", "p/two.mp3", f"{tmp_path}/q/p/two.wav".lstrip("/")
    ]  # fmt: skip
    assert found["bytes"].tolist() == [path.stat().st_size for path in paths]
    assert read_provenance(place.manifest)["parameters"]["layout"] == "files"


def test_more_files_join_the_earlier_ones_under_names_of_their_own(place, tmp_path):
    first = make(tmp_path / "p" / "a.wav", tmp_path / "p" / "b.wav")
    again = make(tmp_path / "q" / "a.wav")
    assert listed(place, first)["video_id"].tolist() == ["a", "b"]
    assert listed(place, again)["video_id"].tolist() == ["q/a.wav"]
    assert listed(place, [*again, first[0]])["video_id"].tolist() == ["q/a.wav", "a"]
    whole = read_manifest(place.manifest)
    assert sorted(whole["video_id"]) == ["a", "b", "q/a.wav"]
    assert whole.set_index("video_id").loc["q/a.wav", "root"] == str(tmp_path / "q")


def test_files_do_not_join_the_manifest_of_a_dataset(place, videos, tmp_path):
    listed(place, videos)
    with pytest.raises(DataError, match="manifest of other videos"):
        listed(place, make(tmp_path / "a.wav"))


def test_several_folders_or_a_file_that_is_gone_become_rows(place, videos, tmp_path):
    found = listed(place, [videos / "cat", tmp_path / "gone.mp4"])
    assert found["video_id"].tolist() == ["cat", "gone"]
    assert found["bytes"].tolist() == [0, 0]


def test_a_name_that_is_no_text_is_refused(place):
    with pytest.raises(UsageError, match=r"the name caf\\xe9\.wav is not valid UTF-8\. Rename it"):
        listed(place, "caf\udce9.wav")
    assert not place.root.exists()


def test_looking_does_not_wait_for_a_lock_but_writing_does(place, videos):
    from cca_tools.errors import WorkspaceError

    with place.lock("somebody"), pytest.raises(WorkspaceError, match="held by `somebody`"):
        listed(place, videos)
    listed(place, videos)
    with place.lock("somebody"):
        assert len(listed(place, None)) == 3
