"""Decoding ahead: every job, its pieces in order, never too many at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from makers import Track, beep_times_s, beeps, noise, write_media
from tagging.conftest import manifest_of

from cca_tools.media.audio import Span, decode_audio
from cca_tools.media.guard import GuardedPool
from cca_tools.tagging.decoding import Job, decode_ahead, jobs_of, span_of

RATE = 16_000


@pytest.fixture(scope="module")
def pool():
    with GuardedPool(2, 60) as made:
        yield made


def test_jobs_are_the_rows(tmp_path):
    manifest = manifest_of([tmp_path / "b.wav", tmp_path / "a.wav"], tmp_path)
    manifest["start_s"] = [1.5, np.nan]
    manifest["end_s"] = [np.nan, 9.0]
    assert list(jobs_of(manifest)) == [
        Job("b", str(tmp_path / "b.wav"), Span(1.5, None), "missing@1.5-0"),
        Job("a", str(tmp_path / "a.wav"), Span(0.0, 9.0), "missing@0-9"),
    ]
    assert span_of({"start_s": np.nan, "end_s": np.nan}) == Span()


def test_pieces_of_a_job_come_in_order_and_are_the_whole(tmp_path, pool):
    jobs = []
    for number in range(4):
        path = write_media(
            tmp_path / f"{number}.wav", Track(noise(10 + number, RATE, seed=number), RATE)
        )
        jobs.append(Job(str(number), str(path), Span(max_s=2.0)))
    found: dict[str, list[np.ndarray]] = {}
    ended = []
    for job, piece in decode_ahead(pool, jobs, RATE, ahead=3):
        assert job.video_id not in ended
        found.setdefault(job.video_id, []).append(piece.samples)
        if piece.next_s is None:
            ended.append(job.video_id)
    assert sorted(ended) == ["0", "1", "2", "3"]
    for job in jobs:
        whole = decode_audio(job.path, RATE).samples
        assert len(found[job.video_id]) >= 5
        assert np.array_equal(np.concatenate(found[job.video_id]), whole)


def test_a_long_segment_is_cut_where_it_should_be(tmp_path, pool):
    """From 3.5 to 18.5 s, in pieces of 4 s: the beeps of seconds 4 to 18."""
    path = write_media(tmp_path / "a.m4a", Track(beeps(25, 44_100), 44_100, "aac"))
    job = Job("a", str(path), Span(3.5, 18.5, 4.0))
    pieces = [piece for _, piece in decode_ahead(pool, [job], RATE, ahead=4)]
    joined = np.concatenate([piece.samples for piece in pieces])
    expected = np.arange(15) + 0.5
    assert np.array(beep_times_s(joined, RATE)) == pytest.approx(expected, abs=0.03)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(15, abs=0.001)


def test_no_more_jobs_are_drawn_than_ahead(tmp_path, pool):
    path = str(write_media(tmp_path / "a.wav", Track(noise(0.1, RATE), RATE)))
    drawn = 0

    def jobs():
        nonlocal drawn
        for number in range(40):
            drawn += 1
            yield Job(str(number), path, Span())

    for seen, _ in enumerate(decode_ahead(pool, jobs(), RATE, ahead=5)):
        assert drawn <= seen + 5
    assert drawn == 40


def test_failures_are_the_last_piece(tmp_path, pool):
    jobs = [Job("gone", str(tmp_path / "gone.wav"), Span())]
    ((_, piece),) = decode_ahead(pool, jobs, RATE, ahead=2)
    assert (piece.status, piece.next_s, len(piece.samples)) == ("missing_file", None, 0)
    assert list(decode_ahead(pool, [], RATE, ahead=2)) == []


def test_numbers_of_a_frame_may_be_of_any_kind():
    row = pd.Series({"start_s": np.float32(1.0), "end_s": 2})
    assert span_of(row) == Span(1.0, 2.0)
