"""Contrastive multiview coding: every pair of views tells its own video from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ccl.losses.counted import Counted, row_counts
from ccl.losses.memory import Memory, MemorySettings
from ccl.losses.memory_contrast import Partition, nce_objective, softmax_objective
from ccl.models.heads import UnitHead
from ccl.numerics import all_present, keep_rows, seeded


@dataclass(frozen=True)
class CmcSettings:
    """How the views are contrasted.

    Args:
        memory: Memories, common space and temperature.
        core: The view that is paired with each other one; None pairs all with all.
        objective: ``softmax``, a classification of the positive among the draws, or ``nce``.
    """

    memory: MemorySettings
    core: str | None = None
    objective: Literal["softmax", "nce"] = "softmax"


class Cmc(nn.Module):
    """Sum, over pairs of views and both directions, the contrast of a view with a memory.

    No class labels are used. Each view has a head onto a common unit sphere and a memory. A row
    takes part in a pair if it has both views; that is what sets its counts, ``rows`` and
    ``absent`` being sums over pairs.

    Source: Tian et al., ECCV 2020; HobbitLong/CMC at 21ce9e0, NCE/. It has two views and no
    heads beyond the networks' own last layers; the heads here stand for those. At evaluation
    nothing changes.

    Args:
        widths: The width of each view's embedding, by name; at least two.
        settings: See there.
        seed: From which heads and memories start.

    Raises:
        ValueError: Fewer than two views, or a core that is none of them.
    """

    def __init__(self, widths: Mapping[str, int], settings: CmcSettings, *, seed: int) -> None:
        super().__init__()
        if len(widths) < 2 or settings.core not in {None, *widths}:
            raise ValueError(f"need two views and a core among them, got {[*widths]}, {settings}")
        self.settings = settings
        self.pairs = [pair for pair in combinations(widths, 2) if settings.core in {None, *pair}]
        with seeded(seed):
            self.heads = nn.ModuleDict(
                {name: UnitHead(width, settings.memory.width) for name, width in widths.items()}
            )
            self.memories = nn.ModuleDict({name: Memory(settings.memory) for name in widths})
        self.partitions = nn.ModuleDict(
            {f"{a}-{b}": Partition() for pair in self.pairs for a, b in (pair, pair[::-1])}
        )

    def forward(
        self,
        views: Mapping[str, Tensor],
        index: Tensor,
        negatives: Tensor,
        *,
        present: Mapping[str, Tensor] | None = None,
    ) -> Counted:
        """Compute the loss, and update the memories if in training.

        Args:
            views: The embedding (B, width) of each view, by name.
            index: (B,), the place of each row's video in the data set, from 0 to N - 1.
            negatives: (B, K), places of the videos to tell it from.
            present: bool (B,) by view, for those in which rows may be absent.
        """
        masks = present or {}
        here = {name: all_present(x, masks.get(name)) for name, x in views.items()}
        kept = {name: keep_rows(x, masks.get(name)) for name, x in views.items()}
        unit = {name: head(kept[name]) for name, head in self.heads.items()}
        items = torch.cat([index[:, None], negatives], dim=1)  # (B, K + 1)
        losses, counts = [], []
        for a, b in self.pairs:
            both = here[a] & here[b]
            losses += [self._side(a, b, unit, items, both), self._side(b, a, unit, items, both)]
            counts.append(row_counts(both, kept[a], kept[b]))
        if self.training:
            for name, memory in self.memories.items():
                cast(Memory, memory).update(index, unit[name], here[name])
        total = {name: torch.stack([c[name] for c in counts]).sum() for name in counts[0]}
        return Counted(torch.stack(losses).sum(), total)

    def _side(
        self, anchor: str, other: str, unit: Mapping[str, Tensor], items: Tensor, both: Tensor
    ) -> Tensor:
        settings = self.settings.memory
        memory = cast(Memory, self.memories[other])
        logits = memory.similarities(unit[anchor], items) / settings.temperature
        if self.settings.objective == "softmax":
            return softmax_objective(logits, both)
        log_density = self.partitions[f"{anchor}-{other}"](logits, settings.num_items, both)
        return nce_objective(log_density, settings.num_items, both)
