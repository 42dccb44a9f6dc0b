"""A small study on disk: real videos of drifting gratings, packed frames, features, splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
from training_studies import grating

from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.media.frames import FrameSampling
from cca_tools.splits import SplitFile, make_splits, write_splits
from cca_tools.workspace import Workspace
from ccl.data.features import feature_path, write_features
from ccl.data.prepare import PrepareOptions, prepare_frames

LEVELS = {"c0": "highly", "c1": "highly", "c2": "not", "c3": "not"}
TRAIN, TEST = 6, 4  # videos a class; two of a group
EPOCHS = 30
QUICK = (
    "student.name=tiny", "data.audio_teacher=planted", "data.batch_size=4", "data.num_frames=4",
    "data.size=32", "data.clips_per_video=1", "data.val_fraction=0.34", "data.workers=1",
    "run.checkpoint_seconds=0", f"optim.epochs={EPOCHS}",
)  # fmt: skip


def quick(*more: str) -> list[str]:
    """The options of a run that takes seconds."""
    return [part for text in (*QUICK, *more) for part in ("--set", text)]


def make_workspace(folder: Path) -> Workspace:
    """Write videos, manifest, packed frames, features of an audio teacher, splits and probe."""
    rng = np.random.default_rng(0)
    videos, rows = folder / "videos", []
    for target, name in enumerate(LEVELS):
        for number in range(TRAIN + TEST):
            video_id = f"{name}-{number}"
            write_video(videos / f"{video_id}.avi", grating(rng, target, len(LEVELS), 60.0))
            split = "train" if number < TRAIN else "test"
            rows.append(_row(videos, video_id, name, split, f"{name}-g{number // 2}"))
    workspace = Workspace(folder / "w")
    workspace.features.mkdir(parents=True)
    write_manifest(pd.DataFrame(rows), workspace.manifest)
    manifest = read_manifest(workspace.manifest)
    prepare_frames(manifest, workspace, FrameSampling(short_side=32), PrepareOptions(workers=1))
    means = {name: rng.normal(0, 1, 8) for name in LEVELS}
    vectors = {
        row["video_id"]: (means[row["class_name"]] + rng.normal(0, 0.3, 8)).astype(np.float32)
        for row in rows
    }
    write_features(feature_path(workspace, "planted"), vectors)
    write_splits(workspace.splits, SplitFile(make_splits(LEVELS), LEVELS, "labels", "", ""))
    probe = pd.DataFrame({"class_name": list(LEVELS), "accuracy": [0.9, 0.8, 0.3, 0.1]})
    probe.to_parquet(workspace.root / "audio_probe.parquet")
    return workspace


def _row(folder: Path, video_id: str, class_name: str, split: str, group: str) -> dict[str, Any]:
    return {
        "video_id": video_id, "path": f"{video_id}.avi", "class_name": class_name, "split": split,
        "group": group, "start_s": np.nan, "end_s": np.nan, "duration_s": 0.32, "has_audio": True,
        "has_video": True, "bytes": 1000, "root": str(folder),
    }  # fmt: skip


def write_video(path: Path, frames: np.ndarray) -> None:
    """Write frames uint8 (T, H, W, 3) as motion JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuvj420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
