"""Workspaces with manifests and small videos of numbered pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from media.videos import write_video

from cca_tools.datasets.manifest import COLUMNS, write_manifest
from cca_tools.workspace import Workspace
from ccl.data.frame_store import ArrayStore

DEFAULTS = {
    "split": "train", "group": "", "start_s": np.nan, "end_s": np.nan, "duration_s": 1.0,
    "has_audio": True, "has_video": True, "bytes": 1, "root": "/nowhere",
}  # fmt: skip


def manifest_of(rows):
    """A manifest of dicts with at least ``video_id`` and ``class_name``."""
    filled = [DEFAULTS | {"path": f"{row['video_id']}.mp4"} | row for row in rows]
    return pd.DataFrame(filled)[list(COLUMNS)]


def study_rows(classes=3, groups=4, clips=2, test_groups=1):
    """Rows like those of UCF101: the first groups are for testing."""
    return [
        {
            "video_id": f"c{name}/v_c{name}_g{group}_c{clip}",
            "class_name": f"c{name}",
            "group": f"c{name}/g{group}",
            "split": "test" if group < test_groups else "train",
        }
        for name in range(classes)
        for group in range(groups)
        for clip in range(clips)
    ]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "w")


@pytest.fixture
def write(workspace):
    """A function that writes a manifest of rows."""

    def do(rows):
        workspace.root.mkdir(parents=True, exist_ok=True)
        write_manifest(manifest_of(rows), workspace.manifest)
        return manifest_of(rows)

    return do


@pytest.fixture
def store_of():
    """A function that gives random frames for rows; ``frames`` overrides how many."""

    def do(rows, frames=None, without=()):
        rng = np.random.default_rng(0)
        counts = frames or {}
        return ArrayStore(
            {
                row["video_id"]: rng.integers(
                    0, 256, (counts.get(row["video_id"], 12), 16, 20, 3), dtype=np.uint8
                )
                for row in rows
                if row["video_id"] not in without
            }
        )

    return do


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """A folder of twelve small videos and three bad ones; the manifest's rows."""
    root = tmp_path_factory.mktemp("videos")
    rows = []
    for number in range(12):
        write_video(root / f"v{number}.mp4", 10 + number, first=number)
        rows.append({"video_id": f"v{number}", "class_name": f"c{number % 3}", "root": str(root)})
    whole = (root / "v0.mp4").read_bytes()
    (root / "broken.mp4").write_bytes(whole[:100])
    (root / "empty.mp4").touch()
    for name in ("broken", "empty", "gone"):
        rows.append({"video_id": name, "class_name": "c0", "root": str(root)})
    segment = rows[11] | {"video_id": "v11@0.5-1", "path": "v11.mp4", "start_s": 0.5, "end_s": 1.0}
    return [*rows, segment]


__all__ = ["manifest_of", "study_rows"]
