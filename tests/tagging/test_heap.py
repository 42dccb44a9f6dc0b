"""Freed memory stays with the process: a second request of the same size faults no new pages."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from cca_tools.tagging.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
np.ones(2**18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    np.ones(2**18)  # 2 MiB: 512 pages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode):
    environment = {"MALLOC_MMAP_THRESHOLD_": "131072"} if mode == "default" else None
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator only")
def test_freed_memory_is_used_again():
    assert faults("keep") < 2_000  # 200 x 512 pages otherwise
    assert faults("default") > 50_000
