"""How many items of a gallery stand before a query's best relevant one, without sorting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ccl.evaluation.exact import exact_products

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
_QUERIES_AT_ONCE = 1024
_EDGES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True)
class Task:
    """Q queries and G items, on one device; the items sorted by class.

    Args:
        query: (Q, D) unit rows.
        item: (G, D) unit rows.
        query_class: int32 (Q,).
        item_class: int32 (G,), ascending.
        query_group: int32 (Q,), -1 for a group of its own.
        item_group: int32 (G,), -2 for a group of its own.
    """

    query: Tensor
    item: Tensor
    query_class: Tensor
    item_class: Tensor
    query_group: Tensor
    item_group: Tensor


@dataclass
class Ranks:
    """Where the best relevant item of each query stands; int64 (2, Q) each.

    The first row is that of all items, the second without the items of the query's own group.

    Args:
        above: Items that stand before it.
        level: Items that stand equal with it, itself among them.
        relevant: Those of them that are relevant; 0 where nothing is.
        items: All items.
        own_class: All relevant items.
    """

    above: Tensor
    level: Tensor
    relevant: Tensor
    items: Tensor
    own_class: Tensor


def rank_best(task: Task, chunk: int) -> Ranks:
    """Return where the best relevant item of each query stands.

    First the best score of each query among the items of its class, a small part of all; then
    every item is compared with that. Scores that differ by at most `TOLERANCE` are equal.

    Args:
        task: Queries and items.
        chunk: Scores held at once.
    """
    shape, device = (2, len(task.query)), task.query.device
    best = torch.full(shape, -torch.inf, dtype=task.query.dtype, device=device)
    ranks = Ranks(*(torch.zeros(shape, dtype=torch.int64, device=device) for _ in range(5)))
    ranks.items += len(task.item)
    shares = torch.isin(task.query_group, task.item_group)  # queries whose group has items
    with exact_products():
        _find_best(task, chunk, best, ranks)
        _count(task, shares, chunk, best, ranks)
    for counts in (ranks.above, ranks.level, ranks.items):
        counts[1, ~shares] = counts[0, ~shares]
    return ranks


def _find_best(task: Task, chunk: int, best: Tensor, ranks: Ranks) -> None:
    """Fill in the best score of each query, and what there is of its class."""
    tolerance = TOLERANCE[best.dtype]
    ordered = task.item_class.cpu().numpy()
    names = np.unique(task.query_class.cpu().numpy())
    bounds = zip(*(np.searchsorted(ordered, names, edge) for edge in _EDGES), strict=True)
    for name, (first, last) in zip(names.tolist(), bounds, strict=True):
        if first == last:
            continue
        items = slice(int(first), int(last))
        rows = (task.query_class == name).nonzero().squeeze(1)
        for part in torch.split(rows, max(1, chunk // (items.stop - items.start))):
            scores = task.query[part] @ task.item[items].T
            own = task.query_group[part, None] == task.item_group[items]
            for column in (0, 1):
                if column:
                    scores.masked_fill_(own, -torch.inf)
                top = scores.amax(dim=1)
                best[column, part] = top
                equal = (scores >= top[:, None] - tolerance) & (scores > -torch.inf)
                ranks.relevant[column, part] = count_true(equal)
                ranks.own_class[column, part] = count_true(scores > -torch.inf)


def _count(task: Task, shares: Tensor, chunk: int, best: Tensor, ranks: Ranks) -> None:
    """Count the items before each query's best score, and those equal to it."""
    tolerance = TOLERANCE[best.dtype]
    high, low = (best + tolerance)[..., None], (best - tolerance)[..., None]  # (2, Q, 1)
    width = max(1, chunk // max(1, min(len(task.query), _QUERIES_AT_ONCE)))
    height = max(1, min(_QUERIES_AT_ONCE, chunk // width))
    for part in torch.split(torch.arange(len(task.query), device=best.device), height):
        rows = shares[part].nonzero().squeeze(1)
        shared = part[rows]
        for start in range(0, len(task.item), width):
            items = slice(start, start + width)
            scores = task.query[part] @ task.item[items].T
            ranks.above[0, part] += count_true(scores > high[0, part])
            ranks.level[0, part] += count_true(scores >= low[0, part])
            if len(rows):
                own = task.query_group[shared, None] == task.item_group[items]
                scores = scores[rows].masked_fill_(own, -torch.inf)
                ranks.above[1, shared] += count_true(scores > high[1, shared])
                ranks.level[1, shared] += count_true(scores >= low[1, shared])
                ranks.items[1, shared] -= count_true(own)
    ranks.level -= ranks.above


def count_true(mask: Tensor) -> Tensor:
    """Return how many entries of each row are true, as int64.

    >>> count_true(torch.tensor([[True, False, True], [False, False, False]])).tolist()
    [2, 0]
    """
    if mask.device.type == "cpu":  # where PyTorch would widen each entry first: ten times as slow
        return torch.from_numpy(np.count_nonzero(mask.numpy(), axis=1))
    return mask.sum(dim=1)
