"""Make the dataset: videos, lists and truth, the same bytes for the same settings and sounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.correspondence.digits import load_scans
from cca_tools.correspondence.plan import Clip, Plan, make_plan
from cca_tools.correspondence.readme import readme_text
from cca_tools.correspondence.scenes import Difficulty, paint_scene
from cca_tools.correspondence.sounds import (
    excerpt,
    generated_recordings,
    recordings_in,
)
from cca_tools.correspondence.truth import class_truth, video_truth
from cca_tools.demo.encode import write_video
from cca_tools.demo.recording import FRAME_RATE
from cca_tools.errors import CcaError, DataError
from cca_tools.media.guard import GuardedPool, usable_cpus
from cca_tools.workspace import sha256_of, write_json, write_text, writing_to

MARKER = ".cca-correspondence.json"
VIDEOS, TRUTH, CLASS_TRUTH, README = "videos.csv", "truth.csv", "truth_classes.csv", "README.md"
LENGTH_S = 2.0
NUM_FRAMES = round(LENGTH_S * FRAME_RATE)

_SCENE_LIMIT_S = 120.0


@dataclass(frozen=True)
class DataSettings:
    """What decides every byte of the dataset, the sounds aside.

    Attributes:
        seed: From which everything follows.
        train: Training videos a class; there are 21 classes.
        test: Test videos a class.
        difficulty: How hard the digits are to read.
    """

    seed: int = 0
    train: int = 100
    test: int = 40
    difficulty: Difficulty = field(default_factory=Difficulty)


@dataclass(frozen=True)
class Dataset:
    """What was written.

    Attributes:
        root: The dataset's folder.
        videos: One row a video: path, class_name, split, group, level, digit, scan, recording...
        classes: One row a class: class_name, level, digit, kinds.
    """

    root: Path
    videos: pd.DataFrame
    classes: pd.DataFrame


def generate(
    out: Path,
    settings: DataSettings,
    *,
    sounds: Path | None = None,
    workers: int = 0,
    on_scene: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Generate the dataset, or the rest of one of the same settings; what is there stays.

    Args:
        out: The folder; made if it is not there.
        settings: Size, seed and difficulty.
        sounds: A folder of class folders of recordings; None for synthesised ones.
        workers: Processes; 0 for one a processor.
        on_scene: Called with the number of scenes that are done and that of all.

    Raises:
        UsageError: A number is out of range.
        DataError: The sounds do not do, or ``out`` holds something else.
        WorkspaceError: ``out`` cannot be written.
    """
    plan = plan_of(settings, sounds)
    data = Dataset(out, video_truth(plan), class_truth(plan))
    made_of = {"settings": asdict(settings), "sounds": _fingerprint(plan)}
    marker = _read_marker(out)
    is_ours = marker.get("made_of") == json.loads(json.dumps(made_of))
    if is_ours and marker.get("complete"):
        return data
    if not is_ours:
        _clear(out, marker)
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
    files = [*data.videos["path"], VIDEOS, TRUTH, CLASS_TRUTH, README]
    record = {"made_of": made_of, "files": files}
    write_json(out / MARKER, {**record, "complete": False})
    _make_scenes(out, plan, settings.difficulty, workers or usable_cpus(), on_scene)
    _write_lists(data, settings, sounds is not None)
    write_json(out / MARKER, {**record, "complete": True})
    return data


def plan_of(settings: DataSettings, sounds: Path | None = None) -> Plan:
    """Return the plan of a dataset; see `generate`."""
    recordings = generated_recordings(settings.seed) if sounds is None else recordings_in(sounds)
    videos_per_class = {"train": settings.train, "test": settings.test}
    return make_plan(settings.seed, videos_per_class, recordings)


def make_scene(root: str, clips: tuple[Clip, ...], difficulty: Difficulty) -> None:
    """Paint one scene and write it with each of its soundtracks; what the child processes run."""
    pictures = paint_scene(clips[0].scene, load_scans().ink, difficulty, NUM_FRAMES)
    for clip in clips:
        sound = excerpt(clip.recording, LENGTH_S, clip.sound_rng())
        write_video(Path(root) / clip.path, pictures, sound)


def _make_scenes(
    out: Path,
    plan: Plan,
    difficulty: Difficulty,
    workers: int,
    on_scene: Callable[[int, int], None] | None,
) -> None:
    scenes = plan.by_scene()
    # a video is written whole or not at all
    left = [clips for clips in scenes if not all((out / clip.path).exists() for clip in clips)]
    with GuardedPool(workers, _SCENE_LIMIT_S) as pool:
        futures = [pool.submit(make_scene, str(out), clips, difficulty) for clips in left]
        before = len(scenes) - len(left)
        for done, (clips, future) in enumerate(zip(left, futures, strict=True), start=before + 1):
            outcome = future.result()
            if outcome.failure:
                raise CcaError(
                    f"{clips[0].path} could not be made: {outcome.detail}", "Run `cca-tools doctor`"
                )
            if on_scene is not None:
                on_scene(done, len(scenes))


def _write_lists(data: Dataset, settings: DataSettings, recorded: bool) -> None:
    columns = ["path", "class_name", "split", "group"]
    write_text(data.root / VIDEOS, data.videos[columns].to_csv(index=False))
    write_text(data.root / TRUTH, data.videos.to_csv(index=False))
    write_text(data.root / CLASS_TRUTH, data.classes.to_csv(index=False))
    write_text(data.root / README, readme_text(data.classes, data.videos, settings.seed, recorded))


def _fingerprint(plan: Plan) -> dict[str, str]:
    """Return recording -> the hash of its file, empty for a synthesised one."""
    heard = {clip.recording.name: clip.recording.path for clip in plan.clips}
    return {name: sha256_of(Path(path)) if path else "" for name, path in sorted(heard.items())}


def _read_marker(out: Path) -> Mapping[str, Any]:
    try:
        marker = json.loads((out / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _clear(out: Path, marker: Mapping[str, Any]) -> None:
    """Remove the files of a dataset made earlier; refuse a folder with anything else."""
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out} is a file", "Give a folder")
    if not marker and any(out.iterdir()):
        raise DataError(f"{out} is not empty, and is no such dataset", "Give another folder")
    root = out.resolve()
    for name in marker.get("files", ()):
        path = (root / str(name)).resolve()
        if path.is_relative_to(root):
            path.unlink(missing_ok=True)
