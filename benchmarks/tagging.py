"""Audio tagging end to end: ours beside the loop that every user writes.

``python -m benchmarks.tagging RECORDINGS [--weights FOLDER] [--files 80] [--repeats 3]``

RECORDINGS is a folder of sound or video files. The PANNs comparison uses one random checkpoint
for both sides (speed does not depend on the values), and interleaves the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import replace_section

SUFFIXES = {".wav", ".ogg", ".mp3", ".flac", ".mp4", ".mkv", ".webm", ".avi", ".m4a"}

LOOP = """
import json, sys, time
import librosa, numpy as np
from cca_tools.taggers.panns_models import import_published_models
import_published_models()
from panns_inference import AudioTagging
checkpoint, paths = sys.argv[1], json.load(sys.stdin)
tagger = AudioTagging(checkpoint_path=checkpoint, device="cpu")
started = time.perf_counter()
scores, heard_s = [], 0.0
for path in paths:
    audio, _ = librosa.load(path, sr=32000, mono=True)
    heard_s += len(audio) / 32000
    clipwise, _ = tagger.inference(audio[None, :])
    scores.append(clipwise[0])
seconds = time.perf_counter() - started
tops = [np.argsort(-s, kind="stable")[:10].tolist() for s in scores]
print("RESULT" + json.dumps({"seconds": seconds, "heard_s": heard_s, "tops": tops}))
"""

OURS = """
import json, logging, sys, tempfile, time
from pathlib import Path
from cca_tools.tagging.run import TagOptions, prepare, tag_manifest
from cca_tools.tagging.settings import TagSettings
from cca_tools.tagging.sources import as_manifest
from cca_tools.tagging.store import read_tags
from cca_tools.workspace import Workspace
options, paths = json.loads(sys.argv[1]), json.load(sys.stdin)
if options.get("weights"):
    options["weights"] = Path(options["weights"])
with tempfile.TemporaryDirectory() as folder:
    place = Workspace(Path(folder))
    manifest = as_manifest(paths, place)
    prepared = prepare(TagSettings(**options))
    started = time.perf_counter()
    with place.lock("benchmark"):
        summary = tag_manifest(manifest, place, prepared, TagOptions(progress=False))
    seconds = time.perf_counter() - started
    tags = read_tags(place.tags, summary.run.name).set_index("video_id")
    labels = prepared[0].labels
    tops = [[labels.index(m) for m in tags.loc[v, "mids"]] for v in manifest["video_id"]]
heard_s = summary.heard_s
print("RESULT" + json.dumps({"seconds": seconds, "heard_s": heard_s, "tops": tops}))
"""


@dataclass(frozen=True)
class Result:
    """What one side did: its seconds, the seconds of sound, the best classes of each recording."""

    seconds: float
    heard_s: float
    tops: list[list[int]]


def run(program: str, argument: str, paths: Sequence[str]) -> Result:
    """Run one side in a process of its own; loading of packages and weights is not timed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, argument],
        input=json.dumps(list(paths)),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise SystemExit(f"a side failed:\n{done.stderr[-3000:]}")
    return Result(**json.loads(lines[0].removeprefix("RESULT")))


def random_checkpoint(path: Path) -> None:
    """Write a Cnn14 checkpoint of the published form with seeded random weights."""
    from cca_tools.taggers.panns_models import import_published_models

    torch.manual_seed(0)
    network = import_published_models().Cnn14(
        sample_rate=32000, window_size=1024, hop_size=320, mel_bins=64,
        fmin=50, fmax=14000, classes_num=527,
    )  # fmt: skip
    for name, values in network.named_buffers():
        if name.endswith("running_mean"):
            values.copy_(0.1 * torch.randn_like(values))
        if name.endswith("running_var"):
            values.copy_(0.5 + torch.rand_like(values))
    torch.save({"model": network.state_dict()}, path)


def overlap(ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]]) -> float:
    """Return the share of top-10 entries that are the same, over all recordings."""
    same = sum(len(set(a) & set(b)) for a, b in zip(ours, theirs, strict=True))
    return same / sum(map(len, theirs))


def fastest(flop: float, work: Callable[[], object]) -> float:
    """Return the highest speed of ``work`` in ten calls, in GFLOP/s."""
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return flop / min(seconds) / 1e9


