"""A training step of CCL beside the same step in the form of the released code.

    python -m benchmarks.train_step [--distill audio] [--rounds 3] [--steps 20]

On a GPU: `r2plus1d-ccl`, clips of 16 x 112 x 112 that lie on the device, batches of 16 and 128.
Elsewhere a small form with `tiny` and batches of 8, which only shows that it runs.

- The released form: float32 without TF32, `DataParallel` on the one device, the NCE by a
  (B, B, D) tensor of differences, and one backward pass a composition, each through the whole
  student, whose gradients are then cleared, plus one for the student's own loss.
- Ours: `Job.step`, one backward pass, in float32, TF32 and bfloat16, with channels last, compiled
  or not; `ccl-released` too, which computes the released objective that way.

A step is forward, loss, backward, clipping and update; batches are given, no loader runs. Each
side runs in a process of its own, the sides in turn. Model FLOP are three times those of the
forward pass, a multiply-add being two; the teacher's are not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.losses import pairwise_nce
from benchmarks.results import replace_section
from ccl.data.batches import Batch
from ccl.data.frame_store import ArrayStore
from ccl.data.tables import Study, TeacherTable, VideoTable
from ccl.models.composition import Composition
from ccl.models.registry import build_student, student_spec
from ccl.training.configure import configure
from ccl.training.job import Job, build_job, products
from ccl.training.ranks import Ranks
from ccl.training.totals import Totals

CLASSES, TEACHER_WIDTH, WARM_UP = 51, 512, 5
RELEASED = "released form"


@dataclass(frozen=True)
class Side:
    """One way to take the step.

    Args:
        method: ``ccl`` or ``ccl-released``; the released form computes the latter.
        settings: Of the run, by dotted name.
    """

    method: str
    settings: dict[str, object]


SIDES = {
    RELEASED: Side("ccl-released", {}),
    "ccl-released, fp32": Side("ccl-released", {}),
    "ccl, fp32": Side("ccl", {}),
    "ccl, tf32": Side("ccl", {"run.precision": "tf32"}),
    "ccl, bf16": Side("ccl", {"run.precision": "bf16"}),
    "ccl, bf16, channels last": Side("ccl", {"run.precision": "bf16", "run.channels_last": True}),
    "ccl, bf16, compiled": Side("ccl", {"run.precision": "bf16", "run.compile": True}),
    "ccl, bf16, channels last, compiled": Side(
        "ccl", {"run.precision": "bf16", "run.channels_last": True, "run.compile": True}
    ),
}
ON_A_CPU = (RELEASED, "ccl-released, fp32", "ccl, fp32")


def empty_study(modalities: tuple[str, ...], rows: int) -> Study:
    """Return a study that gives a method its measures; its frames are never read."""
    targets = np.arange(rows, dtype=np.int64) % CLASSES
    names = tuple(map(str, range(rows)))
    table = VideoTable(names, targets, names, np.zeros(rows, np.int64), names, np.arange(rows))
    teacher = TeacherTable(
        "noise", np.zeros((rows, TEACHER_WIDTH), np.float32), np.ones(rows, bool)
    )
    store = ArrayStore({"0": np.zeros((1, 16, 16, 3), np.uint8)})
    classes = tuple(map(str, range(CLASSES)))
    return Study(classes, table, table, table, store, dict.fromkeys(modalities, teacher))


def make_batch(rows: int, student: str, modalities: tuple[str, ...], device: torch.device) -> Batch:
    """Return random clips and teacher embeddings on the device."""
    spec, generator = student_spec(student), Generator().manual_seed(0)
    shape = (rows, 3, spec.num_frames, spec.size, spec.size)
    index = torch.arange(rows, device=device)
    clips = torch.randn(shape, generator=generator).to(device)
    vectors = torch.randn(rows, TEACHER_WIDTH, generator=generator).to(device)
    present = torch.ones(rows, dtype=torch.bool, device=device)
    return Batch(
        clips,
        torch.arange(rows, device=device) // 2 % CLASSES,
        index,
        dict.fromkeys(modalities, vectors),
        dict.fromkeys(modalities, present),
        None,
        rows,
    )


def our_step(side: Side, batch: Batch, student: str, device: torch.device) -> Callable[[], None]:
    """Return the step of the trainer."""
    modalities = tuple(batch.teachers)
    values = {
        "method.name": side.method,
        "data.distill": modalities,
        "data.batch_size": batch.global_size,
        "data.cache": "disk",
        "student.name": student,
        **side.settings,
    }
    config = configure(preset_name="ucf51-released", values=values)
    study = empty_study(modalities, max(batch.global_size, CLASSES))
    job: Job = build_job(config, study, Ranks(device=device), None)
    generator, totals = Generator(device), Totals()
    return lambda: job.step(batch, generator, totals)


def released_step(batch: Batch, student: str, device: torch.device) -> Callable[[], None]:
    """Return the step in the released form: a backward pass for each objective."""
    network = build_student(student, CLASSES, seed=0)
    width = network.width
    model: nn.Module = network.to(device)
    if device.type == "cuda":
        model = nn.DataParallel(network, device_ids=[0])
    compositions = [
        Composition(width, CLASSES, teacher_width=TEACHER_WIDTH).to(device) for _ in batch.teachers
    ]
    descend = partial(torch.optim.SGD, lr=1e-3, momentum=0.9, weight_decay=5e-4)
    optimiser, others = descend(model.parameters()), [descend(c.parameters()) for c in compositions]
    weight = 0.5 if len(compositions) > 1 else 1.0

    def step() -> None:
        video, targets = model(batch.clips), batch.targets
        total, own = cross_entropy(video.logits, targets), []
        for composition, teacher in zip(compositions, batch.teachers.values(), strict=True):
            said = composition(teacher, video.embedding)
            with_video = both_ways(video.embedding, said.embedding, targets)
            with_teacher = both_ways(video.embedding, said.teacher, targets)
            divergence = symmetric_kl(video.logits, said.logits) / 2
            total = total + weight * (with_video + with_teacher + divergence)
            classified = cross_entropy(said.logits, targets)
            drawn = both_ways(said.embedding, said.teacher, targets)
            own.append(classified + with_video + drawn + divergence)
        for loss, other in zip(own, others, strict=True):
            other.zero_grad()
            torch.autograd.backward(loss, retain_graph=True)
        optimiser.zero_grad()
        torch.autograd.backward(total)
        for each in (*others, optimiser):
            each.step()

    return step


def both_ways(a: Tensor, b: Tensor, targets: Tensor) -> Tensor:
    """Return NCE(a, b) + NCE(b, a) by the (B, B, D) tensor of differences."""
    return pairwise_nce(a, b, targets) + pairwise_nce(b, a, targets)


def symmetric_kl(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """Return the mean over rows of KL(p || q) + KL(q || p)."""
    p, q = p_logits.softmax(dim=1), q_logits.softmax(dim=1)
    return ((p - q) * ((p + 1e-10).log() - (q + 1e-10).log())).sum(dim=1).mean()


def measure(name: str, rows: int, modalities: tuple[str, ...], steps: int) -> dict[str, float]:
    """Take steps of one side after some that are not counted."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = "r2plus1d-ccl" if device.type == "cuda" else "tiny"
    batch, side = make_batch(rows, student, modalities, device), SIDES[name]
    precision = side.settings.get("run.precision", "fp32")
    with products("fp32" if precision == "fp32" else "tf32"):
        if name == RELEASED:
            step = released_step(batch, student, device)
        else:
            step = our_step(side, batch, student, device)
        seconds = []
        for _ in range(WARM_UP + steps):
            started = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
    middle = statistics.median(seconds[WARM_UP:])
    clips = rows / middle
    gib = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    tflop = 3 * student_spec(student).gflop * clips / 1000
    return {"ms": 1e3 * middle, "clips_per_s": clips, "tflop_per_s": tflop, "gib": gib}


