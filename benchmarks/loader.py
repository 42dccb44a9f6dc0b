"""Clips for training: ours from prepared frames beside JPEGs in HDF5 decoded one by one.

``python -m benchmarks.loader CLIPS... [--seconds 20] [--rounds 3]``

CLIPS are folders of videos; their clips are drawn again and again. The other side is the published
loader as a formula: per clip it opens the video's HDF5 file, decodes 16 JPEGs of 240 pixels height
with Pillow, and crops, scales, mirrors, converts and normalises frame by frame with torchvision. A
third one does the same with JPEGs as small as ours, so that the gain by the size shows apart. All
run in one process on one processor, in turns.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import h5py
import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional

from benchmarks.results import replace_section
from cca_tools.datasets.manifest import COLUMNS, write_manifest
from cca_tools.media.frames import FrameSampling
from cca_tools.workspace import Workspace
from ccl.data.batches import TrainBatches
from ccl.data.prepare import PrepareOptions, prepare_frames
from ccl.data.settings import DataSettings
from ccl.data.study import load_study
from ccl.models.registry import student_spec

SPEC = student_spec("r2plus1d-ccl")
BATCH = 16
QUALITY = 90
FRAMES = 120  # of each video, for both sides: some UCF101 clips are as long
SUFFIXES = {".avi", ".mp4", ".mkv", ".webm"}


def write_hdf5(source: Path, target: Path, height: int) -> None:
    """Write a video's first frames as JPEGs of this height into one HDF5 file."""
    encoded = []
    with av.open(str(source)) as container:
        for frame in islice(container.decode(video=0), FRAMES):
            picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
            width = round(picture.width * height / picture.height)
            buffer = io.BytesIO()
            picture.resize((width, height)).save(buffer, "JPEG", quality=QUALITY)
            encoded.append(np.frombuffer(buffer.getvalue(), np.uint8))
    with h5py.File(target, "w") as file:
        data = file.create_dataset("video", (len(encoded),), h5py.vlen_dtype(np.uint8))
        for number, values in enumerate(encoded):
            data[number] = values


def crop_of(width: int, height: int) -> tuple[int, int, int, int]:
    """Return a random crop (top, left, height, width), one for all frames of a clip."""
    for _ in range(10):
        area = random.uniform(0.25, 1.0) * width * height
        ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if w <= width and h <= height:
            return random.randint(0, height - h), random.randint(0, width - w), h, w
    side = min(width, height)
    return (height - side) // 2, (width - side) // 2, side, side


def frame_by_frame(path: Path) -> Tensor:
    """Return a random clip (3, 16, 112, 112) of an HDF5 file, as the published loader does."""
    with h5py.File(path, "r") as file:
        data = file["video"]
        start = random.randint(0, max(0, len(data) - SPEC.num_frames))
        pictures = [
            Image.open(io.BytesIO(data[(start + step) % len(data)])).convert("RGB")
            for step in range(SPEC.num_frames)
        ]
    crop = crop_of(*pictures[0].size)
    is_mirrored = random.random() < 0.5
    frames = []
    for picture in pictures:
        small = functional.resized_crop(picture, *crop, [SPEC.size, SPEC.size])
        if is_mirrored:
            small = functional.hflip(small)
        frames.append(functional.normalize(functional.to_tensor(small), SPEC.mean, SPEC.std))
    return torch.stack(frames).permute(1, 0, 2, 3)


def published_batches(paths: list[Path]) -> Iterator[Tensor]:
    """Yield batches (16, 3, 16, 112, 112) without end."""
    while True:
        chosen = random.choices(paths, k=BATCH)
        yield torch.stack([frame_by_frame(path) for path in chosen])


def our_batches(workspace: Workspace, cache: Literal["disk", "host"]) -> Iterator[Tensor]:
    """Yield batches (16, 3, 16, 112, 112) without end."""
    settings = DataSettings(
        val_fraction=0, on_missing="skip", batch_size=BATCH, workers=1, sampling="shuffled"
    )
    study = load_study(workspace, settings)
    # the few clips stand for a dataset: each comes several times in an epoch
    repeated = np.resize(np.arange(len(study.train)), 20 * BATCH)
    table = replace(
        study.train,
        video_ids=tuple(study.train.video_ids[i] for i in repeated),
        targets=study.train.targets[repeated],
        groups=tuple(study.train.groups[i] for i in repeated),
        store_index=study.train.store_index[repeated],
        class_names=tuple(study.train.class_names[i] for i in repeated),
        rows=study.train.rows[repeated],
    )
    batches = TrainBatches(replace(study, train=table), SPEC, replace(settings, cache=cache))
    epoch = 0
    while True:
        for batch in batches.epoch(epoch):
            yield batch.clips
        epoch += 1


