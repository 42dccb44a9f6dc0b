"""Speed and memory of ``cca-tools associate`` beside the plain pandas way.

    python -m benchmarks.associations

Generates a dataset in a temporary folder, runs both sides in processes of their own, and writes
the section Associations of RESULTS.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.results import replace_section
from cca_tools.taggers.labels import audioset_labels

CLASSES, TOP_K = 309, 10
SMALL_SHARD, LARGE_SHARD = 512, 100_000
FINGERPRINT = "a" * 64
PANDAS = """
import sys
from pathlib import Path
import pandas as pd
root = Path(sys.argv[1])
manifest = pd.read_parquet(root / "manifest.parquet", columns=["video_id", "class_name"])
tags = pd.concat(
    pd.read_parquet(path, columns=["video_id", "status", "mids", "scores"])
    for path in sorted((root / "tags").glob("*.parquet"))
)
frame = tags[tags["status"].isin(["ok", "partial"])].merge(manifest, on="video_id")
support = frame["class_name"].value_counts()
frame = frame.explode(["mids", "scores"])
table = frame.groupby(["class_name", "mids"])["scores"].agg(["size", "mean"]).reset_index()
table["share"] = table["size"] / table["class_name"].map(support)
base = table.groupby("mids")["size"].sum() / support.sum()
table["lift"] = table["share"] / table["mids"].map(base)
table = table.sort_values(["class_name", "size", "mean"], ascending=[True, False, False])
table.to_parquet(root / "pandas.parquet")
"""


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Args:
        seconds: From start to end.
        peak_gb: Peak of the memory held by it and its children together.
    """

    seconds: float
    peak_gb: float


