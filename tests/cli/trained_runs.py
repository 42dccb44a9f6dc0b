"""A workspace with real videos, packed frames and a trained run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import CliRunner, Result
from media.videos import write_video

from cca_tools.cli.main import app
from cca_tools.datasets.manifest import write_manifest
from cca_tools.splits import SplitFile, make_splits, write_splits
from cca_tools.workspace import Workspace

NAME = "baseline-none/all/seed0"
LEVELS = {"fast": "highly", "slow": "not", "still": "not"}
TRAIN, TEST = 6, 3
QUICK = (
    "student.name=tiny", "data.batch_size=6", "data.num_frames=4", "data.size=16",
    "data.clips_per_video=2", "data.val_fraction=0.34", "data.workers=1", "optim.epochs=2",
    "optim.lr=0.05",
)  # fmt: skip


def invoke(workspace: Workspace, *arguments: str) -> Result:
    command = [arguments[0], "-w", str(workspace.root), *arguments[1:]]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def make_workspace(root: Path) -> Workspace:
    """Write videos, a manifest and splits; pack the frames."""
    rows = []
    (root / "videos").mkdir()
    for place, name in enumerate(LEVELS):
        for number in range(TRAIN + TEST):
            video_id = f"{name}{number}"
            first = 1 + 40 * place + number
            write_video(root / "videos" / f"{video_id}.mp4", 8, shape=(32, 32), first=first)
            rows.append(
                {
                    "video_id": video_id, "path": f"{video_id}.mp4", "class_name": name,
                    "split": "train" if number < TRAIN else "test",
                    "group": f"{name}/{number // 2}" if number < TRAIN else f"{name}/t{number}",
                    "start_s": np.nan, "end_s": np.nan, "duration_s": 0.8, "has_audio": False,
                    "has_video": True, "bytes": 1, "root": str(root / "videos"),
                }
            )  # fmt: skip
    workspace = Workspace(root / "w")
    workspace.root.mkdir()
    write_manifest(pd.DataFrame(rows), workspace.manifest)
    write_splits(workspace.splits, SplitFile(make_splits(LEVELS), LEVELS, "labels", "", ""))
    packed = invoke(workspace, "prepare", "--short-side", "16", "--workers", "1")
    assert packed.exit_code == 0, packed.output
    return workspace


def train(workspace: Workspace, *more: str) -> None:
    settings = [part for text in QUICK for part in ("--set", text)]
    done = invoke(
        workspace, "train", "--method", "baseline", "--distill", "none", "--device", "cpu",
        *settings, *more,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
