"""Draws of negatives from a data set, each from a generator that the caller holds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

Shape = Sequence[int]


def uniform_items(num_items: int, shape: Shape, generator: Generator) -> Tensor:
    """Draw items with equal chances and replacement: int64, on the device of the generator.

    >>> uniform_items(10, (2, 3), Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """
    return torch.randint(num_items, tuple(shape), generator=generator, device=generator.device)


class AliasTable(nn.Module):
    """Draws with unequal chances, in constant time each (Walker's alias method).

    An item of weight zero is never drawn: give that to items that have no embedding.

    Source: Walker 1977, with Vose's construction; HobbitLong/RepDistiller at b84f547,
    crd/memory.py.

    Args:
        weights: (N,), at least 0 and not all 0; chances in proportion to them.

    Raises:
        ValueError: The weights are negative, not finite, empty or all zero.

    >>> table = AliasTable(torch.tensor([0.0, 3.0, 1.0]))
    >>> table.chances().tolist()
    [0.0, 0.75, 0.25]
    """

    keep: Tensor
    alias: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        total = float(weights.double().sum()) if weights.ndim == 1 else 0.0
        if not 0 < total < float("inf") or bool((weights < 0).any()):
            raise ValueError(f"weights must be one row of at least 0, not all 0, got sum {total}")
        keep, alias = _alias_table((weights.double() / total * len(weights)).tolist())
        self.register_buffer("keep", torch.tensor(keep, dtype=torch.float64))
        self.register_buffer("alias", torch.tensor(alias))

    def chances(self) -> Tensor:
        """Return the chance of each item as the table has it: float64 (N,)."""
        given = torch.zeros_like(self.keep).index_add(0, self.alias, 1 - self.keep)
        return (self.keep + given) / len(self.keep)

    def draw(self, shape: Shape, generator: Generator) -> Tensor:
        """Draw items with replacement: int64 of the shape given."""
        column = uniform_items(len(self.keep), shape, generator)
        coin = torch.rand(
            column.shape, generator=generator, device=generator.device, dtype=torch.float64
        )
        return torch.where(coin < self.keep[column], column, self.alias[column])


def _alias_table(scaled: list[float]) -> tuple[list[float], list[int]]:
    # scaled has mean 1: each column keeps a share of its own item and gives the rest to one other
    keep, alias = list(scaled), list(range(len(scaled)))
    small = [item for item, weight in enumerate(scaled) if weight < 1]
    large = [item for item, weight in enumerate(scaled) if weight >= 1]
    while small and large:
        short, long = small.pop(), large.pop()
        alias[short] = long
        keep[long] -= 1 - keep[short]
        (small if keep[long] < 1 else large).append(long)
    for item in small + large:
        keep[item] = 1.0 if scaled[item] > 0 else 0.0
        if scaled[item] <= 0:
            alias[item] = scaled.index(max(scaled))
    return keep, alias


class OtherClasses(nn.Module):
    """Draws of items of other classes than one's own, with equal chances.

    Source: the 'exact' mode of HobbitLong/RepDistiller at b84f547, dataset/cifar100.py.

    Args:
        labels: (N,), integer classes of the data set; at least two of them.
        num_classes: Above any class that is asked for, where ``labels`` do not show them all.

    Raises:
        ValueError: There are fewer than two classes.

    >>> other = OtherClasses(torch.tensor([0, 1, 0, 1]))
    >>> drawn = other.draw(torch.tensor([0, 1]), 50, Generator().manual_seed(0))
    >>> sorted(set(drawn[0].tolist())), sorted(set(drawn[1].tolist()))
    ([1, 3], [0, 2])
    """

    order: Tensor
    starts: Tensor
    sizes: Tensor

    def __init__(self, labels: Tensor, *, num_classes: int = 0) -> None:
        super().__init__()
        sizes = torch.bincount(labels, minlength=num_classes)
        num_classes = int((sizes > 0).sum())
        if num_classes < 2:
            raise ValueError(f"labels must be of at least two classes, got {num_classes}")
        self.register_buffer("order", labels.argsort(stable=True))
        self.register_buffer("starts", sizes.cumsum(0) - sizes)
        self.register_buffer("sizes", sizes)

    def draw(self, targets: Tensor, num_draws: int, generator: Generator) -> Tensor:
        """Draw ``num_draws`` items for each class in ``targets`` (B,): int64 (B, num_draws)."""
        start, size = self.starts[targets][:, None], self.sizes[targets][:, None]
        coin = torch.rand(
            (len(targets), num_draws),
            generator=generator,
            device=generator.device,
            dtype=torch.float64,
        )
        place = (coin * (len(self.order) - size)).long()
        place = torch.where(place < start, place, place + size)
        return self.order[place]
