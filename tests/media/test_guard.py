"""The guard: whatever a child does, its own task alone pays for it, and none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from cca_tools.errors import DataError, UsageError
from cca_tools.media.guard import GuardedPool, Limits, Outcome

HERE = Path(__file__).parent


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import guard_tasks

    return guard_tasks


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def children_of_mine():
    return [
        p for p in psutil.Process().children() if "cca_tools.media.child" in " ".join(p.cmdline())
    ]


def test_values_come_back(tasks):
    with GuardedPool(2, 30) as pool:
        outcomes = dict(pool.map_unordered(tasks.square, range(20)))
    assert outcomes == {number: Outcome(number * number) for number in range(20)}
    assert children_of_mine() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_crash_fails_only_its_own_task_though_the_parent_is_busy(tasks, workers):
    """A pool with one pipe for all children blames wrong tasks here, or breaks."""
    idle = threading.Event()

    def spin():
        while not idle.is_set():
            sum(range(3000))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        with GuardedPool(workers, 30) as pool:
            outcomes = dict(pool.map_unordered(tasks.square_or_die, range(30)))
    finally:
        idle.set()
        thread.join()
    assert sorted(outcomes) == list(range(30))
    for number, outcome in outcomes.items():
        if number % 3 == 0:
            assert outcome.failure == "decoder_crash"
            assert outcome.detail == "the decoder ended with exit code 9"
        else:
            assert outcome == Outcome(number * number)


def test_segmentation_fault_is_named(tasks):
    with GuardedPool(1, 30) as pool:
        outcome = pool.submit(tasks.fall_over, 0).result()
        assert (outcome.failure, outcome.detail) == (
            "decoder_crash",
            "the decoder was ended by SIGSEGV",
        )
        assert pool.submit(tasks.square, 3).result().value == 9


def test_sleeping_past_the_limit_is_a_timeout(tasks):
    with GuardedPool(2, 0.5) as pool:
        began = time.monotonic()
        slow = pool.submit(tasks.sleep_for, 60)
        quick = [pool.submit(tasks.square, number) for number in range(5)]
        assert slow.result() == Outcome(failure="timeout", detail="not done after 0.5 s")
        assert time.monotonic() - began < 10
        assert [f.result().value for f in quick] == [0, 1, 4, 9, 16]


def test_the_limit_counts_from_the_start_not_from_queueing(tasks):
    """Six tasks of 0.4 s wait up to 2 s for the only child; the limit is 1.5 s."""
    with GuardedPool(1, 1.5) as pool:
        futures = [pool.submit(tasks.sleep_for, 0.4) for _ in range(6)]
        began = time.monotonic()
        assert [f.result().value for f in futures] == [0.4] * 6
    assert time.monotonic() - began > 1.5


def test_a_stuck_child_that_ignores_sigterm_is_killed(tasks, tmp_path):
    with GuardedPool(1, 1.0) as pool:
        assert pool.submit(tasks.deaf_sleep, tmp_path / "pid").result().failure == "timeout"
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit needs Linux")
def test_memory_beyond_the_limit_fails_the_task_alone(tasks):
    with GuardedPool(1, Limits(30, memory_bytes=1 << 30)) as pool:
        outcome = pool.submit(tasks.allocate, 2).result()
        assert (outcome.failure, outcome.detail) == (
            "decoder_crash",
            "needs more memory than 1 GiB",
        )
        assert pool.submit(tasks.allocate, 0.25).result().value == 2**28


def test_what_the_function_raises_is_a_decode_error_with_its_message(tasks):
    with GuardedPool(1, 30) as pool:
        outcome = pool.submit(tasks.refuse, "no header").result()
    assert outcome == Outcome(failure="decode_error", detail="ValueError: no header")


def test_our_own_errors_are_raised_again(tasks):
    with GuardedPool(1, 30) as pool, pytest.raises(DataError, match=r"nothing here\. Do otherwise"):
        pool.submit(tasks.complain, "nothing here").result()


def test_a_task_killed_by_its_predecessor_is_tried_again(tasks, tmp_path):
    """The first task leaves its process about to die, while the second one runs."""
    with GuardedPool(1, 30) as pool:
        assert pool.submit(tasks.die_at_the_next, tmp_path / "first").result().value == "well"
        assert pool.submit(tasks.sleep_for, 0.6).result().value == 0.6


def test_a_task_that_crashes_is_not_run_for_ever(tasks, tmp_path):
    with GuardedPool(1, 30) as pool:
        pool.submit(tasks.square, 1).result()
        assert pool.submit(tasks.note_and_die, tmp_path / "n").result().failure == "decoder_crash"
    assert (tmp_path / "n").read_text() == "xx"


def test_large_results_come_back_whole(tasks):
    with GuardedPool(1, 30) as pool:
        assert pool.submit(tasks.repeat, b"a", 50_000_000).result().value == b"a" * 50_000_000


def test_children_are_replaced_after_their_share_of_tasks(tasks):
    with GuardedPool(1, Limits(30, recycle_after=4)) as pool:
        ids = [pool.submit(tasks.process_id, 0).result().value for _ in range(10)]
    assert [ids.count(one) for one in dict.fromkeys(ids)] == [4, 4, 2]


def test_children_are_light_and_single_threaded(tasks):
    with GuardedPool(1, 30) as pool:
        modules = pool.submit(tasks.modules, 0).result().value
        threads = pool.submit(tasks.environment, "OMP_NUM_THREADS").result().value
    assert "cca_tools.media.child" in modules
    heavy = {"torch", "pandas", "numpy", "pyarrow", "sklearn", "streamlit", "pytest"}
    assert heavy.isdisjoint(modules)
    assert threads == "1"


def test_map_keeps_no_more_than_ahead_in_flight(tasks):
    drawn = []

    def items():
        for number in range(30):
            drawn.append(number)
            yield number

    with GuardedPool(2, 30) as pool:
        for seen, _ in enumerate(pool.map_unordered(tasks.square, items(), ahead=3)):
            assert len(drawn) <= seen + 3
    assert len(drawn) == 30


def test_leaving_map_early_leaves_nothing_behind(tasks):
    with GuardedPool(2, 30) as pool:
        for _ in pool.map_unordered(tasks.square, range(1000)):
            break
        assert pool.submit(tasks.square, 5).result().value == 25
    assert children_of_mine() == []


def test_an_error_in_the_block_stops_at_once(tasks):
    futures = []

    def use(pool):
        futures.extend(pool.submit(tasks.sleep_for, 60) for _ in range(6))
        assert wait_for(lambda: len(children_of_mine()) == 2)
        raise RuntimeError("enough")

    began = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"), GuardedPool(2, 100) as pool:
        use(pool)
    assert time.monotonic() - began < 15
    assert children_of_mine() == []
    assert len(futures) == 6
    assert all(future.done() for future in futures)


def test_wrong_use_is_told(tasks):
    with pytest.raises(UsageError, match="at least one worker"):
        GuardedPool(0, 10)
    with pytest.raises(UsageError, match="positive time limit"):
        GuardedPool(1, 0)
    with pytest.raises(UsageError, match="inside its `with` block"):
        GuardedPool(1, 1).submit(tasks.square, 1)
    with GuardedPool(1, 10) as pool:
        with pytest.raises(UsageError, match="cannot be sent to a child process"):
            pool.submit(lambda: None)
        with pytest.raises(UsageError, match="cannot run this task: the result cannot be sent"):
            pool.submit(tasks.give_a_lambda, 0).result()
        assert pool.submit(tasks.square, 4).result().value == 16


SCRIPT = """
    import sys
    sys.path.insert(0, {here!r})
    print("main is run")
    from guard_tasks import square
    from cca_tools.media.guard import GuardedPool
    with GuardedPool(2, 30) as pool:
        print(sorted(outcome.value for _, outcome in pool.map_unordered(square, range(5))))
