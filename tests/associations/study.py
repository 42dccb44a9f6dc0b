"""Small studies on disk and in memory, and what a naive reader would count in them."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cca_tools.datasets.manifest import write_manifest
from cca_tools.taggers.labels import audioset_labels
from cca_tools.tagging.rows import tag_schema

LABELS = audioset_labels()
SPEECH, MALE, FEMALE, CHILD = LABELS.mids[:4]
FINGERPRINT = "a" * 64
COUNTED = ("ok", "partial")


@dataclass(frozen=True)
class Video:
    video_id: str
    class_name: str
    mids: tuple[str, ...] = ()
    group: str = ""
    status: str = "ok"  # "untagged": it has no row in the tags
    scores: tuple[float, ...] | None = None

    def row(self) -> dict[str, Any]:
        counted = self.status in COUNTED
        scores = self.scores or tuple(0.9 - 0.05 * place for place in range(len(self.mids)))
        return {
            "video_id": self.video_id,
            "tagger": "efficientat-mn04",
            "fingerprint": FINGERPRINT,
            "status": self.status,
            "detail": "",
            "seconds": 10.0,
            "rms_dbfs": -20.0,
            "peak_dbfs": -3.0,
            "mids": list(self.mids) if counted else [],
            "scores": list(scores) if counted else [],
        }


def manifest_of(videos: Sequence[Video]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "video_id": [video.video_id for video in videos],
            "path": [f"{video.video_id}.mp4" for video in videos],
            "class_name": [video.class_name for video in videos],
            "split": "",
            "group": [video.group for video in videos],
            "start_s": 0.0,
            "end_s": 10.0,
            "duration_s": 10.0,
            "has_audio": True,
            "has_video": True,
            "bytes": 1000,
            "root": "/videos",
        }
    )


def tags_of(videos: Sequence[Video]) -> pd.DataFrame:
    return pd.DataFrame([video.row() for video in videos if video.status != "untagged"])


def write_tags(
    folder: Path,
    videos: Sequence[Video],
    *,
    tagger: str = "efficientat-mn04",
    fingerprint: str = FINGERPRINT,
    shards: int = 1,
    about: dict[str, Any] | None = None,
) -> list[Path]:
    """Write tags as tag-audio does, with ``about`` over what the run says of itself."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [video.row() for video in videos if video.status != "untagged"]
    for row in rows:
        row |= {"tagger": tagger, "fingerprint": fingerprint}
    name = f"{tagger}-{fingerprint[:12]}"
    paths = []
    for number, part in enumerate(np.array_split(np.arange(len(rows)), shards), start=1):
        path = folder / f"{name}-{number:06d}.parquet"
        table = pa.Table.from_pylist([rows[index] for index in part], schema=tag_schema([], 1, 1))
        pq.write_table(table, path)
        paths.append(path)
    told = {
        "tagger": tagger,
        "fingerprint": fingerprint,
        "settings": {"top_k": max((len(row["mids"]) for row in rows), default=0)},
        "label_space": {"name": "audioset", "hash": LABELS.hash},
        "updated_utc": "2026-01-01T00:00:00+00:00",
    }
    (folder / f"_{name}.json").write_text(json.dumps(told | (about or {})))
    return paths


def write_study(root: Path, videos: Sequence[Video], shards: int = 1) -> Path:
    """Write manifest and tags into a new workspace and return it."""
    root.mkdir(parents=True, exist_ok=True)
    write_manifest(manifest_of(videos), root / "manifest.parquet")
    write_tags(root / "tags", videos, shards=shards)
    return root


def random_study(
    rng: np.random.Generator,
    num_classes: int = 4,
    groups: int = 5,
    top_k: int = 3,
    num_codes: int = 8,
) -> list[Video]:
    """Return videos in groups, with all statuses, and audio classes that lean on the class."""
    videos = []
    for class_id in range(num_classes):
        for group in range(groups):
            for clip in range(int(rng.integers(1, 5))):
                weights = rng.random(num_codes)
                weights[class_id % num_codes] += 0.4
                codes = np.argsort(-weights)[:top_k]
                videos.append(
                    Video(
                        f"c{class_id}/g{group}_{clip}",
                        f"class {class_id}",
                        tuple(LABELS.mids[code] for code in codes),
                        group="" if group == 0 else f"g{group}",
                        status=str(
                            rng.choice(
                                ["ok", "partial", "silent", "timeout", "untagged"],
                                p=[0.7, 0.1, 0.08, 0.06, 0.06],
                            )
                        ),
                        scores=tuple(np.sort(rng.random(top_k).astype(np.float32))[::-1].tolist()),
                    )
                )
    return videos


def naive_table(videos: Sequence[Video], top_k: int) -> dict[tuple[str, str], dict[str, float]]:
    """Count and measure with plain loops: (class, mid) -> what is known of the pair."""
    counted = [video for video in videos if video.status in COUNTED]
    support = Counter(video.class_name for video in counted)
    total: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for video in counted:
        for mid, score in zip(video.mids[:top_k], video.row()["scores"], strict=False):
            total[mid] += 1
            both[video.class_name, mid] += 1
            scores[video.class_name, mid].append(float(np.float32(score)))
    num = len(counted)
    tokens = sum(total.values())
    table = {}
    for (name, mid), number in both.items():
        inside = sum(count for (other, _), count in both.items() if other == name)
        here, there = number + total[mid], total[mid] - number + total[mid]
        odds = here / (inside + tokens - here)
        rest = there / (tokens - inside + tokens - there)
        table[name, mid] = {
            "videos": number,
            "support": support[name],
            "share": number / support[name],
            "base_share": total[mid] / num,
            "lift": (number / support[name]) / (total[mid] / num),
            "npmi": math.log(number * num / (support[name] * total[mid])) / -math.log(number / num),
            "log_odds_z": (math.log(odds) - math.log(rest)) / math.sqrt(1 / here + 1 / there),
            "mean_score": sum(scores[name, mid]) / number,
        }
    return table
