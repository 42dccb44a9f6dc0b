"""Predictions made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccl.evaluation.predictions import Predictions

CLASSES = ("dog", "cat|s", "$owl$")


def make_predictions(targets, probs, embeddings=None, split="test", groups=None, clips=2):
    probs = np.asarray(probs, np.float32)
    targets, count = np.asarray(targets, np.int64), len(targets)
    embeddings = probs if embeddings is None else np.asarray(embeddings, np.float32)
    classes = CLASSES if probs.shape[1] == 3 else tuple(f"c{i}" for i in range(probs.shape[1]))
    videos = pd.DataFrame(
        {
            "video_id": [f"{split}/{i}" for i in range(count)],
            "class_name": [classes[t] for t in targets],
            "split": split,
            "group": groups if groups is not None else [f"{split}{i // 2}" for i in range(count)],
            "target": targets,
            "clips": clips,
            "clip_top1": np.linspace(0, 1, count),
            "clip_top5": 1.0,
        }
    )
    return Predictions(classes, videos, probs, embeddings.reshape(count, -1))


def random_predictions(num_classes, per_class, seed=0, split="test", signal=2.0, width=16):
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(num_classes), per_class)
    centres = np.random.default_rng(99).standard_normal((num_classes, width))
    embeddings = signal * centres[targets] + rng.standard_normal((len(targets), width))
    logits = embeddings @ centres.T / width**0.5
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    return make_predictions(targets, probs, embeddings, split)
