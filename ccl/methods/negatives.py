"""Which training videos a memory's negatives are drawn from: those that have the modality."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from cca_tools.errors import DataError
from ccl.losses.sampling import OtherClasses, uniform_items
from ccl.methods.base import Setup
from ccl.methods.settings import MemoryOptions

MOST_NEGATIVES = 16_384


def num_negatives(options: MemoryOptions, setup: Setup) -> int:
    """Return K, the draws for each row.

    >>> targets = torch.tensor([0, 1])
    >>> num_negatives(MemoryOptions(), Setup(8, targets, 2, {}, {}, seed=0))
    2
    """
    return options.negatives or min(MOST_NEGATIVES, len(setup.targets))


class NegativesOfOtherClasses(nn.Module):
    """Draws among the videos of other classes that have a modality.

    Args:
        setup: Targets and presence of the training videos.
        modality: Which they must have.

    Raises:
        DataError: Fewer than two classes have it.
    """

    items: Tensor

    def __init__(self, setup: Setup, modality: str) -> None:
        super().__init__()
        items = setup.having(modality).nonzero().flatten()
        targets = setup.targets.cpu()[items]
        num_classes = int((torch.bincount(targets) > 0).sum())
        if num_classes < 2:
            raise DataError(
                f"{num_classes} of {setup.num_classes} classes have {modality} for "
                "training, and negatives are drawn from other classes",
                "Choose a method without a memory, or other classes",
            )
        self.register_buffer("items", items, persistent=False)
        self.others = OtherClasses(targets, num_classes=setup.num_classes)

    def draw(self, targets: Tensor, num_draws: int, generator: Generator) -> Tensor:
        """Return places of training videos: int64 (B, num_draws)."""
        return self.items[self.others.draw(targets, num_draws, generator)]


class AnyNegatives(nn.Module):
    """Draws among all videos that have every modality, of any class.

    Args:
        setup: Presence of the training videos, and the modalities.

    Raises:
        DataError: No video has them all.
    """

    items: Tensor

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        present = torch.stack([setup.having(name) for name in setup.teachers]).all(dim=0)
        if not present.any():
            raise DataError(
                f"no video for training has {' and '.join(setup.teachers)}",
                "Distil another modality, or choose other classes",
            )
        self.register_buffer("items", present.nonzero().flatten(), persistent=False)

    def draw(self, rows: int, num_draws: int, generator: Generator) -> Tensor:
        """Return places of training videos: int64 (rows, num_draws)."""
        return self.items[uniform_items(len(self.items), (rows, num_draws), generator)]
