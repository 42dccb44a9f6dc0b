"""The learning rate as a pure function of how far training is."""

from __future__ import annotations

import math

from ccl.training.config import OptimSettings


def lr_factor(settings: OptimSettings, epoch: float) -> float:
    """Return what the learning rate is multiplied by.

    Args:
        settings: Schedule, warm-up and number of epochs.
        epoch: Epochs done, from 0, with the part of the present one.

    >>> settings = OptimSettings(epochs=10, schedule="cosine", warmup_epochs=2)
    >>> [round(lr_factor(settings, epoch), 3) for epoch in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    >>> lr_factor(OptimSettings(schedule="steps", milestones=(5, 8), gamma=0.5), 8)
    0.25
    """
    if epoch < settings.warmup_epochs:
        return epoch / settings.warmup_epochs
    if settings.schedule == "steps":
        return float(settings.gamma ** sum(epoch >= m for m in settings.milestones))
    if settings.schedule == "cosine":
        length = max(settings.epochs - settings.warmup_epochs, 1e-9)
        done = min(1.0, (epoch - settings.warmup_epochs) / length)
        return (1 + math.cos(math.pi * done)) / 2
    return 1.0