@torch.inference_mode()
def limits() -> str:
    """Return what this machine reaches in a large matrix product and in a layer of Cnn14."""
    parts = []
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
        product = fastest(2 * 2048**3, partial(torch.mm, a, b))
        x = torch.randn(1, 256, 250, 16).to(dtype).contiguous(memory_format=torch.channels_last)
        w = torch.randn(256, 256, 3, 3).to(dtype).contiguous(memory_format=torch.channels_last)
        layer = fastest(
            2 * 250 * 16 * w.numel(), partial(torch.nn.functional.conv2d, x, w, padding=1)
        )
        parts.append(f"{name} {product:.0f} and {layer:.0f}")
    return f"GFLOP/s in a matrix product and in a layer of Cnn14: {', '.join(parts)}"


def compare_cnn14(paths: Sequence[str], repeats: int) -> str:
    """Run loop, fp32 and bf16 in turn, and return the table."""
    before = limits()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "Cnn14_random.pth"
        random_checkpoint(checkpoint)
        common = {"tagger": "panns-cnn14", "weights": str(checkpoint)}
        sides = {
            "loop": (LOOP, str(checkpoint)),
            "fp32": (OURS, json.dumps(common)),
            "bf16": (OURS, json.dumps({**common, "precision": "bf16"})),
        }
        runs: dict[str, list[Result]] = {name: [] for name in sides}
        for _ in range(repeats):
            for name, (program, argument) in sides.items():
                runs[name].append(run(program, argument, paths))
                print(name, f"{runs[name][-1].seconds:.2f} s", flush=True)
    heard_s = runs["loop"][0].heard_s
    lines = [
        f"`panns-cnn14` on {len(paths)} recordings ({heard_s:.0f} s of sound), median of {repeats} "
        f"interleaved runs. Before them, this machine reached {before}.",
        "",
        "| side | seconds | x real time | times the loop (each run) | GFLOP/s | same top 10 |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in (
        ("loop", "`librosa.load` + `AudioTagging.inference`, one file at a time"),
        ("fp32", "`cca-tools tag-audio --tagger panns-cnn14`"),
        ("bf16", "the same with `--precision bf16`"),
    ):
        seconds = [result.seconds for result in runs[name]]
        ratios = [a.seconds / b.seconds for a, b in zip(runs["loop"], runs[name], strict=True)]
        median = statistics.median(seconds)
        tops, reference = runs[name][0].tops, runs["loop"][0].tops
        lines.append(
            f"| {title} | {median:.2f} | {heard_s / median:.1f} | "
            f"{statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)}) | "
            f"{42.25 * heard_s / 10 / median:.0f} | {100 * overlap(tops, reference):.2f} % |"
        )
    return "\n".join(lines)


def real_time(paths: Sequence[str], weights: Path | None, repeats: int) -> str:
    """Return the table of the small taggers: end to end, decoding included."""
    lines = [
        f"End to end with decoding, {len(paths)} recordings, median of {repeats} runs.",
        "",
        "| tagger | seconds of sound | seconds | x real time (each run) |",
        "|---|---|---|---|",
    ]
    for tagger in ("yamnet", "efficientat-mn04"):
        options: dict[str, object] = {"tagger": tagger}
        if tagger != "yamnet":
            if weights is None:
                continue
            options["weights"] = str(weights)
        results = [run(OURS, json.dumps(options), paths) for _ in range(repeats)]
        rates = [result.heard_s / result.seconds for result in results]
        seconds = statistics.median(result.seconds for result in results)
        heard_s = results[0].heard_s
        each = ", ".join(f"{rate:.0f}" for rate in rates)
        lines.append(
            f"| `{tagger}` | {heard_s:.0f} | {seconds:.2f} | "
            f"{statistics.median(rates):.0f} ({each}) |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines)


def recordings(folder: Path) -> list[str]:
    """Return all sound and video files below ``folder``, in an order that mixes its folders."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    order = np.random.default_rng(0).permutation(len(found))
    return [str(found[position].resolve()) for position in order]


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--weights", type=Path, help="mn04_as_mAP_432.pt, for efficientat-mn04")
    parser.add_argument("--files", type=int, default=80, help="recordings for panns-cnn14")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["panns", "small"])
    options = parser.parse_args()
    paths = recordings(options.recordings)
    parts = []
    if options.only != "small":
        parts.append(compare_cnn14(paths[: options.files], options.repeats))
    if options.only != "panns":
        parts.append(real_time(paths, options.weights, options.repeats))
    body = "\n\n".join(parts)
    print(body)
    if options.only is None:
        replace_section("Tagging", body)


if __name__ == "__main__":
    main()
