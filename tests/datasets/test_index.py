"""``index``: manifest, report and provenance of real and made-up datasets."""

from __future__ import annotations

import csv
import json
import logging
import subprocess
import sys
import textwrap
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import cca_tools
from cca_tools.datasets.folder import Folder
from cca_tools.datasets.index import index, run_index
from cca_tools.datasets.manifest import read_manifest, video_path
from cca_tools.errors import DataError, UsageError, WorkspaceError
from cca_tools.reference.ucf51 import ucf51_classes
from cca_tools.workspace import Workspace, provenance_path

QUIET = {"progress": False, "workers": 1}


def report_of(folder):
    with (folder / "index-report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return json.loads((folder / "index-report.json").read_text(encoding="utf-8")), rows


def test_the_public_function_is_this_one():
    assert cca_tools.index is index


def test_a_small_dataset_counted_by_hand(tmp_path, wav, video):
    root = tmp_path / "data"
    wav(root / "train/dog/a.wav", seconds=36)
    video(root / "train/dog/b.mkv", seconds=0.4)
    video(root / "test/cat/c.mkv", seconds=0.4, has_audio=False)
    (root / "test/cat/empty.mp4").touch()
    (root / "test/cat/text.mp4").write_text("not a video")
    manifest = index(root, workspace=tmp_path / "out", **QUIET)
    assert list(manifest["video_id"]) == [
        "test/cat/c",
        "test/cat/empty",
        "test/cat/text",
        "train/dog/a",
        "train/dog/b",
    ]
    assert list(manifest["has_audio"]) == [False, False, False, True, True]
    assert list(manifest["has_video"]) == [True, False, False, False, True]
    assert list(manifest["split"]) == ["test", "test", "test", "train", "train"]
    assert list(manifest["group"]) == list(manifest["video_id"])
    assert list(manifest["bytes"]) == [video_path(r).stat().st_size for _, r in manifest.iterrows()]
    summary, rows = report_of(tmp_path / "out")
    problems = summary.pop("problems")
    assert summary == {
        "layout": "folder",
        "root": str(root),
        "videos": 5,
        "classes": 2,
        "groups": 5,
        "with_audio": 2,
        "without_audio": 1,
        "unreadable": 2,
        "hours": round(float(Fraction(368, 10) / 3600), 4),
        "splits": {"test": 3, "train": 2},
        "failures": 2,
        "replaced": "",
    }
    assert problems["decode_error"]["count"] == 2
    assert [(row["kind"], row["is_failure"], row["item"]) for row in rows] == [
        ("decode_error", "true", "test/cat/empty.mp4"),
        ("decode_error", "true", "test/cat/text.mp4"),
    ]


def test_provenance_names_settings_and_inputs(tmp_path, samples):
    sample = samples["ucf101"](tmp_path / "data")
    lists = sample.annotations.splits
    index(sample.root, "ucf101", splits=lists, split=2, workspace=tmp_path / "out", **QUIET)
    record = json.loads(provenance_path(tmp_path / "out/manifest.parquet").read_text())
    assert record["command"] == "cca_tools.index"
    assert record["parameters"]["layout"] == "ucf101"
    assert record["parameters"]["split"] == 2
    names = ["classInd.txt", "trainlist02.txt", "testlist02.txt"]
    assert list(record["inputs"]) == [str(lists / name) for name in names]


def test_ucf51_by_name(shared, tmp_path):
    """The subset of the official lists, counted from the lists themselves."""
    lists = shared / "data/ucf51/ucfTrainTestlist"
    wanted = {}
    for split in ("train", "test"):
        for line in (lists / f"{split}list01.txt").read_text().split():
            if line.split("/")[0] in ucf51_classes():
                wanted[line] = split
    (tmp_path / "empty").mkdir()
    manifest = index(
        tmp_path / "empty",
        "ucf101",
        splits=lists,
        subset="ucf51",
        workspace=tmp_path / "out",
        probe=False,
    )
    assert dict(zip(manifest["path"], manifest["split"], strict=True)) == wanted
    assert manifest["class_name"].nunique() == 51
    with np.load(shared / "data/ucf51/audio_features_cnn14_emb512.npz") as released:
        heard = set(released["video_id"])  # 8 of the 6,845 have no sound
    assert len(manifest) == 6845
    assert heard <= {path.split("/")[1].removesuffix(".avi") for path in manifest["path"]}
    summary, rows = report_of(tmp_path / "out")
    assert summary["failures"] == len(rows) == len(wanted)
    assert summary["unreadable"] == len(wanted)


def test_all_of_ucf101_without_opening_a_file(shared, tmp_path):
    lists = shared / "data/ucf51/ucfTrainTestlist"
    root = tmp_path / "UCF-101"
    for name in ("trainlist01.txt", "testlist01.txt"):
        for line in (lists / name).read_text().splitlines():
            path = root / line.split()[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    options = {"splits": lists, "workspace": tmp_path / "out", "probe": False}
    manifest = index(root, "ucf101", **options)
    assert len(manifest) == 13320
    assert dict(manifest["split"].value_counts()) == {"train": 9537, "test": 3783}
    assert manifest["group"].nunique() == 2525
    assert manifest["has_audio"].all()
    assert manifest["duration_s"].isna().all()
    summary, rows = report_of(tmp_path / "out")
    assert (summary["failures"], rows) == (0, [])


def test_a_class_of_the_subset_without_video_is_noticed(tmp_path, wav):
    for name in ucf51_classes()[1:]:
        wav(tmp_path / f"data/{name}/v_{name}_g01_c01.wav", seconds=0.01)
    wav(tmp_path / "data/YoYo/v_YoYo_g01_c01.wav")
    index(tmp_path / "data", "ucf101", subset="ucf51", workspace=tmp_path / "out", **QUIET)
    summary, rows = report_of(tmp_path / "out")
    assert (summary["videos"], summary["failures"]) == (50, 0)
    assert [(row["kind"], row["item"]) for row in rows] == [("empty_class", "ApplyEyeMakeup")]


def test_a_group_on_both_sides_is_noticed(tmp_path, wav):
    wav(tmp_path / "data/train/YoYo/v_YoYo_g01_c01.wav")
    wav(tmp_path / "data/test/YoYo/v_YoYo_g01_c02.wav")
    wav(tmp_path / "data/test/YoYo/v_YoYo_g02_c02.wav")
    index(tmp_path / "data", "ucf101", workspace=tmp_path / "out", **QUIET)
    summary, rows = report_of(tmp_path / "out")
    assert summary["failures"] == 0
    assert [(r["kind"], r["item"], r["detail"]) for r in rows] == [
        ("shared_group", "YoYo/g01", "in test and train")
    ]


def test_nothing_found_is_an_error_and_writes_no_manifest(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/.hidden.mp4").touch()
    with pytest.raises(DataError, match="no video was found in"):
        index(tmp_path / "data", workspace=tmp_path / "out", **QUIET)
    (tmp_path / "data/x.wav").touch()
    with pytest.raises(DataError, match="no video of the subset ucf51 was found"):
        index(tmp_path / "data", subset="ucf51", workspace=tmp_path / "out", **QUIET)
    assert not (tmp_path / "out/manifest.parquet").exists()


def test_indexing_again_replaces_and_tells(tmp_path, wav):
    wav(tmp_path / "data/a.wav")
    first = run_index(Folder(tmp_path / "data"), None, tmp_path / "out", QUIET)
    assert first.report.replaced == ""
    wav(tmp_path / "data/b.wav")
    (tmp_path / "out/.writing-leftover").touch()
    second = run_index(Folder(tmp_path / "data"), None, tmp_path / "out", QUIET)
    assert second.report.replaced.startswith("a manifest of 1 videos from 20")
    assert len(read_manifest(tmp_path / "out/manifest.parquet")) == 2
    assert not list((tmp_path / "out").glob(".writing-*"))


def test_a_workspace_in_use_is_left_alone(tmp_path, wav):
    wav(tmp_path / "data/a.wav")
    held = Workspace(tmp_path / "out").lock("cca-tools tag-audio")
    with held, pytest.raises(WorkspaceError, match="held by `cca-tools tag-audio`"):
        index(tmp_path / "data", workspace=tmp_path / "out", **QUIET)
    assert not (tmp_path / "out/manifest.parquet").exists()


def test_a_workspace_that_cannot_be_written_is_one_line(tmp_path, wav):
    wav(tmp_path / "data/a.wav")
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="cannot write"):
        index(tmp_path / "data", workspace=tmp_path / "file/out", **QUIET)


def test_problems_are_logged_in_one_line(tmp_path, wav, caplog):
    wav(tmp_path / "data/a.wav")
    (tmp_path / "data/b.wav").touch()
    with caplog.at_level(logging.WARNING):
        index(tmp_path / "data", workspace=tmp_path / "out", **QUIET)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"1 problems: see {tmp_path / 'out/index-report.csv'}"


def test_options_are_checked(tmp_path):
    with pytest.raises(UsageError, match=r"no option 'wrokers'\. It has columns, on_missing"):
        index(tmp_path, wrokers=3)
    with pytest.raises(UsageError, match="on_missing is 'drop'"):
        index(tmp_path, on_missing="drop")
    with pytest.raises(UsageError, match="there is no layout"):
        index(tmp_path, "ucf")


def test_the_root_is_absolute_and_links_are_resolved(tmp_path, wav, monkeypatch):
    wav(tmp_path / "real/dog/a.wav")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    manifest = index("link", workspace="out", **QUIET)
    assert list(manifest["root"]) == [str((tmp_path / "real").resolve())]


def test_columns_keep_their_kinds_in_the_file(tmp_path, wav):
    wav(tmp_path / "data/a.wav")
    manifest = index(tmp_path / "data", workspace=tmp_path / "out", **QUIET)
    again = pd.read_parquet(tmp_path / "out/manifest.parquet")
    assert list(again.dtypes) == list(manifest.dtypes)
    assert again["bytes"].dtype == "int64"
    assert again["has_audio"].dtype == bool


def test_a_script_without_main_guard_may_index(tmp_path, wav):
    for number in range(3):
        wav(tmp_path / f"data/dog/{number}.wav")
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""
            from cca_tools import index
            frame = index("data", workspace="out", progress=False)
            print(len(frame), frame["has_audio"].all())
        """)
    )
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == ("3 True\n", "")
