"""What ``cca-tools ablate`` shows before and while it runs: the plan, and how far it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from cca_tools.cli.output import print_table

if TYPE_CHECKING:
    from ccl.ablation.ablate import Progress
    from ccl.ablation.engine import LocalEngine
    from ccl.ablation.estimate import Estimate
    from ccl.ablation.plan import Plan


@contextmanager
def bar(plan: Plan) -> Iterator[Callable[[Progress], None]]:
    """Show a bar over the epochs of all cells, with the cells that are done beside it."""
    from ccl.training.record import read_metrics

    left = [cell for cell in plan.cells if not cell.is_done]
    total = sum(cell.config.optim.epochs for cell in left)
    begun = sum(len(read_metrics(cell.folder)) for cell in left)
    with tqdm(
        total=total,
        initial=begun,
        unit="epoch",
        smoothing=0,  # time left by the mean since the start: cells begin and end slowly
        disable=None,
        dynamic_ncols=True,
    ) as shown:

        def watch(progress: Progress) -> None:
            failed = f", {progress.failed} failed" if progress.failed else ""
            shown.set_description(f"{progress.done} of {len(left)} cells{failed}", refresh=False)
            shown.set_postfix_str("; ".join(progress.running), refresh=False)
            shown.update(max(0, progress.epochs - shown.n))
            shown.refresh()

        yield watch


def summary(plan: Plan, estimates: list[Estimate], slots: int) -> str:
    """Tell how many cells there are to run, and what they will take."""
    left = [one for cell, one in zip(plan.cells, estimates, strict=True) if not cell.is_done]
    known = [one for one in left if math.isfinite(one.seconds)]
    seconds = sum(one.seconds for one in known) / min(slots, max(1, len(left)))
    size = sum(one.bytes for one in known)
    basis = " and ".join(sorted({one.basis for one in known}))
    told = f"about {_duration(seconds)} and {_size(size)} by {basis}" if known else "time unknown"
    unknown = len(left) - len(known)
    rest = f"; {unknown} cells could not be estimated" if known and unknown else ""
    done = len(plan.cells) - len(left)
    jobs = f", {slots} at once" if slots > 1 else ""
    return f"{len(plan.cells)} cells, {done} done, {len(left)} to run{jobs}: {told}{rest}"


def _duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> _duration(40), _duration(4000), _duration(400000)
    ('40 s', '67 min', '111 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number > 1e9 else f"{number / 1e6:.0f} MB"


def print_plan(plan: Plan, estimates: list[Estimate], engine: LocalEngine, as_json: bool) -> None:
    """Print every cell with what it will take, and why some cannot be run."""
    rows: list[dict[str, Any]] = [
        {
            "cell": cell.name,
            "folder": str(cell.folder),
            "state": "done" if cell.is_done else "to run",
            "epochs": cell.config.optim.epochs,
            "train": cell.data.train,
            "test": cell.data.test,
            "seconds": one.seconds if math.isfinite(one.seconds) else None,
            "bytes": one.bytes if math.isfinite(one.bytes) else None,
            "basis": one.basis,
        }
        for cell, one in zip(plan.cells, estimates, strict=True)
    ]
    refused = {str(where): why for where, why in plan.refused.items()}
    if as_json:
        record = {"cells": rows, "jobs": engine.slots, "refused": refused, "lacks": plan.lacks}
        click.echo(json.dumps(record, indent=2))
        return
    header = ("cell", "state", "epochs", "train", "test", "time", "disk", "by")
    shown = [
        (
            *(row[name] for name in header[:5]),
            "?" if row["seconds"] is None else _duration(row["seconds"]),
            "?" if row["bytes"] is None else _size(row["bytes"]),
            row["basis"],
        )
        for row in rows
    ]
    print_table(header, shown)
    click.echo(summary(plan, estimates, engine.slots))
    for note in _notes(plan):
        click.echo(f"note: {note}", err=True)
    for where, why in refused.items():
        click.echo(f"cannot run {where}: {why}", err=True)


def _notes(plan: Plan) -> list[str]:
    notes = [note for cell in plan.cells for note in cell.data.notes]
    return list(dict.fromkeys([*plan.lacks, *notes]))
