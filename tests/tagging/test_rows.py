"""Decibels, the order of the top classes, and the columns of a shard."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cca_tools.tagging.rows import (
    COUNTED,
    FAILED,
    NOT_COUNTED,
    STATUSES,
    dbfs,
    describe_counts,
    tag_schema,
    top_classes,
)


@pytest.mark.parametrize(
    ("amplitude", "level"),
    [(1.0, 0.0), (10.0, 20.0), (0.1, -20.0), (0.001, -60.0), (1e-6, -120.0), (1e-9, -120.0),
     (0.0, -120.0), (-0.0, -120.0), (2 ** -0.5, -3.0103)],
)  # fmt: skip
def test_decibels(amplitude, level):
    assert dbfs(amplitude) == pytest.approx(level, abs=1e-4)


@given(
    probs=arrays(np.float32, st.integers(1, 30), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    k=st.integers(1, 30),
)
def test_top_classes_against_sorting_by_hand(probs, k):
    by_hand = sorted(range(len(probs)), key=lambda place: (-probs[place], place))[:k]
    assert top_classes(probs, k).tolist() == by_hand


def test_statuses_are_those_of_the_design():
    assert STATUSES == (
        "ok", "partial", "silent", "no_audio_stream", "decode_error", "decoder_crash", "timeout",
        "missing_file",
    )  # fmt: skip
    assert COUNTED == ("ok", "partial")
    assert set(COUNTED) | set(NOT_COUNTED) == set(STATUSES)
    assert set(FAILED) < set(NOT_COUNTED)
    assert {"silent", "no_audio_stream"}.isdisjoint(FAILED)


def test_counts_in_words():
    assert describe_counts({}) == ""
    assert describe_counts({"timeout": 1, "ok": 2, "silent": 0}) == "ok 2, timeout 1"


def test_columns_of_a_shard():
    plain = tag_schema((), 527, 2048)
    assert plain.names == [
        "video_id", "tagger", "fingerprint", "status", "detail", "source", "seconds",
        "rms_dbfs", "peak_dbfs", "mids", "scores",
    ]  # fmt: skip
    assert plain.field("scores").type == pa.list_(pa.float32())
    full = tag_schema(("scores", "embedding"), 527, 2048)
    assert full.field("scores_all").type == pa.list_(pa.float16(), 527)
    assert full.field("embedding").type == pa.list_(pa.float16(), 2048)
    assert "embedding" not in tag_schema(("scores",), 527, 2048).names


def test_nan_stays_nan_in_a_row_that_was_not_decoded():
    from cca_tools.tagging.rows import TagRow

    row = TagRow("a", "missing_file")
    assert math.isnan(row.rms_dbfs)
    assert math.isnan(row.peak_dbfs)
    assert row.probs is None
