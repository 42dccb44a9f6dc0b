"""From pieces to rows: batches and pieces change no score; a status is that of the sound."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import noise, warble
from tagging.fakes import FakeTagger

from cca_tools.media.audio import DecodedAudio, Span
from cca_tools.tagging.decoding import Job
from cca_tools.tagging.scoring import Scorer

RATE = 16_000


def decoded(samples, next_s=None, status="ok", detail=""):
    samples = np.asarray(samples, np.float32)
    return DecodedAudio(
        samples=samples,
        status=status,
        detail=detail,
        seconds=len(samples) / RATE,
        peak=float(np.abs(samples).max(initial=0)),
        energy=float(np.dot(samples, samples)),
        num_samples=len(samples),
        next_s=next_s,
    )


def job(name):
    return Job(name, f"{name}.wav", Span())


def rows_of(pieces, tagger=None, pooling="mean", batch_size=0):
    """The rows of pieces given as (name, piece), by name."""
    rows = []
    scorer = Scorer(tagger or FakeTagger(), pooling, batch_size, rows.append)
    scorer.run((job(name), piece) for name, piece in pieces)
    assert len({row.video_id for row in rows}) == len(rows)
    return {row.video_id: row for row in rows}


def by_hand(samples, pooling="mean"):
    """Scores of one clip: whole up to 30 s, else windows of 10 s weighted with their lengths."""
    tagger = FakeTagger()
    step = len(samples) if len(samples) <= 30 * RATE else 10 * RATE
    starts = [start for start in range(0, len(samples), step) if len(samples) - start >= RATE]
    ends = [*starts[1:], len(samples)]  # a rest of less than 1 s stays with the window before it
    windows = [samples[slice(*part)] for part in zip(starts or [0], ends, strict=True)]
    probs = np.stack([tagger.score([tagger.features(window)]).probs[0] for window in windows])
    if pooling == "max":
        return probs.max(axis=0)
    return np.average(probs, axis=0, weights=[len(window) for window in windows])


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("seconds", [0.05, 3, 30, 30.5, 47])
def test_scores_against_windows_by_hand(pooling, seconds):
    samples = warble(seconds, RATE, seed=3)
    row = rows_of([("a", decoded(samples))], pooling=pooling)["a"]
    assert row.probs == pytest.approx(by_hand(samples, pooling), abs=1e-6)
    assert row.embedding == pytest.approx(by_hand(samples)[:4], abs=1e-6)
    assert row.seconds == len(samples) / RATE


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 45 * RATE), min_size=1, max_size=6),
    batch_size=st.sampled_from([1, 2, 16]),
    piece_s=st.sampled_from([7, 13, 120]),
    seed=st.integers(0, 100),
)
def test_neither_batches_nor_pieces_nor_neighbours_matter(lengths, batch_size, piece_s, seed):
    rng = np.random.default_rng(seed)
    queues = {}
    for number, length in enumerate(lengths):
        samples = noise(length / RATE, RATE, seed=seed + number) + 0.01
        cuts = range(0, len(samples), piece_s * RATE)
        parts = [samples[start : start + piece_s * RATE] for start in cuts]
        ends = [*range(1, len(parts)), None]
        queues[f"v{number}"] = [decoded(part, end) for part, end in zip(parts, ends, strict=True)]
    whole = {name: np.concatenate([p.samples for p in parts]) for name, parts in queues.items()}
    mixed = []
    while queues:
        name = str(rng.choice(sorted(queues)))
        mixed.append((name, queues[name].pop(0)))
        if not queues[name]:
            del queues[name]
    rows = rows_of(mixed, batch_size=batch_size)
    assert set(rows) == set(whole)
    for name, samples in whole.items():
        assert rows[name].probs == pytest.approx(by_hand(samples), abs=1e-5)
        assert rows[name].seconds == pytest.approx(len(samples) / RATE)
        rms = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
        assert rows[name].rms_dbfs == pytest.approx(20 * np.log10(rms), abs=1e-3)


@pytest.mark.parametrize("status", ["timeout", "decoder_crash", "decode_error"])
def test_a_failure_on_the_way_is_partial_and_one_at_the_start_is_not(status):
    sound = noise(12, RATE)
    rows = rows_of(
        [
            ("late", decoded(sound, next_s=12.0)),
            ("early", decoded([], status=status, detail="why")),
            ("late", decoded([], status=status, detail="why")),
        ]
    )
    assert (rows["early"].status, rows["early"].detail) == (status, "why")
    assert rows["early"].probs is None
    assert (rows["late"].status, rows["late"].seconds) == ("partial", 12.0)
    assert rows["late"].detail == f"stopped after 12 s: {status}: why"
    assert rows["late"].probs == pytest.approx(by_hand(sound), abs=1e-6)


def test_a_failure_after_silence_is_told_with_it():
    rows = rows_of(
        [
            ("a", decoded(np.zeros(RATE * 12), next_s=12.0)),
            ("a", decoded([], status="decoder_crash", detail="why")),
        ]
    )
    assert rows["a"].status == "silent"
    assert rows["a"].detail == "stopped after 12 s: decoder_crash: why; all below -60 dBFS"


def test_the_same_detail_of_many_pieces_is_told_once():
    parts = [decoded(noise(9, RATE), end, detail="2 audio streams") for end in (1.0, 2.0, None)]
    assert rows_of([("a", part) for part in parts])["a"].detail == "2 audio streams"


@pytest.mark.parametrize(
    ("peak", "status"), [(0.0, "silent"), (0.000999, "silent"), (0.001001, "ok"), (1.0, "ok")]
)
@pytest.mark.parametrize("seconds", [2, 65])
def test_silence_is_a_peak_below_minus_60_db(peak, status, seconds):
    samples = np.zeros(seconds * RATE, np.float32)
    samples[seconds * RATE // 2] = peak
    row = rows_of([("a", decoded(samples))])["a"]
    assert row.status == status
    assert row.peak_dbfs == pytest.approx(max(-120, 20 * np.log10(peak + 1e-30)), abs=1e-3)
    assert (row.probs is None) == (status == "silent")


def test_sound_in_the_last_piece_wakes_a_silent_video():
    rows = rows_of(
        [
            ("a", decoded(np.zeros(RATE * 40), next_s=40.0)),
            ("a", decoded(noise(10, RATE))),
        ]
    )
    assert rows["a"].status == "ok"
    assert rows["a"].probs is not None


def test_scores_that_are_no_numbers_do_not_count():
    class Broken(FakeTagger):
        def score(self, features):
            scores = super().score(features)
            scores.probs[:] = np.nan
            return scores

    row = rows_of([("a", decoded(noise(1, RATE)))], Broken())["a"]
    assert (row.status, row.probs) == ("decode_error", None)
    assert row.detail == "the scores are no numbers: the sound is damaged"


def test_an_error_of_the_network_ends_the_run():
    class Failing(FakeTagger):
        def score(self, features):
            raise RuntimeError("out of device memory")

    with pytest.raises(RuntimeError, match="out of device memory"):
        rows_of([("a", decoded(noise(1, RATE)))], Failing())


def test_batches_hold_no_more_sound_than_asked_for():
    sizes = []
    lock = threading.Lock()

    class Counting(FakeTagger):
        def score(self, features):
            with lock:
                sizes.append(len(features))
            return super().score(features)

    pieces = [(f"v{number}", decoded(noise(5, RATE, seed=number))) for number in range(21)]
    rows = rows_of(pieces, Counting(), batch_size=2)
    assert len(rows) == sum(sizes) == 21
    assert max(sizes) == 4  # 2 windows of 10 s are 4 clips of 5 s


def test_no_videos_is_no_rows():
    assert rows_of([]) == {}
