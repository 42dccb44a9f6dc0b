"""ActivityNet's JSON: segments, subsets, taxonomy."""

from __future__ import annotations

import json
import math

import pytest

from cca_tools.datasets.activitynet import ActivityNet
from cca_tools.datasets.base import Annotations
from cca_tools.datasets.index import run_index
from cca_tools.errors import DataError


def about(subset="training", duration=100.0, *annotations):
    return {
        "subset": subset,
        "duration": duration,
        "url": "",
        "annotations": [{"label": label, "segment": segment} for label, segment in annotations],
    }


def read(tmp_path, database, files=(), **more):
    (tmp_path / "videos").mkdir(exist_ok=True)
    for file in files:
        (tmp_path / "videos" / file).touch()
    path = tmp_path / "activity_net.v1-3.min.json"
    path.write_text(json.dumps({"database": database, **more}))
    return ActivityNet(tmp_path / "videos", Annotations(path)).read()


def rows(listing):
    return [(e.path, e.class_name, e.split, e.start_s, e.end_s) for e in listing.entries.values()]


def test_one_row_a_segment_whatever_the_suffix(tmp_path):
    database = {
        "_a-": about("training", 60, ("Polo", [0.5, 10.25]), ("Polo", [20, 60])),
        "b": about("validation", 30, ("Knitting", [0, 30])),
        "c": about("validation", 30, ("Knitting", [1, 2])),
    }
    listing = read(tmp_path, database, ["v__a-.mkv", "v_b.webm", "c.mp4"])
    assert rows(listing) == [
        ("v__a-.mkv", "Polo", "train", 0.5, 10.25),
        ("v__a-.mkv", "Polo", "train", 20, 60),
        ("v_b.webm", "Knitting", "val", 0, 30),
        ("c.mp4", "Knitting", "val", 1, 2),
    ]
    assert list(listing.entries) == ["v__a-#0.5-10.25", "v__a-#20-60", "v_b#0-30", "c#1-2"]
    assert [e.group for e in listing.entries.values()] == ["_a-", "_a-", "b", "c"]
    assert listing.problems == []


def test_videos_without_annotations_are_rows_without_class(tmp_path):
    listing = read(tmp_path, {"t": about("testing", 30)}, ["v_t.mp4"])
    (entry,) = listing.entries.values()
    assert (entry.video_id, entry.class_name, entry.split) == ("v_t", "", "test")
    assert math.isnan(entry.start_s)
    assert math.isnan(entry.end_s)


def test_segments_outside_the_video_are_cut_and_counted(tmp_path):
    segments = [[-1, 5], [90, 100.4], [101, 120], [50, 50], [70, 60]]
    listing = read(tmp_path, {"x": about("training", 100, *(("Polo", s) for s in segments))})
    assert [(s, e) for *_, s, e in rows(listing)] == [(0, 5), (90, 100)]
    assert [p.kind for p in listing.problems] == [
        "segment_clipped",
        "segment_clipped",
        "bad_segment",
        "bad_segment",
        "bad_segment",
    ]
    assert listing.problems[1].detail == "[90, 100.4] to 90-100 s"


def test_faults_are_named(tmp_path):
    database = {
        "a": about("holdout", 9, ("Polo", [0, 1])),
        "b": [],
        "c": about("training", 9, ("Polo", [0])),
        "d": about("training", 9, ("", [0, 1])),
        "e": about("training", 9, ("Polo", ["x", 1])),
        "f": about("training", 9, ("Polo", [0, 1]), ("Polo", [0, 1])),
        "g": {"subset": "training", "annotations": [{"label": "Polo", "segment": [0, 1e4]}]},
        "h": {"subset": "training", "annotations": ["Polo"]},
    }
    listing = read(tmp_path, database, taxonomy=[{"nodeName": "Knitting"}])
    assert list(listing.entries) == ["v_f#0-1", "v_g#0-10000"]
    assert [(p.kind, p.item) for p in listing.problems] == [
        ("bad_row", "a"),
        ("bad_row", "b"),
        ("bad_row", "c"),
        ("bad_row", "d"),
        ("bad_row", "e"),
        ("duplicate_id", "v_f#0-1"),
        ("bad_row", "h"),
        ("unknown_class", "Polo"),
    ]


def test_the_file_decides_where_the_json_is_wrong(tmp_path, wav):
    wav(tmp_path / "videos/v_x.wav", seconds=6)
    (tmp_path / "a.json").write_text(
        json.dumps({"database": {"x": about("training", 10, ("Polo", [0, 10]), ("Polo", [8, 9]))}})
    )
    layout = ActivityNet(tmp_path / "videos", Annotations(tmp_path / "a.json"))
    indexed = run_index(layout, None, tmp_path / "out", {"progress": False})
    (row,) = indexed.manifest.to_dict("records")
    assert (row["video_id"], row["end_s"], row["duration_s"]) == ("v_x#0-10", 6, 6)
    assert [p.kind for p in indexed.report.problems] == ["segment_clipped", "bad_segment"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "has no 'database'"),
        ('{"database": []}', "has no 'database'"),
        ("\xff", "is not UTF-8 text"),
    ],
)
def test_files_that_are_something_else(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=message):
        ActivityNet(tmp_path, Annotations(tmp_path / "a.json")).read()


def test_which_json_must_be_clear(tmp_path):
    with pytest.raises(DataError, match="there are 0 JSON files"):
        ActivityNet(tmp_path).read()
    (tmp_path / "a.json").write_text('{"database": {}}')
    assert ActivityNet(tmp_path).read().entries == {}
    (tmp_path / "b.json").touch()
    with pytest.raises(DataError, match="there are 2 JSON files"):
        ActivityNet(tmp_path).read()