"""


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_scripts_without_a_main_guard_work(tmp_path, way):
    code = textwrap.dedent(SCRIPT).format(here=str(HERE))
    script = tmp_path / "script.py"
    script.write_text(code)
    command = [sys.executable, str(script) if way == "file" else "-"]
    done = subprocess.run(command, input=code, text=True, capture_output=True, timeout=60)
    assert done.stdout.splitlines() == ["main is run", "[0, 1, 4, 9, 16]"], done.stderr
    assert done.stderr == ""


def test_a_function_of_the_script_itself_is_refused_with_advice(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from cca_tools.media.guard import GuardedPool\n"
        "def mine(x): return x\n"
        "with GuardedPool(1, 9) as pool: pool.submit(mine, 1)\n"
    )
    done = subprocess.run([sys.executable, script], text=True, capture_output=True, timeout=60)
    assert "mine is defined in the script or notebook itself. Move it into" in done.stderr


BUSY = """
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" has it ignored
    sys.path.insert(0, {here!r})
    from guard_tasks import deaf_sleep
    from cca_tools.media.guard import GuardedPool
    with GuardedPool(2, 300) as pool:
        for _ in pool.map_unordered(deaf_sleep, [{first!r}, {second!r}]):
            pass
"""


def _busy_parent(tmp_path):
    marks = [tmp_path / "a", tmp_path / "b"]
    code = textwrap.dedent(BUSY).format(here=str(HERE), first=str(marks[0]), second=str(marks[1]))
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_for(lambda: all(mark.exists() and mark.read_text() for mark in marks))
    return parent, [int(mark.read_text()) for mark in marks]


def test_children_die_with_a_parent_that_is_killed(tmp_path):
    parent, pids = _busy_parent(tmp_path)
    parent.kill()
    parent.communicate()
    assert wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), 10)


def test_ctrl_c_stops_at_once_and_only_the_parent_hears_it(tmp_path):
    parent, pids = _busy_parent(tmp_path)
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, errors = parent.communicate(timeout=10)
    assert errors.count("KeyboardInterrupt") == 1
    assert errors.count("Traceback") == 1
    assert wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), 10)


def test_ctrl_c_does_not_reach_a_task(tasks):
    with GuardedPool(1, 30) as pool:
        assert pool.submit(tasks.interrupt_self, 0).result().value == "went on"
