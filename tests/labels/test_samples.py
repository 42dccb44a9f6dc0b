"""Sample videos: one a recording, by seed, never one that cannot be heard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from privileges import obey_permissions

from cca_tools.datasets.manifest import write_manifest
from cca_tools.errors import DataError
from cca_tools.labels.samples import SampleIndex
from cca_tools.tagging.store import RunInfo
from cca_tools.workspace import Workspace, write_json

RUN = RunInfo("yamnet", "f" * 64, {}, {"name": "audioset", "hash": ""}, 0, "2026-01-01T00:00:00")
STATUSES = ["ok", "partial", "silent", "timeout"]


def rows_of(videos: int):
    """Videos of two classes; four of each recording, one of each status."""
    number = np.arange(videos)
    return pd.DataFrame(
        {
            "video_id": [f"v{n:03d}" for n in number],
            "path": [f"v{n:03d}.mp4" for n in number],
            "class_name": np.where(number % 2, "Bell", "Rain"),
            "split": "",
            "group": [f"g{n // 8}" for n in number],
            "start_s": np.nan, "end_s": np.nan, "duration_s": 3.0,
            "has_audio": True, "has_video": True, "bytes": 0, "root": "/videos",
        }
    )  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    manifest = rows_of(64)
    write_manifest(manifest, workspace.manifest)
    workspace.tags.mkdir()
    write_json(workspace.tags / f"_{RUN.name}.json", RUN.__dict__)
    statuses = [STATUSES[(n // 2) % 4] for n in range(64)]
    table = pa.table({"video_id": manifest["video_id"].tolist(), "status": statuses})
    for shard, part in enumerate((table[:40], table[40:60])):  # the last four are not tagged
        pq.write_table(part, workspace.tags / f"{RUN.name}-{shard:06d}.parquet")
    return workspace


def test_every_video_is_counted_and_only_heard_ones_are_drawn(workspace):
    index = SampleIndex.open(workspace)
    assert index.class_names == ("Bell", "Rain")
    found = index.of_class("Bell")
    assert found.counts == {"ok": 8, "partial": 8, "silent": 7, "timeout": 7, "untagged": 2}
    assert found.videos == 32
    assert found.groups == 8
    drawn = [one.video_id for one in found.samples]
    assert len(drawn) == 8
    assert {one.group for one in found.samples} == {f"g{n}" for n in range(8)}
    for video_id in drawn:
        number = int(video_id[1:])
        assert STATUSES[(number // 2) % 4] in ("ok", "partial")
        assert number % 2 == 1


def test_the_seed_decides_and_nothing_else(workspace):
    first = SampleIndex.open(workspace).of_class("Bell", seed=3)
    assert SampleIndex.open(workspace).of_class("Bell", seed=3) == first
    others = [SampleIndex.open(workspace).of_class("Bell", seed=seed) for seed in range(6)]
    assert len({tuple(one.video_id for one in other.samples) for other in others}) == 6
    shuffled = rows_of(64).sample(frac=1, random_state=1)
    write_manifest(shuffled, workspace.manifest)
    assert SampleIndex.open(workspace).of_class("Bell", seed=3) == first


def test_every_recording_may_come_first(workspace):
    index = SampleIndex.open(workspace)
    firsts = [index.of_class("Rain", seed=seed).samples[0].group for seed in range(200)]
    counts = pd.Series(firsts).value_counts()
    assert len(counts) == 8
    assert counts.max() < 3 * counts.min()


def test_the_index_follows_manifest_and_tags(workspace):
    before = SampleIndex.open(workspace)
    more = rows_of(66)
    more.loc[64:, "class_name"] = "Whistle"
    write_manifest(more, workspace.manifest)
    assert SampleIndex.open(workspace).class_names == ("Bell", "Rain", "Whistle")
    assert before.class_names == ("Bell", "Rain")


def test_without_tags_what_has_sound_is_shown(workspace):
    for path in workspace.tags.iterdir():
        path.unlink()
    found = SampleIndex.open(workspace).of_class("Bell")
    assert found.counts == {"untagged": 32}
    assert len(found.samples) == 8


def test_names_of_no_class_have_no_videos(workspace):
    index = SampleIndex.open(workspace)
    for name in ("", "bell", "Bell'; --", "../Bell"):
        assert index.of_class(name).samples == ()


def test_what_is_missing_or_damaged_is_told(workspace, tmp_path):
    with pytest.raises(DataError, match="cca-tools index"):
        SampleIndex.open(Workspace(tmp_path / "nothing"))
    (workspace.tags / f"{RUN.name}-000000.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="damaged"):
        SampleIndex.open(workspace)


READ_ONLY = """
import sys
from pathlib import Path
from cca_tools.labels.samples import SampleIndex
from cca_tools.workspace import Workspace
workspaces = [Workspace(Path(name)) for name in sys.argv[1:]]
paths = [SampleIndex.open(workspace).path for workspace in workspaces for _ in range(3)]
assert all(path.is_file() for path in paths)
written = {path.stat().st_mtime_ns for path in paths}
print(len(written), len(set(paths)), paths[0].parents[1])
"""


def test_a_read_only_workspace_has_one_index_a_process(workspace, tmp_path):
    """As root everything may be written: the index is made by somebody who obeys permissions."""
    other = Workspace(tmp_path / "other")
    write_manifest(rows_of(8), other.manifest)
    for place in (workspace, other):
        place.root.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(workspace.root), str(other.root)],
        preexec_fn=obey_permissions, capture_output=True, text=True, check=False,
    )  # fmt: skip
    for place in (workspace, other):
        place.root.chmod(0o755)
    assert done.returncode == 0, done.stderr
    written, paths, folder = done.stdout.split()
    assert (written, paths) == ("2", "2")
    assert not folder.startswith(str(tmp_path))
    assert not Path(folder).exists()  # gone with the process
