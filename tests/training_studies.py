"""Small studies made of arrays: gratings that drift, one orientation a class, under noise."""

from __future__ import annotations

import numpy as np

from ccl.data.frame_store import ArrayStore
from ccl.data.study import Study
from ccl.data.tables import TeacherTable, VideoTable

FRAMES, SIZE, WIDTH = 8, 32, 12


def grating(rng, target, classes, noise):
    """uint8 (T, H, W, 3): stripes of the class's orientation, any phase, speed and colour."""
    angle = np.pi * target / classes
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    along = x * np.cos(angle) + y * np.sin(angle)
    phase, speed = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
    wave = np.stack([np.sin(2 * np.pi * 5 * along + phase + speed * t) for t in range(FRAMES)])
    colour = rng.uniform(0.3, 1, 3)
    clean = 127 + 90 * wave[..., None] * colour
    return np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)


def table(names, targets, classes, first):
    count = len(targets)
    rows = np.arange(first, first + count)
    return VideoTable(
        tuple(f"{names}{i}" for i in range(count)),
        np.asarray(targets, np.int64),
        tuple(f"{names}-group{i // 2}" for i in range(count)),
        rows,
        tuple(f"class{t}" for t in targets),
        rows,
    )


def make_study(
    *, classes=3, per_class=(6, 2, 2), seed=0, noise=40.0, audio=None, absent=0.0, width=WIDTH
):
    """A study of train, val and test videos.

    ``audio`` is None, ``own`` (a vector a class, with noise), or ``any`` (vectors of nothing).
    """
    rng = np.random.default_rng(seed)
    parts = [np.repeat(np.arange(classes), n) for n in per_class]
    targets = np.concatenate(parts)
    store = ArrayStore({f"v{i}": grating(rng, t, classes, noise) for i, t in enumerate(targets)})
    tables, first = [], 0
    for name, part in zip(("train", "val", "test"), parts, strict=True):
        tables.append(table(name, part, classes, first))
        first += len(part)
    teachers = {}
    if audio:
        means = rng.normal(0, 1, (classes, width))
        values = rng.normal(0, 0.5, (len(targets), width))
        values += means[targets] if audio == "own" else means[rng.permutation(targets)]
        present = rng.random(len(targets)) >= absent
        values[~present] = 0
        teachers["audio"] = TeacherTable("planted", values.astype(np.float32), present)
    return Study(tuple(f"class{c}" for c in range(classes)), *tables, store, teachers)
