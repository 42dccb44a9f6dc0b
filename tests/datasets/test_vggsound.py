"""VGGSound's names and CSV files."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.datasets.base import Annotations
from cca_tools.datasets.index import run_index
from cca_tools.datasets.vggsound import VggSound, _parse
from cca_tools.errors import DataError

ALPHABET = st.characters(codec="ascii")


def read(tmp_path, text, *files, name="vggsound.csv"):
    for file in files:
        (tmp_path / "clips" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / file).touch()
    (tmp_path / "clips").mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return VggSound(tmp_path / "clips", Annotations(tmp_path / name)).read()


def test_the_published_test_list(shared, tmp_path):
    """15,446 lines, 309 classes of up to 50 clips, as the paper and the csv module count."""
    path = shared / "data/annotations/vggsound_test.csv"
    listing = VggSound(tmp_path, Annotations(path)).read()
    with path.open(newline="") as file:
        truth = {name.removesuffix(".mp4"): label for name, label in csv.reader(file)}
    assert {e.video_id: e.class_name for e in listing.entries.values()} == truth
    assert (len(truth), len(set(truth.values()))) == (15446, 309)
    assert Counter(e.split for e in listing.entries.values()) == {"test": 15446}
    assert {len(e.group) for e in listing.entries.values()} == {11}
    assert listing.problems == []


def test_real_clips(shared):
    layout = VggSound(
        shared / "data/clips/labelled", Annotations(shared / "data/annotations/vggsound_test.csv")
    )
    listing = layout.read()
    there = {
        entry.path: (entry.class_name, entry.group)
        for entry in listing.entries.values()
        if (layout.root / entry.path).is_file()
    }
    assert there["aEYwqY-Zt_k_000011.mp4"] == ("donkey, ass braying", "aEYwqY-Zt_k")
    assert there["3qesirWAGt4_20000_30000.mp4"] == ("dog barking", "3qesirWAGt4")
    assert "3qesirWAGt4_20000_30000_16khz.mp4" not in there


@pytest.mark.parametrize("youtube_id", ["-_--a_1_2_3", "__________1", "abc_000030-", "12345678901"])
@pytest.mark.parametrize("form", ["{}_000030", "{}_30", "{}_30000_40000"])
def test_every_way_of_naming_a_clip(tmp_path, youtube_id, form):
    file = f"deep/{form.format(youtube_id)}.mkv"
    listing = read(tmp_path, f"{youtube_id},30,rapping,train\n", file)
    (entry,) = listing.entries.values()
    assert (entry.video_id, entry.path) == (f"{youtube_id}_000030", file)
    assert (entry.group, entry.class_name, entry.split) == (youtube_id, "rapping", "train")
    assert listing.problems == []


def test_whole_videos_give_segments(tmp_path):
    listing = read(tmp_path, "-x,30,a,train\n-x,50,b,test\n", "-x.webm")
    assert [(e.path, e.start_s, e.end_s) for e in listing.entries.values()] == [
        ("-x.webm", 30, 40),
        ("-x.webm", 50, 60),
    ]


def test_a_clip_goes_before_the_whole_video_and_a_video_before_its_sound(tmp_path):
    text = "x,30,a,train\n"
    listing = read(tmp_path, text, "x.mp4", "audio/x_000030.wav", "video/x_000030.mp4")
    (entry,) = listing.entries.values()
    assert entry.path == "video/x_000030.mp4"
    assert [(p.kind, p.item, p.is_failure) for p in listing.problems] == [
        ("several_files", "x_000030", False),
        ("not_listed", "audio/x_000030.wav", False),
        ("not_listed", "x.mp4", False),
    ]


def test_faults_of_the_list_are_named(tmp_path):
    listing = read(
        tmp_path,
        "\ufeffx,0,a,train\nx,0,b,train\ny,soon,a,test\ny,0,,test\ny,0,a,holdout\n\nz\n",
    )
    assert list(listing.entries) == ["x_000000"]
    assert [(p.kind, p.item) for p in listing.problems] == [
        ("duplicate_id", "x_000000"),
        ("bad_row", "vggsound.csv, line 3"),
        ("bad_row", "vggsound.csv, line 4"),
        ("bad_row", "vggsound.csv, line 5"),
        ("bad_row", "vggsound.csv, line 7"),
    ]
    assert "(b, train) after x_000000.mp4 (a, train)" in listing.problems[0].detail


def test_a_folder_of_lists(tmp_path):
    (tmp_path / "vggsound_train.csv").write_text("x_000000.mp4,a\n")
    (tmp_path / "vggsound_test.csv").write_text("y_000000.mp4,a\n")
    listing = VggSound(tmp_path, Annotations(tmp_path)).read()
    assert {e.video_id: e.split for e in listing.entries.values()} == {
        "x_000000": "train",
        "y_000000": "test",
    }
    assert len(VggSound(tmp_path).annotation_files()) == 2
    (tmp_path / "vggsound.csv").write_text("z,0,a,train\n")
    assert list(VggSound(tmp_path).read().entries) == ["z_000000"]


def test_a_header_is_no_fault(tmp_path):
    listing = read(tmp_path, "youtube_id,start_seconds,label,split\nx,0,a,train\n")
    assert list(listing.entries) == ["x_000000"]
    assert listing.problems == []


@given(st.from_regex(r"[\w-]{11}", fullmatch=True, alphabet=ALPHABET), st.integers(0, 99_999))
def test_ids_and_starts_are_told_apart(youtube_id, start_s):
    fields = [f"{youtube_id}_{start_s:06d}.mp4", "a"]
    row = _parse(fields, Path("vggsound_test.csv"))
    assert row == (youtube_id, start_s, "a", "test")
    assert row == _parse([youtube_id, str(start_s), "a", "test"], Path("vggsound.csv"))
    assert f"{row.video_id}.mp4" == fields[0]


def test_vggsounder_is_another_list(shared):
    layout = VggSound(shared, Annotations(shared / "data/annotations"))
    assert [file.name for file in layout.annotation_files()] == ["vggsound_test.csv"]


def test_no_list_is_told(tmp_path):
    with pytest.raises(DataError, match=r"there is no vggsound\.csv in"):
        VggSound(tmp_path).read()


def test_segments_are_cut_to_the_video(tmp_path, wav):
    """A video of 12 s holds 2 s of the row at 10 s, and nothing of the row at 20 s."""
    wav(tmp_path / "clips/x.wav", seconds=12)
    (tmp_path / "vggsound.csv").write_text("x,0,a,train\nx,10,a,train\nx,20,a,train\n")
    layout = VggSound(tmp_path / "clips", Annotations(tmp_path))
    indexed = run_index(layout, None, tmp_path / "out", {"progress": False})
    rows = indexed.manifest
    assert list(zip(rows["start_s"], rows["end_s"], rows["duration_s"], strict=True)) == [
        (0, 10, 10),
        (10, 12, 2),
    ]
    assert list(rows["group"]) == ["x", "x"]
    assert [(p.kind, p.item) for p in indexed.report.problems] == [
        ("segment_clipped", "x_000010"),
        ("bad_segment", "x_000020"),
    ]