@dataclass(frozen=True)
class Speed:
    """Clips a second by the clock, and by the processor's time."""

    by_clock: float
    by_processor: float


def measure(batches: Iterator[Tensor], seconds: float) -> Speed:
    """Return the speed over about so many seconds of the processor."""
    for _ in range(2):
        next(batches)
    clock, processor = time.perf_counter(), time.process_time()
    clips = 0
    while time.process_time() - processor < seconds:
        clips += len(next(batches))
    return Speed(clips / (time.perf_counter() - clock), clips / (time.process_time() - processor))


def make_inputs(clips: list[Path], folder: Path) -> tuple[Workspace, dict[int, list[Path]]]:
    """Prepare the videos in both forms."""
    found = (path for folder in clips for path in folder.rglob("*"))
    videos = sorted(path for path in found if path.suffix.lower() in SUFFIXES)
    files: dict[int, list[Path]] = {240: [], 128: []}
    for number, path in enumerate(videos):
        for height, made in files.items():
            made.append(folder / f"{number}-{height}.h5")
            write_hdf5(path, made[-1], height)
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"video_id": str(number), "path": path.name, "root": str(path.parent)}
        | {"class_name": f"c{number % 2}", "split": "train", "bytes": 0}
        | dict.fromkeys(("start_s", "end_s", "duration_s"), np.nan)
        | {"has_audio": True, "has_video": True}
        for number, path in enumerate(videos)
    ]
    workspace = Workspace(folder / "study")
    write_manifest(pd.DataFrame(rows), workspace.manifest)
    manifest = pd.read_parquet(workspace.manifest)
    sampling = FrameSampling(quality=QUALITY, max_frames=FRAMES)
    prepare_frames(manifest, workspace, sampling, PrepareOptions(workers=1, progress=False))
    return workspace, files


def report(speeds: dict[str, list[Speed]], num_videos: int) -> str:
    """Return the table: medians over rounds, and the medians of the ratios within rounds."""
    lines = [
        f"Clips of 16 x 112 x 112 out of {num_videos} real videos, one process on one processor, "
        f"batches of {BATCH}, {len(next(iter(speeds.values())))} rounds in turns; median clips/s "
        "(by the processor's time, which other work on the machine does not change; and by the "
        "clock), and how many times the published form.",
        "",
        "| loader | clips/s | by the clock | ratio | lowest of the rounds |",
        "|---|---|---|---|---|",
    ]
    base = next(iter(speeds.values()))
    for name, found in speeds.items():
        ratios = [
            one.by_processor / other.by_processor for one, other in zip(found, base, strict=True)
        ]
        processor = statistics.median(one.by_processor for one in found)
        clock = statistics.median(one.by_clock for one in found)
        lines.append(
            f"| {name} | {processor:.1f} | {clock:.1f} | {statistics.median(ratios):.1f} "
            f"| {min(ratios):.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure both sides in turns and write the section of the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        workspace, files = make_inputs(options.clips, Path(name))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        sides: dict[str, Callable[[], Iterator[Tensor]]] = {
            "HDF5 of JPEGs 240 high, Pillow, frame by frame (published)": partial(
                published_batches, files[240]
            ),
            "the same with JPEGs 128 high": partial(published_batches, files[128]),
            "prepared frames, decoded when needed (`--cache disk`)": partial(
                our_batches, workspace, "disk"
            ),
            "prepared frames, kept decoded (`--cache host`)": partial(
                our_batches, workspace, "host"
            ),
        }
        running = {title: start() for title, start in sides.items()}
        speeds: dict[str, list[Speed]] = {title: [] for title in sides}
        for _ in range(options.rounds):
            for title, batches in running.items():
                speeds[title].append(measure(batches, options.seconds))
        text = report(speeds, len(files[240]))
    print(text)
    replace_section("Loading clips for training", text)


if __name__ == "__main__":
    main()
