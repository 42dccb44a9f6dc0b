"""Jobs are real processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ccl.ablation.engine import PARENT, Job, LocalEngine
from ccl.ablation.runner import run_jobs, why


def job(tmp_path, name, code):
    return Job(name, (sys.executable, "-S", "-c", code), tmp_path / f"{name}.log")


def unwatched(standing):
    del standing


def test_one_that_fails_leaves_the_others_alone(tmp_path):
    jobs = [
        job(tmp_path, "good", f"open({str(tmp_path / 'a')!r}, 'w').close()"),
        job(tmp_path, "bad", "import sys; print('begun'); sys.exit('the disk is on fire')"),
        job(tmp_path, "killed", "import os; print('half', flush=True); os.kill(os.getpid(), 9)"),
        job(tmp_path, "late", f"open({str(tmp_path / 'b')!r}, 'w').close()"),
    ]  # fmt: skip
    seen = []
    failed = run_jobs(jobs, LocalEngine(1), seen.append)
    assert failed == {
        1: "the disk is on fire",
        2: "ended by SIGKILL (often: out of memory); its last line: half",
    }
    assert (tmp_path / "a").exists()
    assert (tmp_path / "b").exists()
    assert (seen[-1].done, dict(seen[-1].failed), seen[-1].running) == (2, failed, ())


def test_as_many_run_at_once_as_there_are_slots(tmp_path):
    """Each waits for the other to have begun: one after another they would wait for ever."""
    code = (
        "import pathlib, time\n"
        "me, other = map(pathlib.Path, {!r})\n"
        "me.touch()\n"
        "while not other.exists(): time.sleep(0.01)\n"
    )
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    jobs = [job(tmp_path, "one", code.format((a, b))), job(tmp_path, "two", code.format((b, a)))]
    most = []
    assert run_jobs(jobs, LocalEngine(2), lambda s: most.append(len(s.running))) == {}
    assert max(most) <= 2


def test_when_stopped_jobs_are_asked_to_save(tmp_path):
    saved = tmp_path / "saved"
    code = (
        "import pathlib, signal, sys, time\n"
        f"def save(*_): pathlib.Path({str(saved)!r}).touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(60)\n"
    )

    def stop_when_ready(standing):
        if (tmp_path / "ready").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs([job(tmp_path, "one", code)], LocalEngine(1), stop_when_ready)
    assert saved.exists()


def test_jobs_have_a_gpu_each_and_share_the_processors(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    engine = LocalEngine(3, ("4", "6"))
    assert [engine.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == [
        "4",
        "6",
        "4",
    ]
    threads = int(engine.environment(0)["OMP_NUM_THREADS"])
    assert threads == max(1, (os.cpu_count() or 1) // 3)
    assert engine.environment(0)[PARENT] == str(os.getpid())
    alone = LocalEngine(1).environment(0)
    assert "CUDA_VISIBLE_DEVICES" not in alone
    assert "OMP_NUM_THREADS" not in alone
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert "OMP_NUM_THREADS" not in LocalEngine(2).environment(0)


def test_a_killed_ablation_leaves_no_job_behind(tmp_path):
    """The parent is killed; the job, which no one told, must be gone."""
    mark = tmp_path / "mark"
    child = (
        "import os, pathlib, time\n"
        "from ccl.ablation.cell import die_with\n"
        f"die_with(int(os.environ[{PARENT!r}]))\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    parent = (
        "import pathlib, sys\n"
        "from ccl.ablation.engine import Job, LocalEngine\n"
        "from ccl.ablation.runner import run_jobs\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        f"job = Job('x', (sys.executable, '-c', {child!r}), log)\n"
        "run_jobs([job], LocalEngine(1), lambda standing: None)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", parent])
    wait_until(lambda: mark.exists() and mark.read_text())
    running.send_signal(signal.SIGKILL)
    running.wait()
    wait_until(lambda: not is_alive(int(mark.read_text())))


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid):
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_job_that_wrote_nothing_is_told_with_its_log(tmp_path):
    assert str(tmp_path / "none.log") in why(1, tmp_path / "none.log")
