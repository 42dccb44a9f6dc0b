"""Small workspaces with embeddings, in which some classes sound like themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cca_tools.associations.associate import associate
from cca_tools.datasets.manifest import write_manifest
from cca_tools.taggers.labels import audioset_labels
from cca_tools.tagging.rows import tag_schema

LABELS = audioset_labels()
MID_OF = dict(zip(LABELS.names, LABELS.mids, strict=True))
COMMON = ("Speech", "Music", "Vehicle")
# class -> its own audio class; an empty one hears only what all hear
CLASSES = {
    "dog_bark": "Bark", "PlayingCello": "Cello", "RingingBell": "Bell", "Typing": "Typing",
    "cat_meow": "Meow", "ChurchOrgan": "Organ", "rain": "Rain",
    "BabyCrying": "Baby cry, infant cry",
    "WallPainting": "", "TaiChi": "", "Yoga": "", "ApplyMascara": "",
}  # fmt: skip
TRUTH = {name: "highly" if own else "not" for name, own in CLASSES.items()}
DIM = 8
FINGERPRINT = "b" * 64


def write_study(
    root: Path, keep: tuple[str, ...] = ("embedding",), groups: int = 4, clips: int = 2
) -> Path:
    """Write manifest, tags and associations of 12 classes; half a class's clips share a group."""
    rng = np.random.default_rng(7)
    videos, rows = [], []
    centres = rng.normal(size=(len(CLASSES), DIM)) * 6
    for number, (name, own) in enumerate(CLASSES.items()):
        for group in range(groups):
            for clip in range(clips):
                video_id = f"{name}/g{group}_c{clip}"
                videos.append((video_id, name, "train" if group else "test", f"{name}/g{group}"))
                centre = centres[number] if own else np.zeros(DIM)
                heard = [*([own] if own else []), *rng.permutation(COMMON)]
                rows.append(_row(video_id, heard, centre + rng.normal(size=DIM), keep))
    root.mkdir(parents=True, exist_ok=True)
    write_manifest(_manifest(videos), root / "manifest.parquet")
    _write_tags(root / "tags", rows, keep)
    associate(root, bootstrap=10, permutations=10, figures=False)
    return root


def _row(video_id: str, heard: list[str], embedding: np.ndarray, keep: tuple[str, ...]):
    row = {
        "video_id": video_id, "tagger": "efficientat-mn04", "fingerprint": FINGERPRINT,
        "status": "ok", "detail": "", "source": "", "seconds": 10.0, "rms_dbfs": -20.0,
        "peak_dbfs": -3.0, "mids": [MID_OF[tag] for tag in heard],
        "scores": [0.9 - 0.1 * place for place in range(len(heard))],
    }  # fmt: skip
    if "embedding" in keep:
        row["embedding"] = embedding.astype(np.float16)
    if "scores" in keep:
        scores = np.full(len(LABELS), 0.01)
        scores[[LABELS.mids.index(MID_OF[tag]) for tag in heard]] = 0.8
        row["scores_all"] = scores.astype(np.float16)
    return row


def _manifest(videos: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(videos, columns=["video_id", "class_name", "split", "group"])
    return frame.assign(
        path=frame["video_id"] + ".mp4", start_s=0.0, end_s=10.0, duration_s=10.0,
        has_audio=True, has_video=True, bytes=1000, root="/videos",
    )  # fmt: skip


def _write_tags(folder: Path, rows: list[dict], keep: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    schema = tag_schema(list(keep), len(LABELS), DIM)
    name = f"efficientat-mn04-{FINGERPRINT[:12]}"
    for number, part in enumerate(np.array_split(np.arange(len(rows)), 2), start=1):
        table = pa.Table.from_pylist([rows[index] for index in part], schema=schema)
        pq.write_table(table, folder / f"{name}-{number:06d}.parquet")
    about = {
        "tagger": "efficientat-mn04", "fingerprint": FINGERPRINT,
        "settings": {"top_k": 4, "keep": list(keep)},
        "label_space": {"name": "audioset", "hash": LABELS.hash}, "embedding_dim": DIM,
        "started_utc": "2026-01-01T00:00:00+00:00", "updated_utc": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    (folder / f"_{name}.json").write_text(json.dumps(about))
