"""The multi-class NCE beside the form that the released code computes it in.

    python -m benchmarks.losses [--rows 1024] [--width 512] [--rounds 3]

Both sides get the same embeddings f, g (B x D, rows divided by their length: u, v) and classes k,
and compute, with p_ij = softmax over j of s_ij,

    loss = mean_i [ mean_{j: k_j = k_i} -log p_ij  +  mean_{j: k_j != k_i} -log(1 - p_ij) ].

- The pairwise form takes s_ij = (1 - |u_i - v_j|^2 / 2) / tau from a (B, B, D) tensor of
  differences, and log p and log(1 - p) from p, each with 1e-10 added.
- Ours takes s_ij = <u_i, v_j> / tau from one product of matrices; log p_ij = s_ij - log sum_k
  exp s_ik; log(1 - p_ij) = log1p(-p_ij), but for the largest p of a row log sum_{k != j}
  exp s_ik - log sum_k exp s_ik.

Each side runs in a process of its own, the sides in turn, so that a round sees one machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.results import replace_section
from ccl.losses.nce import multi_class_nce

TEMPERATURE = 0.5
CLASSES = 51
EPSILON = 1e-10
REPEATS = {"pairwise": 1, "ours": 20}


def pairwise_nce(f: Tensor, g: Tensor, targets: Tensor) -> Tensor:
    """Return the loss by the (B, B, D) tensor of differences."""
    difference = normalize(f, dim=1)[:, None] - normalize(g, dim=1)  # (B, B, D)
    p = ((1 - difference.pow(2).sum(2) / 2) / TEMPERATURE).softmax(dim=1)
    same = (targets[:, None] == targets).to(p.dtype)
    pull = (-(p + EPSILON).log() * same).sum(1) / same.sum(1)
    push = (-(1 - p + EPSILON).log() * (1 - same)).sum(1) / (1 - same).sum(1)
    return (pull + push).mean()


def our_nce(f: Tensor, g: Tensor, targets: Tensor) -> Tensor:
    """Return the loss as the library computes it."""
    return multi_class_nce(f, g, targets, temperature=TEMPERATURE).loss


SIDES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "pairwise": pairwise_nce,
    "ours": our_nce,
}


def peak_mib() -> float:
    """Return the largest memory that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(side: str, rows: int, width: int) -> dict[str, object]:
    """Run one side, forward and backward, after one run that is not counted."""
    generator = torch.Generator().manual_seed(0)
    f, g = torch.randn(2, rows, width, generator=generator)
    targets = torch.randint(CLASSES, (rows,), generator=generator)
    f.requires_grad_()
    g.requires_grad_()
    before, seconds, loss = peak_mib(), [], torch.zeros(())
    for _ in range(REPEATS[side] + 1):
        f.grad = g.grad = None
        started = time.perf_counter()
        loss = SIDES[side](f, g, targets)
        torch.autograd.backward(loss)
        seconds.append(time.perf_counter() - started)
    assert f.grad is not None
    return {
        "seconds": statistics.median(seconds[1:]),
        "mib": peak_mib() - before,
        "loss": loss.item(),
        "gradient": f.grad.norm().item(),
    }


def run(side: str, rows: int, width: int) -> dict[str, float]:
    """Run one side in a process of its own."""
    arguments = ["--side", side, "--rows", str(rows), "--width", str(width)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.losses", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    result: dict[str, float] = json.loads(done.stdout)
    print(side, f"{1e3 * result['seconds']:.1f} ms, {result['mib']:.0f} MiB", flush=True)
    return result


def table(rounds: list[dict[str, dict[str, float]]], rows: int, width: int) -> str:
    """Return the Markdown of all rounds."""
    lines = [
        f"Multi-class NCE of {rows:,} x {width}, forward and backward, float32, {CLASSES} classes; "
        f"median of {len(rounds)} rounds in which the sides take turns, each in a process of its "
        "own. The (B, B, D) tensor of differences alone takes "
        f"{rows * rows * width * 4 / 2**20:,.0f} MiB, a (B, B) one "
        f"{rows * rows * 4 / 2**20:,.0f} MiB.",
        "",
        "| side | formula of the similarities | ms | times as fast (each round) | "
        "memory beyond the inputs, MiB | loss | norm of the gradient |",
        "|---|---|---|---|---|---|---|",
    ]
    formulas = {
        "pairwise": "1 - sum_d (u_id - v_jd)^2 / 2 from a (B, B, D) tensor",
        "ours": "sum_d u_id v_jd, a product of matrices",
    }
    for side, formula in formulas.items():
        results = [each[side] for each in rounds]
        ratios = [each["pairwise"]["seconds"] / each[side]["seconds"] for each in rounds]
        lines.append(
            f"| {side} | {formula} | {1e3 * statistics.median(r['seconds'] for r in results):.1f} "
            f"| {statistics.median(ratios):.1f} ({', '.join(f'{r:.1f}' for r in ratios)}) "
            f"| {max(r['mib'] for r in results):,.0f} "
            f"| {results[0]['loss']:.6f} | {results[0]['gradient']:.6g} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure both sides, print the table, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=list(SIDES), help="run this side alone, print JSON")
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.rows, options.width)))
        return
    rounds = [
        {side: run(side, options.rows, options.width) for side in SIDES}
        for _ in range(options.rounds)
    ]
    body = table(rounds, options.rows, options.width)
    print(body)
    if (options.rows, options.width) == (1024, 512):
        replace_section("Losses", body)


if __name__ == "__main__":
    main()
