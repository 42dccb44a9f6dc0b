"""A memory of one embedding for each item of the data set, as CRD and CMC contrast with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ccl.numerics import full_precision, unit_rows


@dataclass(frozen=True)
class MemorySettings:
    """What a memory and the contrast with it are made of.

    Args:
        num_items: N, the items of the data set.
        width: d, of the common space.
        temperature: Divides cosines.
        momentum: The share of the old vector that stays at an update, from 0 to 1.
    """

    num_items: int
    width: int = 128
    temperature: float = 0.07
    momentum: float = 0.5


class Memory(nn.Module):
    """One vector an item: random at first, then a running mean of unit length.

    Source: HobbitLong/RepDistiller at b84f547, crd/memory.py. Theirs changes at evaluation too,
    and leaves open which of two rows of one item is remembered; here it is the last.

    Args:
        settings: Its size and momentum.
    """

    vectors: Tensor

    def __init__(self, settings: MemorySettings) -> None:
        super().__init__()
        self.momentum = settings.momentum
        bound = 1 / math.sqrt(settings.width / 3)
        start = torch.empty(settings.num_items, settings.width).uniform_(-bound, bound)
        self.register_buffer("vectors", start)

    @full_precision
    def similarities(self, anchors: Tensor, items: Tensor) -> Tensor:
        """Return the products of each anchor (B, d) with the items (B, K) of its row: (B, K)."""
        return torch.einsum("bkd,bd->bk", self.vectors[items], anchors)

    @torch.no_grad()
    def update(self, index: Tensor, vectors: Tensor, present: Tensor) -> None:
        """Move the items at ``index`` towards new unit vectors.

        Args:
            index: (B,), an item a row; of several present rows of one item the last counts.
            vectors: (B, d).
            present: bool (B,); absent rows change nothing.
        """
        if len(index) == 0:
            return
        same = (index[:, None] == index[None, :]) & present[None, :]  # (B, B)
        place = torch.arange(len(index), device=index.device)
        last = torch.where(same, place, -1).amax(dim=1)  # -1 where the item is nowhere present
        old = self.vectors[index]
        mixed = self.momentum * old + (1 - self.momentum) * vectors[last].to(old.dtype)
        self.vectors.index_copy_(0, index, torch.where(last[:, None] < 0, old, unit_rows(mixed)))
