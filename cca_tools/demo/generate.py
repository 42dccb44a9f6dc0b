"""Make the demo dataset: videos, lists and truth, the same bytes for the same seed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cca_tools.demo.classes import CLASSES, SOUNDS
from cca_tools.demo.clip import make_clip
from cca_tools.demo.plan import MIN_CLIPS, ClipPlan, plan_clips
from cca_tools.demo.readme import readme_text
from cca_tools.errors import CcaError, DataError, UsageError
from cca_tools.media.guard import GuardedPool, usable_cpus
from cca_tools.workspace import write_json, write_text, writing_to

MARKER = ".cca-demo.json"
VIDEOS, TRUTH, CLASS_TRUTH, README = "videos.csv", "truth.csv", "truth_classes.csv", "README.md"
DEFAULT_VIDEOS_PER_CLASS = 12

_CLIP_LIMIT_S = 120.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class DemoData:
    """What was written.

    Attributes:
        root: The dataset's folder.
        videos: One row a video: path, class_name, split, group, level, sound, intended, flaw.
        classes: One row a class: class_name, level, sound, share, intended.
    """

    root: Path
    videos: pd.DataFrame
    classes: pd.DataFrame


def generate_demo(
    out: Path,
    *,
    seed: int = 0,
    videos_per_class: int = DEFAULT_VIDEOS_PER_CLASS,
    force: bool = False,
    workers: int = 0,
    on_clip: Callable[[int, int], None] | None = None,
) -> DemoData:
    """Generate the demo dataset.

    A third of its classes have a sound that belongs to the picture and to the class, a third one
    that is only typical of the class, a third one that is drawn independently of it.

    Args:
        out: The folder; made if it is not there. A dataset made earlier is replaced.
        seed: From which everything follows, at least 0.
        videos_per_class: At least 4; two and two are cut from one recording.
        force: Write also into a folder with other things; they stay, unless a name is the same.
        workers: Processes; 0 for one a processor.
        on_clip: Called with the number of clips that are done and that of all.

    Raises:
        UsageError: A number is out of range.
        DataError: ``out`` holds something else.
        WorkspaceError: ``out`` cannot be written.
    """
    _check_numbers(seed, videos_per_class, workers)
    clips = plan_clips(seed, videos_per_class)
    videos, classes = video_truth(clips), class_truth()
    settings = {"seed": seed, "videos_per_class": videos_per_class}
    with writing_to(out):
        _clear(out, force)
        out.mkdir(parents=True, exist_ok=True)
    files = [*videos["path"], VIDEOS, TRUTH, CLASS_TRUTH, README]
    write_json(out / MARKER, {**settings, "complete": False, "files": files})
    _make_clips(out, clips, workers or usable_cpus(), on_clip)
    data = DemoData(out, videos, classes)
    _write_lists(data, seed)
    write_json(out / MARKER, {**settings, "complete": True, "files": files})
    return data


def _check_numbers(seed: int, videos_per_class: int, workers: int) -> None:
    if seed < 0 or videos_per_class < MIN_CLIPS or workers < 0:
        raise UsageError(
            f"seed {seed}, {videos_per_class} videos a class, {workers} workers make no dataset",
            f"Give a seed from 0, at least {MIN_CLIPS} videos a class, and workers from 0",
        )


def _write_lists(data: DemoData, seed: int) -> None:
    columns = ["path", "class_name", "split", "group"]
    write_text(data.root / VIDEOS, data.videos[columns].to_csv(index=False))
    write_text(data.root / TRUTH, data.videos.to_csv(index=False))
    write_text(data.root / CLASS_TRUTH, data.classes.to_csv(index=False))
    write_text(data.root / README, readme_text(data.classes, data.videos, seed))


def video_truth(clips: Sequence[ClipPlan]) -> pd.DataFrame:
    """Return the truth of each video; a flawed one has no intended audio classes."""
    return pd.DataFrame(
        {
            "path": clip.path,
            "class_name": clip.class_name,
            "split": clip.split,
            "group": clip.group,
            "level": CLASSES[clip.class_name].level,
            "sound": "" if clip.flaw else clip.sound,
            "intended": "" if clip.flaw else ";".join(SOUNDS[clip.sound].tags),
            "flaw": clip.flaw,
        }
        for clip in clips
    )


def class_truth() -> pd.DataFrame:
    """Return the truth of each class: its level, its own sound and how often it is heard."""
    shares = {"highly": "all", "weakly": "two thirds", "not": "none"}
    return pd.DataFrame(
        {
            "class_name": name,
            "level": demo_class.level,
            "sound": demo_class.sound,
            "share": shares[demo_class.level],
            "intended": ";".join(SOUNDS[demo_class.sound].tags) if demo_class.sound else "",
        }
        for name, demo_class in CLASSES.items()
    )


def _make_clips(
    out: Path,
    clips: Sequence[ClipPlan],
    workers: int,
    on_clip: Callable[[int, int], None] | None,
) -> None:
    with GuardedPool(min(workers, len(clips)), _CLIP_LIMIT_S) as pool:
        futures = [pool.submit(make_clip, str(out), clip) for clip in clips]
        for done, (clip, future) in enumerate(zip(clips, futures, strict=True), start=1):
            outcome = future.result()
            if outcome.failure:
                raise CcaError(
                    f"{clip.path} could not be made: {outcome.detail}", "Run `cca-tools doctor`"
                )
            if on_clip is not None:
                on_clip(done, len(clips))


def _clear(out: Path, force: bool) -> None:
    """Remove the files of a dataset made earlier; refuse a folder with anything else."""
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out} is a file", "Give a folder")
    earlier = _earlier_files(out)
    if not earlier and any(out.iterdir()) and not force:
        raise DataError(
            f"{out} is not empty, and is no demo dataset",
            "Give another folder, or --force to write beside what is there",
        )
    for name in earlier:
        (out / name).unlink(missing_ok=True)
        _LOG.info("removed %s", out / name)


def _earlier_files(out: Path) -> list[str]:
    """Return what the marker lists, as far as it lies within ``out``."""
    try:
        listed = json.loads((out / MARKER).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    root = out.resolve()
    return [
        name
        for name in listed
        if isinstance(name, str) and (root / name).resolve().is_relative_to(root)
    ]
