"""Retrieval of many queries from a large gallery, beside the matrix of all similarities.

    python -m benchmarks.retrieval [--queries 15000] [--items 160000] [--width 512] [--rounds 3]

Both sides get the same embeddings and classes and give recall at 1, 5, 10 and 20:

- The matrix form divides rows by their length, multiplies both sides into one (Q, G) matrix S, and
  takes the 20 largest of each row by ``numpy.argpartition``, then their order.
- Ours holds 4 Mi similarities at once and sorts none: it counts the items before each query's best
  relevant one, and those equal to it.

They are compared at a fifth of both sizes, where the matrix fits, in turn, each in a process of its
own; then ours runs alone at full size. Seconds are those of the processor, because the machine is
shared; memory is the largest resident size, the inputs and the imported libraries with it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import replace_section

CLASSES = 309
KS = (1, 5, 10, 20)
SHARE = 5
SIDES = ("matrix", "ours")
Side = tuple[NDArray[np.float32], NDArray[np.int64]]


class Result(NamedTuple):
    """What one run of a side took, and the recall it gave."""

    cpu_s: float
    wall_s: float
    before_mib: float
    peak_mib: float
    recall: list[float]


def embeddings(count: int, width: int, seed: int) -> Side:
    """Return unit-free embeddings round the centres of their classes, and the classes."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(CLASSES, size=count)
    centres = np.random.default_rng(99).standard_normal((CLASSES, width), np.float32)
    values = rng.standard_normal((count, width), np.float32)
    for start in range(0, count, 8192):
        part = slice(start, start + 8192)
        values[part] += 0.15 * centres[targets[part]]
    return values, targets


def by_matrix(queries: Side, gallery: Side) -> list[float]:
    """Return recall at each k from the matrix of all similarities."""
    (query, query_class), (item, item_class) = queries, gallery
    query = query / np.linalg.norm(query, axis=1, keepdims=True)
    item = item / np.linalg.norm(item, axis=1, keepdims=True)
    scores = query @ item.T  # (Q, G)
    best = np.argpartition(-scores, max(KS), axis=1)[:, : max(KS)]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
    found = item_class[np.take_along_axis(best, order, axis=1)] == query_class[:, None]
    return [float(found[:, :k].any(axis=1).mean()) for k in KS]


def ours(queries: Side, gallery: Side) -> list[float]:
    """Return recall at each k as the library computes it."""
    from ccl.evaluation.retrieval import Items, recall_at

    found = recall_at(Items(*queries), Items(*gallery), KS)
    return [found.all_items.at(k) for k in KS]


def peak_mib() -> float:
    """Return the largest memory that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(side: str, num_queries: int, num_items: int, width: int) -> Result:
    """Run one side once, after a small run that is not counted."""
    form = by_matrix if side == "matrix" else ours
    form(embeddings(50, width, 2), embeddings(500, width, 3))
    queries, gallery = embeddings(num_queries, width, 0), embeddings(num_items, width, 1)
    before, wall, cpu = peak_mib(), time.perf_counter(), time.process_time()
    recall = form(queries, gallery)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    return Result(cpu_s, wall_s, before, peak_mib(), recall)


def run(side: str, sizes: tuple[int, int, int]) -> Result:
    """Run one side in a process of its own."""
    given = zip(("--queries", "--items", "--width"), map(str, sizes), strict=True)
    arguments = ["--side", side, *(text for pair in given for text in pair)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.retrieval", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    result = Result(**json.loads(done.stdout))
    print(side, sizes, result, flush=True)
    return result


def row(name: str, sizes: tuple[int, int, int], results: list[Result], ratio: str) -> str:
    """Return a row of the table."""
    cpu_s, wall_s, before, peak = (
        statistics.median(getattr(result, name) for result in results)
        for name in ("cpu_s", "wall_s", "before_mib", "peak_mib")
    )
    queries, items, width = sizes
    return (
        f"| {name} | {queries:,} x {items:,} x {width} | {cpu_s:.1f} | {wall_s:.1f} | {ratio} "
        f"| {peak:,.0f} | {peak - before:,.0f} "
        f"| {', '.join(f'{100 * one:.2f}' for one in results[0].recall)} |"
    )


def main() -> None:
    """Measure, print the table, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=15_000)
    parser.add_argument("--items", type=int, default=160_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help="run this side alone, print JSON")
    parser.add_argument("--dry", action="store_true", help="print, but do not write RESULTS.md")
    options = parser.parse_args()
    full = options.queries, options.items, options.width
    if options.side:
        print(json.dumps(measure(options.side, *full)._asdict()))
        return
    part = full[0] // SHARE, full[1] // SHARE, full[2]
    rounds = [{side: run(side, part) for side in SIDES} for _ in range(options.rounds)]
    ratios = [x["matrix"].cpu_s / x["ours"].cpu_s for x in rounds]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    middle = statistics.median(ratios)
    body = "\n".join(
        [
            f"Recall at {', '.join(map(str, KS))} of {CLASSES} classes by cosine, float32, on the "
            f"CPU; medians of {len(rounds)} rounds in which the sides take turns, then ours alone "
            f"once. The matrix of all similarities at full size would take "
            f"{full[0] * full[1] * 4 / 2**20:,.0f} MiB.",
            "",
            "| side | queries x items x width | processor, s | wall, s "
            "| times as fast (each round) | peak, MiB | of it beyond inputs and libraries, MiB "
            "| recall, % |",
            "|---|---|---|---|---|---|---|---|",
            row("matrix", part, [x["matrix"] for x in rounds], "1"),
            row("ours", part, [x["ours"] for x in rounds], f"{middle:.2f} ({each})"),
            row("ours", full, [run("ours", full)], ""),
        ]
    )
    print(body)
    if not options.dry:
        replace_section("Retrieval", body)


if __name__ == "__main__":
    main()
