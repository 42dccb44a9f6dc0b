"""The measures of each video: right in recognition, found in retrieval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from ccl.evaluation.predictions import Predictions
from ccl.evaluation.recognition import topk_hits
from ccl.evaluation.retrieval import KS, Items, Recall, recall_at

OTHER_GROUPS = "_other_groups"
RECOGNITION = ("top1", "top5", "clip_top1", "clip_top5")
RECALL = tuple(f"r{k}" for k in KS)
MEASURES = (*RECOGNITION, *RECALL, *(name + OTHER_GROUPS for name in RECALL))


@dataclass(frozen=True)
class Measured:
    """The measures of N videos.

    Args:
        values: N rows; the columns are `MEASURES`: ``top1`` and ``top5`` of the video (softmax
            averaged over its clips), ``clip_top1`` and ``clip_top5`` the share of its clips,
            ``rK`` recall at K in the gallery, ``rK_other_groups`` without the items of its own
            group. NaN where undefined.
        chance: What a network that knows nothing would reach, in the same form.
        counts: How often each special case was met.
    """

    values: pd.DataFrame
    chance: pd.DataFrame
    counts: dict[str, int]


def measure_videos(
    videos: Predictions, gallery: Predictions, device: torch.device | str = "cpu"
) -> Measured:
    """Return the measures of each video.

    Args:
        videos: N videos: the queries.
        gallery: Other videos, to be retrieved.
        device: Where cosines are computed.
    """
    targets = videos.videos["target"].to_numpy()
    found = recall_at(_items(videos), _items(gallery), KS, device=device)
    assert found.other_groups is not None  # both sides give groups
    num_classes = len(videos.classes)
    values = {
        "top1": topk_hits(videos.probs, targets, 1),
        "top5": topk_hits(videos.probs, targets, 5),
        "clip_top1": videos.videos["clip_top1"].to_numpy(),
        "clip_top5": videos.videos["clip_top5"].to_numpy(),
    }
    chance = {
        name: np.full(len(videos), min(1.0, int(name[-1]) / num_classes)) for name in RECOGNITION
    }
    for recall, suffix in ((found.all_items, ""), (found.other_groups, OTHER_GROUPS)):
        values |= {name + suffix: recall.hits[:, i] for i, name in enumerate(RECALL)}
        chance |= {name + suffix: recall.chance[:, i] for i, name in enumerate(RECALL)}
    counts = {
        "not_finite": int((~np.isfinite(videos.probs)).any(axis=1).sum()),
        "queries_not_finite": found.not_finite[0],
        "gallery_not_finite": found.not_finite[1],
        "queries_zero": found.zero[0],
        "gallery_zero": found.zero[1],
        **_undefined(found.all_items, ""),
        **_undefined(found.other_groups, OTHER_GROUPS),
    }
    return Measured(
        pd.DataFrame(values, columns=list(MEASURES)),
        pd.DataFrame(chance, columns=list(MEASURES)),
        counts,
    )


def _undefined(recall: Recall, suffix: str) -> dict[str, int]:
    return {f"no_gallery{suffix}": recall.no_gallery, f"no_relevant{suffix}": recall.no_relevant}


def _items(predictions: Predictions) -> Items:
    return Items(
        predictions.embeddings,
        predictions.videos["target"].to_numpy(),
        predictions.videos["group"].tolist(),
    )
