"""Clips of many lengths through a network: equal lengths together, in batches of bounded size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from cca_tools.taggers.base import Scores

# how many frames of log-mel spectrogram one call of the network gets, by kind of device; on a CPU
# just enough for one clip of 10 s, whose feature maps then stay in the cache
FRAMES_AT_ONCE = {"cpu": 1024, "cuda": 65536}

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]


def batches(lengths: Sequence[int], frames_at_once: int) -> Iterator[list[int]]:
    """Yield positions of equal length, so many at a time that their frames fit.

    >>> list(batches([5, 7, 5, 5], frames_at_once=10))
    [[0, 2], [3], [1]]
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for position, length in enumerate(lengths):
        groups[length].append(position)
    for length, positions in groups.items():
        step = max(1, frames_at_once // max(1, length))
        for start in range(0, len(positions), step):
            yield positions[start : start + step]


def score_by_length(features: Sequence[Tensor], forward: Forward, frames_at_once: int) -> Scores:
    """Score clips (frames, mels) of any lengths, at least one; none is padded.

    Args:
        features: One tensor a clip.
        forward: From (B, frames, mels) to logits (B, C) and embeddings (B, E).
        frames_at_once: The bound on B x frames; a single longer clip goes alone.
    """
    logits: list[Tensor] = [torch.empty(0)] * len(features)
    embeddings: list[Tensor] = [torch.empty(0)] * len(features)
    for positions in batches([len(clip) for clip in features], frames_at_once):
        results = forward(torch.stack([features[position] for position in positions]))
        for position, clip_logits, clip_embedding in zip(positions, *results, strict=True):
            logits[position], embeddings[position] = clip_logits, clip_embedding
    stacked = torch.stack(logits)
    return Scores(torch.sigmoid(stacked).numpy(), torch.stack(embeddings).numpy(), stacked.numpy())
