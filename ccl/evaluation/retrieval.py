"""Retrieval by cosine: is an item of the query's class among its k nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ccl.evaluation.ranking import Ranks, Task, rank_best
from ccl.numerics import unit_rows

Floats = NDArray[np.float64]

KS = (1, 5, 10, 20)
CHUNK = 1 << 22  # similarities at once: 16 MiB of float32
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Items:
    """One side of a retrieval: the queries, or the gallery.

    Args:
        embeddings: (N, D), array or tensor; float64 stays, all else is taken as float32.
        targets: (N,) integers, the class of each.
        groups: (N,) the recording each is cut from; "" is a group of its own. None where unknown.
    """

    embeddings: ArrayLike | Tensor
    targets: ArrayLike
    groups: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(np.asarray(self.targets))


@dataclass(frozen=True)
class Recall:
    """Recall at k, one value a query.

    Args:
        ks: The k of each column.
        hits: (Q, K) the chance that an item of the query's class is among its k nearest, ties in
            random order; NaN where the gallery has no item of that class for the query.
        chance: (Q, K) the same if all items tied: what a network that knows nothing reaches.
        no_gallery: Queries for which nothing is left in the gallery.
        no_relevant: Queries for which the gallery has items, but none of their class.
    """

    ks: tuple[int, ...]
    hits: Floats
    chance: Floats
    no_gallery: int
    no_relevant: int

    @property
    def counted(self) -> int:
        """Queries that the means are taken over: those whose class the gallery has."""
        return len(self.hits) - self.no_gallery - self.no_relevant

    def at(self, k: int) -> float:
        """Return the mean over the counted queries; NaN if there are none."""
        column = self.hits[:, self.ks.index(k)]
        return float(np.nanmean(column)) if self.counted else float("nan")


class Retrieval(NamedTuple):
    """What `recall_at` returns.

    Args:
        all_items: Recall in the whole gallery.
        other_groups: Recall without the items of the query's own group; None without groups.
        not_finite: How many embeddings of queries and of the gallery have a NaN or an infinity.
            Such a query finds nothing of its class, and such an item is not in the gallery.
        zero: How many embeddings of queries and of the gallery have length zero, and a cosine
            of zero with everything.
    """

    all_items: Recall
    other_groups: Recall | None
    not_finite: tuple[int, int]
    zero: tuple[int, int]


def expected_hits(above: ArrayLike, tied: ArrayLike, relevant: ArrayLike, k: int) -> Floats:
    r"""Return the chance of a relevant item among the k first, ties in random order.

    With m = k - above places left for the tied items, n of them not relevant and r relevant, it
    is :math:`1 - \binom{n}{m} / \binom{n + r}{m}`: 0 without a place, 1 where nothing ties.

    Args:
        above: (Q,) a, how many items stand before the best relevant one.
        tied: (Q,) n, how many that are not relevant stand equal with it.
        relevant: (Q,) r, how many relevant ones stand there, at least 1.
        k: At least 1.

    >>> expected_hits([0, 0, 3], [0, 3, 0], [1, 1, 1], 2).tolist()
    [1.0, 0.5, 0.0]
    """
    a, n, r = (np.asarray(x, dtype=np.float64) for x in (above, tied, relevant))
    miss = np.ones(np.broadcast_shapes(a.shape, n.shape, r.shape))
    for place in range(k):  # the chance that each further place, too, is not a relevant one
        left = np.maximum(n - place, 0) / np.maximum(n + r - place, 1)
        miss *= np.where(place < k - a, left, 1.0)
    return 1.0 - miss


def recall_at(
    queries: Items,
    gallery: Items,
    ks: Sequence[int] = KS,
    *,
    chunk: int = CHUNK,
    device: torch.device | str = "cpu",
) -> Retrieval:
    """Return recall at each k of every query, by cosine, with and without its own group.

    Only the rank of the best item of the query's class matters: with how many items stand before
    it or equal to it, all k follow at once. Nothing is sorted, and memory is that of both sides
    and ``chunk`` similarities. Cosines that differ by less than 1e-6 (float32; 1e-12 in float64)
    are equal: rounding tells no more of them, and it depends on the order of the gallery.

    Args:
        queries: Q items.
        gallery: G items; of no query itself.
        ks: Each at least 1.
        chunk: Similarities held at once.
        device: Where they are computed.

    Raises:
        ValueError: A k is below 1, or sizes do not fit.

    >>> gallery = Items([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> found = recall_at(Items([[0.9, 0.1], [0.8, 0.2]], [0, 1]), gallery, (1, 2))
    >>> found.all_items.at(1), found.all_items.at(2)
    (0.5, 1.0)
    """
    if not ks or min(ks) < 1:
        raise ValueError(f"each k must be at least 1, got {list(ks)}")
    given = [_tensor(side) for side in (queries, gallery)]
    if given[0].shape[1] != given[1].shape[1]:
        raise ValueError(f"widths differ: queries {given[0].shape[1]}, gallery {given[1].shape[1]}")
    dtype = torch.promote_types(given[0].dtype, given[1].dtype)
    by_class = torch.from_numpy(np.argsort(np.asarray(gallery.targets), kind="stable")).to(device)
    query, query_bad, query_zero = _unit(given[0], torch.arange(len(queries)), dtype, device)
    item, item_bad, item_zero = _unit(given[1], by_class, dtype, device)
    query_group, item_group = (x.to(device) for x in _group_codes(queries, gallery))
    columns = [item, _integers(gallery.targets).to(device)[by_class], item_group[by_class]]
    if item_bad.any():
        columns = [column[~item_bad] for column in columns]
    item, item_class, item_group = columns
    query_class = _integers(queries.targets).to(device)
    task = Task(query, item, query_class, item_class, query_group, item_group)
    ranks = rank_best(task, chunk)
    recalls = [_recall(ranks, column, query_bad, tuple(ks)) for column in (0, 1)]
    return Retrieval(
        recalls[0],
        recalls[1] if queries.groups is not None and gallery.groups is not None else None,
        (int(query_bad.sum()), int(item_bad.sum())),
        (int(query_zero.sum()), int(item_zero.sum())),
    )


def _tensor(side: Items) -> Tensor:
    given = torch.as_tensor(side.embeddings)
    if given.ndim != 2 or len(given) != len(side):
        raise ValueError(f"{len(side)} targets, but embeddings {tuple(given.shape)}")
    return given


def _unit(
    given: Tensor, order: Tensor, dtype: torch.dtype, device: torch.device | str
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows in another order and of length 1; which are not finite; which are zero."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    unit = torch.empty(given.shape, dtype=wide, device=device)
    bad, zero = torch.zeros(2, len(given), dtype=torch.bool, device=device)
    for start in range(0, len(given), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        rows = unit_rows(given[order[part].to(given.device)].to(device, wide))
        bad[part] = ~rows.isfinite().all(dim=1)
        rows[bad[part]] = 0
        zero[part] = (rows == 0).all(dim=1) & ~bad[part]
        unit[part] = rows
    return unit, bad, zero


def _integers(values: ArrayLike) -> Tensor:
    return torch.tensor(np.array(values), dtype=torch.int32)


def _group_codes(queries: Items, gallery: Items) -> tuple[Tensor, Tensor]:
    """Return a number for each group; what has none is -1 as a query and -2 in the gallery."""
    if queries.groups is None or gallery.groups is None:
        ones = (torch.ones(len(side), dtype=torch.int32) for side in (queries, gallery))
        return -next(ones), -2 * next(ones)
    names = np.concatenate([np.asarray(side.groups, dtype=object) for side in (queries, gallery)])
    codes, _ = pd.factorize(names)
    first, second = np.split(codes, [len(queries)])
    first[np.asarray(queries.groups, dtype=object) == ""] = -1
    second[np.asarray(gallery.groups, dtype=object) == ""] = -2
    return _integers(first), _integers(second)


def _recall(ranks: Ranks, column: int, not_finite: Tensor, ks: tuple[int, ...]) -> Recall:
    above, level, relevant, items, own_class = (
        counts[column].cpu().numpy().astype(np.float64)
        for counts in (ranks.above, ranks.level, ranks.relevant, ranks.items, ranks.own_class)
    )
    tied = np.maximum(level - relevant, 0)
    hits = np.stack([expected_hits(above, tied, relevant, k) for k in ks], axis=1)
    chance = np.stack([expected_hits(0, items - own_class, own_class, k) for k in ks], axis=1)
    hits[not_finite.cpu().numpy()] = 0.0
    missing, empty = own_class == 0, items == 0
    hits[missing] = chance[missing] = np.nan
    return Recall(ks, hits, chance, int(empty.sum()), int((missing & ~empty).sum()))
