"""Tasks for the guard's tests: in a module of their own, because children import it by name."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from cca_tools.errors import DataError


def square(number):
    return number * number


def square_or_die(number):
    if number % 3 == 0:
        os._exit(9)
    return number * number


def sleep_for(seconds):
    time.sleep(seconds)
    return seconds


def fall_over(_):
    ctypes.string_at(0)


def allocate(gib):
    return len(bytearray(int(gib * 2**30)))


def refuse(text):
    raise ValueError(text)


def complain(text):
    raise DataError(text, "Do otherwise")


def give_a_lambda(_):
    return lambda: None


def process_id(_):
    return os.getpid()


def modules(_):
    return sorted(sys.modules)


def environment(name):
    return os.environ.get(name)


def interrupt_self(_):
    os.kill(os.getpid(), signal.SIGINT)
    return "went on"


def die_at_the_next(path):
    """Return well, but leave a process behind that dies a moment later."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    Path(path).touch()
    return "well"


def note_and_die(path):
    with Path(path).open("a") as file:
        file.write("x")
    os._exit(3)


def deaf_sleep(path):
    """Sleep without listening to the polite signals, as a stuck decoder does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(path).write_text(str(os.getpid()))
    time.sleep(120)


def repeat(byte, count):
    return byte * count