def run(name: str, rows: int, options: argparse.Namespace) -> dict[str, float] | None:
    """Run one side in a process of its own; None where it does not fit."""
    arguments = ["--side", name, "--rows", str(rows), "--distill", options.distill]
    arguments += ["--steps", str(options.steps)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.train_step", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        if "out of memory" in done.stderr:
            print(name, rows, "out of memory", flush=True)
            return None
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(name, rows, f"{result['clips_per_s']:.0f} clips/s", flush=True)
    return result


Results = dict[tuple[str, int], list[dict[str, float]]]


def table(results: Results, options: argparse.Namespace) -> str:
    """Return the Markdown of all rounds."""
    gpu = torch.cuda.is_available()
    where = torch.cuda.get_device_name() if gpu else "CPU, small form: the ratios mean little"
    what = "r2plus1d-ccl, 16 x 112 x 112" if gpu else "tiny, 8 x 64 x 64"
    lines = [
        f"{where}, PyTorch {torch.__version__}. CCL ({options.distill}), {what}; median of "
        f"{options.steps} steps after {WARM_UP}, and of {options.rounds} rounds in which the sides "
        "take turns, each in a process of its own. Clips lie on the device; no loader runs.",
        "",
        "| side | batch | ms a step | clips/s | times as fast as the released form | "
        "model TFLOP/s | peak GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, rows), found in results.items():
        if not found:
            lines.append(f"| {name} | {rows} | out of memory | | | | |")
            continue
        middle = {key: statistics.median(r[key] for r in found) for key in found[0]}
        base = results.get((RELEASED, rows)) or []
        slow = statistics.median(r["ms"] for r in base) if base else float("nan")
        lines.append(
            f"| {name} | {rows} | {middle['ms']:.1f} | {middle['clips_per_s']:,.0f} "
            f"| {slow / middle['ms']:.2f} | {middle['tflop_per_s']:.2f} | {middle['gib']:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure all sides, print the table; on a GPU write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--distill", default="audio", help="audio, or audio,image")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--side", choices=list(SIDES), help="run this side alone, print JSON")
    parser.add_argument("--rows", type=int, help="clips a step, for --side")
    options = parser.parse_args()
    modalities = tuple(options.distill.split(","))
    gpu = torch.cuda.is_available()
    if options.side:
        print(json.dumps(measure(options.side, options.rows, modalities, options.steps)))
        return
    sides, sizes = (tuple(SIDES), (16, 128)) if gpu else (ON_A_CPU, (8,))
    results: Results = {(name, rows): [] for rows in sizes for name in sides}
    for _ in range(options.rounds):
        for (name, rows), found in results.items():
            result = run(name, rows, options)
            if result is not None:
                found.append(result)
    body = table(results, options)
    print(body)
    if gpu:
        replace_section(f"Training step ({options.distill})", body)


if __name__ == "__main__":
    main()
