"""What a run shows and writes down: a bar, one JSON line an epoch, TensorBoard, status."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from cca_tools.workspace import utc_now, write_json, write_text
from ccl.training.checkpoint import Place

METRICS, STATUS, BOARD = "metrics.jsonl", "status.json", "tb"
_BAR_SECONDS = 0.5


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Args:
        epoch: From 0.
        lr: The student's learning rate at its last step.
        terms: Mean of each loss term over rows.
        counts: Of rows and degenerate cases, summed over batches.
        train_top1: Share of rows guessed right while training.
        val: ``top1``, ``top5``, ``loss`` of the validation videos; empty without them.
        clips_per_s: Of training, since the last start within the epoch.
        seconds: Of the epoch with its validation, since the last start within it.
    """

    epoch: int
    lr: float
    terms: dict[str, float]
    counts: dict[str, int]
    train_top1: float
    val: dict[str, float]
    clips_per_s: float
    seconds: float


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the epochs that a run has written down; a line cut off by a crash is left out."""
    path = folder / METRICS
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records


class Record:
    """Writes the logs of a run; only the first rank has one that does anything.

    Args:
        folder: Of the run; None to write and show nothing.
        place: Where the run begins; what was written down after it is dropped.
        steps: Of an epoch, and of all epochs.
        show: Whether to show a bar on standard error.
    """

    def __init__(self, folder: Path | None, place: Place, steps: tuple[int, int], *, show: bool):
        self.folder = folder
        self._shown, self._began, self._rows = 0.0, time.monotonic(), 0
        self._bar: tqdm[Any] | None = None
        self._board: SummaryWriter | None = None
        if folder is None:
            return
        kept = [json.dumps(x) for x in read_metrics(folder) if x["epoch"] < place.epoch]
        write_text(folder / METRICS, "".join(line + "\n" for line in kept))
        self._board = SummaryWriter(str(folder / BOARD), purge_step=place.epoch)
        if show:
            done = place.epoch * steps[0] + place.step
            self._bar = tqdm(
                desc="training",
                total=steps[1],
                initial=done,
                unit="step",
                disable=None,
                dynamic_ncols=True,
            )

    def step(self, place: Place, rows: int) -> None:
        """Move the bar on by a batch, and show the terms now and then."""
        if self._bar is None:
            return
        self._bar.update()
        self._rows += rows
        if time.monotonic() - self._shown > _BAR_SECONDS:
            self._shown = time.monotonic()
            terms, _, right = place.totals.summary()
            shown = {name: f"{value:.3g}" for name, value in terms.items()}
            self._bar.set_description(f"epoch {place.epoch + 1}", refresh=False)
            rate = self._rows / (time.monotonic() - self._began)
            self._bar.set_postfix({**shown, "acc": f"{right:.1%}", "clips/s": f"{rate:.0f}"})

    def epoch(self, record: EpochRecord) -> None:
        """Write an epoch down."""
        if self.folder is None or self._board is None:
            return
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")
        scalars = {
            "train/top1": record.train_top1,
            "lr": record.lr,
            "clips_per_s": record.clips_per_s,
            **{f"loss/{name}": value for name, value in record.terms.items()},
            **{f"count/{name}": value for name, value in record.counts.items()},
            **{f"val/{name}": value for name, value in record.val.items()},
        }
        for name, value in scalars.items():
            self._board.add_scalar(name, value, record.epoch)

    def status(self, state: str, place: Place, **more: object) -> None:
        """Say in ``status.json`` how the run stands."""
        if self.folder is not None:
            about = {"state": state, "epochs_done": place.epoch, "step": place.step}
            about |= {"best_epoch": place.best_epoch, "val_top1": place.best, "utc": utc_now()}
            write_json(self.folder / STATUS, about | more)

    def close(self) -> None:
        """Put the bar away and close the log of TensorBoard."""
        if self._bar is not None:
            self._bar.close()
        if self._board is not None:
            self._board.close()
