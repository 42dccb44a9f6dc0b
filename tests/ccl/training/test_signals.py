"""Signals: the first is noted, the second acts."""

import os
import signal
import threading

import pytest

from ccl.training.signals import stop_signal


@pytest.fixture
def as_in_a_terminal():
    """Jobs in the background of a script ignore SIGINT from their start; these tests do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_in_a_terminal")
def test_the_first_is_noted_and_the_second_ends():
    with stop_signal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert (stop.number, stop.exit_code) == (signal.SIGINT, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_leave_signals_alone():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work():
        with stop_signal() as stop:
            seen.append((signal.getsignal(signal.SIGTERM), stop.number))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, None)]
