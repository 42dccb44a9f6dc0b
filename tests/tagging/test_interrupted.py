"""Ctrl-C, SIGTERM, dying decoders, a second run: what is done is kept, and the user is told."""

from __future__ import annotations

import json
import os
import random
import signal
import time

import psutil
import pytest
from tagging.comparing import arguments, assert_same, leftovers, shards

STOPPED = "stopped; what is tagged is kept: run the same command to go on"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("row", [1, 10])
def test_a_polite_stop_keeps_every_finished_row(cli, study_of, clips_manifest, truth, number, row):
    study = study_of(clips_manifest)
    code, text = cli.run(*arguments(study), signal_at=("row", row, number))
    assert (code, text.splitlines()[-1]) == (130, STOPPED)
    assert "Traceback" not in text
    assert len(study.rows()) == row - 1
    assert leftovers(study) == []
    code, text = cli.run(*arguments(study))
    assert code == 1
    assert (f"{row - 1} videos were tagged before" in text) == (row > 1)
    assert_same(study.rows(), truth.rows)


@pytest.mark.parametrize("sync", range(4, 9))
def test_a_stop_within_a_write_neither_loses_nor_doubles(
    cli, study_of, clips_manifest, truth, sync
):
    """The 5th sync is the first shard's, the 6th its folder's: then it is in place already."""
    study = study_of(clips_manifest)
    code, _ = cli.run(*arguments(study), signal_at=("sync", sync, signal.SIGINT))
    assert code == 130
    tagged = study.rows()
    assert tagged.index.is_unique
    assert len(tagged) >= 4 * ((sync - 3) // 2)
    assert leftovers(study) == []
    cli.run(*arguments(study))
    assert_same(study.rows(), truth.rows)


def decoders_of(run):
    """The decoding processes of a run."""
    try:
        children = psutil.Process(run.pid).children()
        return [child for child in children if "cca_tools.media.child" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


@pytest.mark.parametrize("seed", [0, 1])
def test_decoders_that_are_killed_cost_at_most_their_own_videos(
    cli, study_of, clips_manifest, truth, seed
):
    """One while the run is held at a row, so that it is there for certain, and one later."""
    rng = random.Random(seed)
    study = study_of(clips_manifest)
    run = cli.start(*arguments(study), signal_at=("row", rng.randint(2, 9), signal.SIGSTOP))
    wait_until(lambda: is_stopped(run))
    (first,) = decoders_of(run)
    first.kill()
    run.kill(signal.SIGCONT)
    time.sleep(rng.uniform(0.0, 0.5))
    for second in decoders_of(run):
        second.kill()
    assert run.wait() == 1, run.text()
    rows = study.rows()
    assert list(rows.index) == list(truth.rows.index)
    crashed = rows[rows["status"] == "decoder_crash"]
    assert set(crashed["detail"]) <= {"the decoder was ended by SIGKILL"}
    rest = ~rows.index.isin(crashed.index)
    assert_same(rows[rest], truth.rows[rest])
    code, _ = cli.run(*arguments(study, "--retry-failed"))
    assert code == 1
    assert_same(study.rows(), truth.rows)


def test_no_decoder_outlives_a_killed_run(cli, study_of, clips_manifest):
    study = study_of(clips_manifest)
    run = cli.start(*arguments(study), signal_at=("row", 5, signal.SIGSTOP))
    wait_until(lambda: decoders_of(run) and is_stopped(run))
    decoders = decoders_of(run)
    run.kill(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    wait_until(lambda: not any(child.is_running() for child in decoders))


def is_stopped(run):
    return psutil.Process(run.pid).status() == psutil.STATUS_STOPPED


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_second_run_on_a_workspace_is_told_who_holds_it(cli, study_of, clips_manifest, truth):
    study = study_of(clips_manifest)
    first = cli.start(*arguments(study), signal_at=("row", 9, signal.SIGSTOP))
    wait_until(lambda: is_stopped(first))
    for other in (arguments(study), arguments(study, "--restart"), arguments(study, "--top-k", 3)):
        code, text = cli.run(*other)
        assert code == 1
        (line,) = text.splitlines()
        assert line.startswith(f"cca-tools: the workspace {study.workspace.root} is held by ")
        assert f"`{' '.join(map(str, ('cca-tools', *arguments(study))))}`" in line
        assert f"(process {first.pid} on {os.uname().nodename}, since " in line
        assert line.endswith("Wait until it ends, or choose another folder with --workspace.")
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait() == 1
    assert_same(study.rows(), truth.rows)
    assert not (study.workspace.root / ".holder.json").exists()


def test_a_lock_does_not_outlive_its_holder(cli, study_of, clips_manifest, truth):
    """The file that names the holder stays behind; the lock itself does not."""
    study = study_of(clips_manifest)
    cli.start(*arguments(study), signal_at=("row", 9, signal.SIGKILL)).wait()
    holder = json.loads((study.workspace.root / ".holder.json").read_text())
    assert holder["command"].startswith("cca-tools tag-audio")
    assert cli.run(*arguments(study))[0] == 1
    assert_same(study.rows(), truth.rows)


def test_the_summary_of_a_run_that_was_resumed_counts_all(cli, study_of, clips_manifest):
    study = study_of(clips_manifest)
    cli.start(*arguments(study), signal_at=("row", 21, signal.SIGKILL)).wait()
    assert len(shards(study)) == 5
    code, text = cli.run(*arguments(study, "--json"))
    assert code == 1
    report = json.loads(text[text.index("{") :])
    assert report["done_before"] == 20
    assert report["counts"] == {
        "ok": 37, "partial": 0, "silent": 1, "no_audio_stream": 1, "decode_error": 1,
        "decoder_crash": 0, "timeout": 0, "missing_file": 1,
    }  # fmt: skip
