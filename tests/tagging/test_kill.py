"""Killed at any moment and started again, a run ends with what an undisturbed one has."""

from __future__ import annotations

import random
import signal
import time

import pandas as pd
import pytest
from tagging.comparing import arguments, assert_same, leftovers, shards


def test_the_truth_is_what_the_clips_are(truth, clips_manifest):
    odd = truth.rows[truth.rows["status"] != "ok"]["status"].to_dict()
    assert odd == {
        "class0/mute": "no_audio_stream",
        "class1/zeros": "silent",
        "class2/broken": "decode_error",
        "class4/gone": "missing_file",
    }
    assert list(truth.rows.index) == sorted(pd.read_parquet(clips_manifest)["video_id"])


def resume(cli, study, truth):
    """Run to the end and compare; seeds and moments are over."""
    code, text = cli.run(*arguments(study))
    assert code == 1, text
    assert "Traceback" not in text
    assert_same(study.rows(), truth.rows)
    assert leftovers(study) == []


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_moment_of_the_clock(cli, study_of, clips_manifest, truth, seed):
    study = study_of(clips_manifest)
    run = cli.start(*arguments(study))
    time.sleep(random.Random(seed).uniform(0.1, 0.9) * truth.seconds)
    if run.poll() is None:
        run.kill(signal.SIGKILL)
    assert run.wait() in (-signal.SIGKILL, 1)  # the machine may be faster this time
    resume(cli, study, truth)


@pytest.mark.parametrize("seed", range(7))
def test_killed_at_a_row(cli, study_of, clips_manifest, truth, seed):
    study = study_of(clips_manifest)
    row = random.Random(seed).randint(1, 41)
    run = cli.start(*arguments(study), signal_at=("row", row, signal.SIGKILL))
    assert run.wait() == -signal.SIGKILL
    written = len(study.rows()) if shards(study) else 0
    assert written == (row - 1) // 4 * 4
    resume(cli, study, truth)


@pytest.mark.parametrize("seed", range(7))
def test_killed_within_a_write(cli, study_of, clips_manifest, truth, seed):
    """An odd sync is of a file not yet in place, an even one of its folder."""
    study = study_of(clips_manifest)
    sync = random.Random(seed).randint(2, 20) if seed else 1
    run = cli.start(*arguments(study), signal_at=("sync", sync, signal.SIGKILL))
    assert run.wait() == -signal.SIGKILL
    assert len(leftovers(study)) == sync % 2
    resume(cli, study, truth)


def test_killed_again_and_again(cli, study_of, clips_manifest, truth):
    """Each start gets four rows further and is killed at the fifth, or while it writes them."""
    study = study_of(clips_manifest)
    for number in range(8):
        at = ("row", 6) if number % 2 else ("sync", 5)
        run = cli.start(*arguments(study), signal_at=(*at, signal.SIGKILL))
        assert run.wait() == -signal.SIGKILL
    assert 4 <= len(study.rows()) < 41
    resume(cli, study, truth)
