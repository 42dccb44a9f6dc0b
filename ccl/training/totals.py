"""Sums over the batches of an epoch, kept on the device until they are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ccl.losses.objective import Objective
from ccl.models.prediction import Prediction

ROWS, CORRECT = "rows", "correct"
TERM, COUNT = "term/", "count/"


@dataclass
class Totals:
    """Rows, right guesses, terms times rows, and counts, of the batches so far.

    Args:
        values: Scalars in float64 by name, ``term/...`` and ``count/...``, part of a checkpoint.
    """

    values: dict[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def add(self, video: Prediction, targets: Tensor, objective: Objective) -> None:
        """Add a batch of all ranks' rows."""
        rows = len(targets)
        correct = (video.logits.argmax(dim=1) == targets).sum() if rows else targets.sum()
        new = {ROWS: targets.new_full((), rows), CORRECT: correct}  # no wait for the device
        new |= {TERM + name: value * rows for name, value in objective.terms.items()}
        new |= {COUNT + name: value for name, value in objective.counts.items()}
        for name, value in new.items():
            value = value.double()
            self.values[name] = self.values[name] + value if name in self.values else value

    def broken(self) -> list[str]:
        """Return the terms that are no longer finite, by name."""
        names = [name for name in self.values if name.startswith(TERM)]
        if not names:
            return []
        finite = torch.stack([self.values[name] for name in names]).isfinite().tolist()
        return [n.removeprefix(TERM) for n, good in zip(names, finite, strict=True) if not good]

    def summary(self) -> tuple[dict[str, float], dict[str, int], float]:
        """Return the mean of each term over rows, the counts, and the share guessed right."""
        plain = {name: float(value) for name, value in self.values.items()}
        rows = max(plain.get(ROWS, 0.0), 1.0)
        terms = {k.removeprefix(TERM): v / rows for k, v in plain.items() if k.startswith(TERM)}
        counts = {k.removeprefix(COUNT): int(v) for k, v in plain.items() if k.startswith(COUNT)}
        return terms, counts, plain.get(CORRECT, 0.0) / rows
