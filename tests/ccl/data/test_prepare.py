"""The pass over a manifest: resumed after a kill, statuses for bad files, nothing done twice."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from media.videos import number_of, write_video

from cca_tools.media.frames import FrameSampling
from cca_tools.workspace import TEMP_PREFIX, read_provenance, sha256_of
from ccl.data.frame_store import FrameStore
from ccl.data.pack import data_path, find_damaged, index_path, read_index
from ccl.data.prepare import PrepareOptions, estimate_bytes, prepare_frames

from .conftest import manifest_of

SAMPLING = FrameSampling(short_side=48)
STATUSES = {"broken": "decode_error", "empty": "decode_error", "gone": "missing_file"}


def prepare(workspace, manifest, sampling=SAMPLING, **options):
    chosen = {"workers": 2, "progress": False, "timeout_s": 60.0} | options
    return prepare_frames(manifest, workspace, sampling, PrepareOptions(**chosen))


def check(workspace, rows):
    """Each video is there with its very pictures."""
    store = FrameStore.open(workspace.frames)
    known = read_index(workspace.frames)
    assert find_damaged(workspace.frames, known.values()) == []
    assert {name: known[name].status for name in STATUSES} == STATUSES
    good = [row["video_id"] for row in rows if row["video_id"] not in STATUSES]
    assert sorted(store.video_ids) == sorted(good)
    for i, video_id in enumerate(store.video_ids):
        number = int(video_id[1:].partition("@")[0])
        numbers = range(number, 2 * number + 10)
        numbers = numbers[5:10] if "@" in video_id else numbers
        frames = store.read(i, range(store.num_frames(i)))
        assert [number_of(one) for one in frames] == list(numbers)
        assert store.fps(i) == pytest.approx(10, rel=1e-3)
    return store


def test_all_videos_get_frames_or_a_status(workspace, write, videos):
    manifest = write(videos)
    summary = prepare(workspace, manifest)
    assert summary.counts == {"ok": 13, "decode_error": 2, "missing_file": 1}
    assert summary.num_failed == 3
    assert {row.video_id: row.status for row in summary.failures} == STATUSES
    store = check(workspace, videos)
    total = sum(store.num_frames(i) for i in range(len(store.video_ids)))
    assert summary.num_frames == total == sum(range(10, 22)) + 5
    assert summary.num_bytes == data_path(workspace.frames, 0).stat().st_size
    about = read_provenance(index_path(workspace.frames))
    assert about["inputs"] == {str(workspace.manifest): sha256_of(workspace.manifest)}
    assert about["parameters"]["short_side"] == 48
    assert not list(workspace.frames.glob(f"{TEMP_PREFIX}*"))


def test_what_is_done_is_not_done_again(workspace, write, videos):
    manifest = write(videos)
    prepare(workspace, manifest)
    before = index_path(workspace.frames).read_bytes()
    summary = prepare(workspace, manifest)
    assert summary.done_before == len(videos)
    assert index_path(workspace.frames).read_bytes() == before
    again = prepare(workspace, manifest, retry_failed=True)
    assert again.done_before == len(videos) - 3
    check(workspace, videos)


def test_changed_files_are_done_anew(workspace, write, videos, tmp_path):
    path = shutil.copy(f"{videos[3]['root']}/v3.mp4", tmp_path / "v3.mp4")
    rows = [videos[3] | {"root": str(tmp_path)}, videos[4]]
    prepare(workspace, write(rows))
    write_video(tmp_path / "v3.mp4", 4, first=200)
    assert path
    summary = prepare(workspace, write(rows))
    assert summary.done_before == 1
    assert any("1 files changed" in notice for notice in summary.notices)
    store = FrameStore.open(workspace.frames)
    frames = store.read(list(store.video_ids).index("v3"), range(4))
    assert [number_of(one) for one in frames] == [200, 201, 202, 203]


def test_restart_begins_anew_with_other_settings(workspace, write, videos):
    manifest = write(videos[:2])
    prepare(workspace, manifest)
    prepare(workspace, manifest, FrameSampling(short_side=48, stride=2), restart=True)
    store = FrameStore.open(workspace.frames)
    assert store.num_frames(list(store.video_ids).index("v1")) == 6


def test_verify_packs_what_is_damaged_anew(workspace, write, videos):
    manifest = write(videos)
    prepare(workspace, manifest)
    row = read_index(workspace.frames)["v5"]
    with data_path(workspace.frames, 0).open("r+b") as file:
        file.seek(row.offset + row.num_bytes // 2)
        file.write(bytes(64))
    summary = prepare(workspace, manifest, verify=True)
    assert any("1 were damaged" in notice for notice in summary.notices)
    assert summary.done_before == len(videos) - 1
    check(workspace, videos)


RUN = """
import sys
from pathlib import Path
from cca_tools.datasets.manifest import read_manifest
from cca_tools.media.frames import FrameSampling
from cca_tools.workspace import Workspace
from ccl.data.prepare import PrepareOptions, prepare_frames
place = Workspace(Path(sys.argv[1]))
print("begun", flush=True)
prepare_frames(read_manifest(place.manifest), place, FrameSampling(short_side=48),
               PrepareOptions(workers=2, progress=False))
"""


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_it_goes_on(workspace, write, videos, seed):
    """Again and again; every video that was told as done stays done."""
    manifest = write(videos)
    moments = random.Random(seed)
    done = set()
    for _ in range(2):
        run = subprocess.Popen(
            [sys.executable, "-c", RUN, str(workspace.root)], stdout=subprocess.PIPE, text=True
        )
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(moments.uniform(0.3, 1.2))
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()
        if index_path(workspace.frames).exists():
            now = set(read_index(workspace.frames))
            assert done <= now
            done = now
    summary = prepare(workspace, manifest)
    assert summary.done_before == len(done)
    check(workspace, videos)


def test_the_estimate_is_of_the_right_size(workspace, write, shared):
    clips = shared / "data" / "clips" / "ucf101"
    rows = [
        {"video_id": path.stem, "class_name": "c", "root": str(path.parent), "path": path.name}
        | {"duration_s": seconds}
        for path, seconds in zip(sorted(clips.rglob("*.avi")), (6.56, 3.57), strict=True)
    ]
    manifest = write(rows)
    real = prepare(workspace, manifest, FrameSampling()).num_bytes
    assert 0.5 < estimate_bytes(manifest, FrameSampling()) / real < 2


def test_the_estimate_knows_rates_segments_and_limits():
    rows = [
        {"video_id": "a", "class_name": "c", "duration_s": 100.0},
        {"video_id": "b", "class_name": "c", "duration_s": 100.0, "start_s": 10.0, "end_s": 20.0},
        {"video_id": "c", "class_name": "c", "duration_s": np.nan},
    ]
    manifest = manifest_of(rows)
    one = estimate_bytes(pd.DataFrame(manifest[1:2]), FrameSampling(fps=10))
    assert one == pytest.approx(100 * 128 * 128 * 4 / 3 * 0.36, rel=0.01)
    assert estimate_bytes(manifest, FrameSampling(fps=10)) == pytest.approx(11 * one, rel=0.01)
    assert estimate_bytes(manifest, FrameSampling(fps=10, stride=2)) == pytest.approx(
        5.5 * one, rel=0.01
    )
    limited = estimate_bytes(manifest, FrameSampling(fps=10, max_frames=100))
    assert limited == pytest.approx(2 * one, rel=0.01)