def measure(command: Sequence[str]) -> Cost:
    """Run a command in a process of its own and measure it."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watched, peak = psutil.Process(process.pid), [0]
    watcher = threading.Thread(target=_watch, args=(watched, peak), daemon=True)
    watcher.start()
    code = process.wait()
    seconds = time.monotonic() - started
    watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with code {code}")
    return Cost(seconds, peak[0] / 1e9)


def _watch(process: psutil.Process, peak: list[int]) -> None:
    try:
        while True:
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(member.memory_info().rss for member in family))
            time.sleep(0.02)
    except psutil.Error:
        return


def generate(root: Path, videos: int, videos_a_group: int, seed: int = 0) -> None:
    """Write a manifest and tag shards of many videos.

    Audio classes are as unequal as in AudioSet (rank to the power -1); each video class has some
    ten of its own; groups of one class share two more. Most shards are small, as a tagger that
    saves every few seconds leaves them.
    """
    rng = np.random.default_rng(seed)
    labels = audioset_labels()
    weights = np.tile(-np.log(np.arange(1, len(labels) + 1)), (CLASSES, 1)).astype(np.float32)
    weights[rng.random(weights.shape) < 10 / len(labels)] += 5
    class_id = rng.integers(0, CLASSES, videos)
    group = rng.integers(0, max(1, videos // videos_a_group // CLASSES), videos)
    ids = [f"class {owner:03d}/video_{number:07d}" for number, owner in enumerate(class_id)]
    _write_manifest(root, ids, class_id, group if videos_a_group > 1 else None)
    (root / "tags").mkdir()
    mids = pa.array(labels.mids)
    for number, rows in enumerate(_shards(videos), start=1):
        chances = weights[class_id[rows]]
        own = (class_id[rows] * 7919 + group[rows] * 104_729) % (len(labels) - 1)
        for step in range(2 if videos_a_group > 1 else 0):
            chances[np.arange(len(chances)), own + step] += 4
        codes, scores = _top(chances, rng)
        name = f"efficientat-mn04-{FINGERPRINT[:12]}-{number:06d}.parquet"
        table = _shard(ids[rows.start : rows.stop], mids.take(codes), scores, rng)
        pq.write_table(table, root / "tags" / name, compression="zstd")


def _shards(videos: int) -> Iterator[slice]:
    start = 0
    small = videos // 4  # a quarter of the videos lie in small shards
    while start < videos:
        stop = min(start + (SMALL_SHARD if start < small else LARGE_SHARD), videos)
        yield slice(start, stop)
        start = stop


def _top(chances: np.ndarray, rng: np.random.Generator) -> tuple[pa.Array, np.ndarray]:
    """Draw ten different audio classes a video, in falling order of score (Gumbel's trick)."""
    codes, scores = [], []
    for part in np.array_split(chances, max(1, len(chances) // 10_000)):
        noise = rng.random(part.shape, dtype=np.float32) + np.float32(1e-12)
        keys = part - np.log(-np.log(noise) + np.float32(1e-12))
        top = np.argpartition(-keys, TOP_K, axis=1)[:, :TOP_K]
        values = np.take_along_axis(keys, top, axis=1)
        order = np.argsort(-values, axis=1)
        codes.append(np.take_along_axis(top, order, axis=1))
        scores.append(1 / (1 + np.exp(3 - np.take_along_axis(values, order, axis=1) / 2)))
    return pa.array(np.concatenate(codes).ravel()), np.concatenate(scores).ravel()


def _shard(
    ids: list[str], mids: pa.Array, scores: np.ndarray, rng: np.random.Generator
) -> pa.Table:
    number = len(ids)
    statuses = rng.choice(
        ["ok", "partial", "silent", "decode_error"], number, p=[0.96, 0.01, 0.02, 0.01]
    )
    lengths = np.where(np.isin(statuses, ["ok", "partial"]), TOP_K, 0)
    counted = np.repeat(lengths > 0, TOP_K)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.table(
        {
            "video_id": ids,
            "tagger": ["efficientat-mn04"] * number,
            "fingerprint": [FINGERPRINT] * number,
            "status": statuses,
            "detail": [""] * number,
            "seconds": np.full(number, 10.0),
            "rms_dbfs": np.full(number, -20, np.float32),
            "peak_dbfs": np.full(number, -3, np.float32),
            "mids": pa.ListArray.from_arrays(offsets, mids.filter(pa.array(counted))),
            "scores": pa.ListArray.from_arrays(offsets, pa.array(scores[counted], pa.float32())),
        }
    )


def _write_manifest(
    root: Path, ids: list[str], class_id: np.ndarray, group: np.ndarray | None
) -> None:
    number = len(ids)
    groups = [""] * number if group is None else [f"g{value:05d}" for value in group]
    table = pa.table(
        {
            "video_id": ids,
            "path": [f"{video}.mp4" for video in ids],
            "class_name": [f"class {owner:03d}" for owner in class_id],
            "split": [""] * number,
            "group": groups,
            "start_s": np.zeros(number),
            "end_s": np.full(number, 10.0),
            "duration_s": np.full(number, 10.0),
            "has_audio": np.ones(number, bool),
            "has_video": np.ones(number, bool),
            "bytes": np.full(number, 1_000_000),
            "root": ["/data/videos"] * number,
        }
    )
    pq.write_table(table, root / "manifest.parquet")


def compare(root: Path, runs: int, permutations: bool) -> Iterator[tuple[str, list[Cost]]]:
    """Measure the sides in turn, ``runs`` times, and give the costs of each."""
    tool = [str(Path(sys.executable).with_name("cca-tools")), "associate", "-w", str(root)]
    sides = {
        "plain pandas: explode and group, counts, shares and lift only": [
            *(sys.executable, "-c", PANDAS, str(root))
        ],
        "`associate --permutations 0`: all else as by default": [*tool, "--permutations", "0"],
        "the same with `--no-figures --bootstrap 0`": [
            *(*tool, "--permutations", "0", "--no-figures", "--bootstrap", "0")
        ],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, command in sides.items():
            costs[name].append(measure(command))
    yield from costs.items()
    if permutations:
        yield "`associate` by default, with the permutation test", [measure(tool)]


def report(title: str, costs: Sequence[tuple[str, list[Cost]]]) -> str:
    """Return a Markdown table of medians; ratios are to the first side, run by run."""
    lines = [
        title,
        "",
        "| side | seconds (each run) | times faster than pandas (each run) | peak memory, GB |",
        "|---|---|---|---|",
    ]
    first = costs[0][1]
    for name, mine in costs:
        seconds = [cost.seconds for cost in mine]
        ratios = [other.seconds / cost.seconds for other, cost in zip(first, mine, strict=False)]
        lines.append(
            f"| {name} | {np.median(seconds):.1f} ({_each(seconds)}) "
            f"| {np.median(ratios):.2f} ({_each(ratios)}) "
            f"| {max(cost.peak_gb for cost in mine):.2f} |"
        )
    return "\n".join(lines)


def _each(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def main() -> None:
    """Generate, measure and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--permutations", action="store_true", help="Measure that test too.")
    parser.add_argument("--folder", type=Path, help="Keep the datasets here, and use them again.")
    given = parser.parse_args()
    parts = [
        f"{given.videos:,} videos x {TOP_K} tags, {CLASSES} classes; every side in a fresh "
        "process, its start and imports included; medians."
    ]
    with tempfile.TemporaryDirectory() as temporary:
        for videos_a_group in (10, 1):
            root = (given.folder or Path(temporary)) / f"groups-of-{videos_a_group}"
            if not (root / "manifest.parquet").exists():
                root.mkdir(parents=True)
                generate(root, given.videos, videos_a_group)
            groups = given.videos // videos_a_group
            costs = list(compare(root, given.runs, given.permutations and videos_a_group > 1))
            text = report(f"In {groups:,} groups:", costs)
            print(text, flush=True)
            parts.append(text)
    replace_section("Associations", "\n\n".join(parts))


if __name__ == "__main__":
    main()
