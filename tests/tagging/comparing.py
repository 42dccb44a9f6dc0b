"""Comparing what two runs left on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cca_tools.tagging.rows import COUNTED, STATUSES
from cca_tools.workspace import TEMP_PREFIX


def plain(value):
    """Lists come back from Parquet as arrays."""
    return list(value) if isinstance(value, np.ndarray) else value


def assert_same(tags, truth):
    """The same ids, each once, with the same tags; scores within 1e-5."""
    assert tags.index.is_unique
    assert list(tags.index) == list(truth.index)
    for column in ("status", "detail", "mids"):
        assert tags[column].map(plain).to_dict() == truth[column].map(plain).to_dict(), column
    for column in ("seconds", "rms_dbfs", "peak_dbfs"):
        pd.testing.assert_series_equal(tags[column], truth[column], rtol=1e-6)
    scores, expected = np.concatenate([*tags["scores"]]), np.concatenate([*truth["scores"]])
    assert np.abs(scores - expected).max() < 1e-5


def leftovers(study):
    """The temporary files in a workspace."""
    return [path.name for path in study.workspace.root.rglob(f"{TEMP_PREFIX}*")]


def shards(study):
    """The shards in a workspace, in order."""
    return sorted(study.workspace.tags.glob("*.parquet"))


def arguments(study, *more):
    """The command line that tags a study."""
    return ("tag-audio", "-w", study.workspace.root, "--top-k", 5, "--workers", 1, *more)


def check_rows(rows, ids):
    """One row for each id, and in each nothing that contradicts its status."""
    assert list(rows.index) == sorted(ids)
    assert set(rows["status"]) <= set(STATUSES)
    for video_id, row in rows.iterrows():
        scores = np.asarray(row["scores"], dtype=np.float64)
        if row["status"] in COUNTED:
            assert len(scores) == len(row["mids"]) == 5, video_id
            assert np.isfinite(scores).all(), video_id
            assert (np.diff(scores) <= 0).all(), video_id
            assert row["seconds"] > 0, video_id
            assert row["peak_dbfs"] >= -60, video_id
            assert row["rms_dbfs"] <= row["peak_dbfs"] + 1e-4, video_id
        else:
            assert len(scores) == len(row["mids"]) == 0, video_id
        if row["status"] == "silent":
            assert not row["peak_dbfs"] >= -60, video_id
        if row["status"] not in ("ok", "no_audio_stream"):
            assert row["detail"], (video_id, row["status"])
        assert "\n" not in row["detail"]
