"""Measure a few steps of a run, in a process of its own: `python -m ccl.ablation.measure SPEC`."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from cca_tools.errors import CcaError
from cca_tools.workspace import Workspace
from ccl.ablation.cell import die_with
from ccl.ablation.engine import PARENT
from ccl.data.study import load_study
from ccl.training.configure import validated
from ccl.training.job import Job, build_job, open_image_teacher, products
from ccl.training.ranks import joined
from ccl.training.totals import Totals

STEPS = 3
_MOST_SECONDS = 20.0


def measure(config: dict[str, Any], workspace: Workspace) -> dict[str, float]:
    """Train for one step, then time a few more; nothing is written.

    Args:
        config: As ``as_dict`` gives it.
        workspace: Where the data lie.

    Returns:
        ``clips_per_s`` of training; ``bytes`` of the state that a run keeps on disk;
        ``overhead_s``, the processor time from the start of this process to its first step.

    Raises:
        CcaError: What the data, networks or method refuse.
    """
    settings = validated(config)
    # no cache: filling one may take longer than all steps that are measured
    settings = replace(settings, data=replace(settings.data, cache="disk"))
    study = load_study(workspace, settings.data)
    with joined(None) as ranks, products(settings.run.precision):
        job = build_job(settings, study, ranks, open_image_teacher(settings, ranks.device))
        overhead = time.process_time()
        generator = Generator(ranks.device)
        job.student.train()
        epochs = chain.from_iterable(map(job.batches.epoch, count()))
        batches = islice(epochs, STEPS + 1)
        job.step(next(batches), generator, Totals())  # the first one prepares much
        clips, began = 0, time.perf_counter()
        for batch in batches:
            job.step(batch, generator, Totals())
            clips += batch.global_size
            if time.perf_counter() - began > _MOST_SECONDS:
                break
        if ranks.device.type == "cuda":
            torch.cuda.synchronize(ranks.device)
        seconds = time.perf_counter() - began
    return {"clips_per_s": clips / seconds, "bytes": _bytes(job), "overhead_s": overhead}


def _bytes(job: Job) -> float:
    """Return the size of last.pt (weights and momentum) and best.pt (the student again)."""
    student, method = _size(job.student), _size(job.method)
    momentum = sum(
        p.numel() * p.element_size()
        for group in job.optimiser.param_groups
        for p in group["params"]
    )
    return float(2 * student + method + momentum)


def _size(module: nn.Module) -> float:
    return float(sum(v.numel() * v.element_size() for v in module.state_dict().values()))


def main() -> None:
    """Measure what the file named on the command line describes, and print JSON."""
    if PARENT in os.environ:
        die_with(int(os.environ[PARENT]))
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        found = measure(spec["config"], Workspace(Path(spec["workspace"])))
    except CcaError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
