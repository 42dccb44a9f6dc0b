"""Fixtures for decoding: one pool of guarded children for a whole test file."""

from __future__ import annotations

import pytest

from cca_tools.media.guard import GuardedPool


@pytest.fixture(scope="module")
def guarded():
    """A pool of two children; a crash in one fails its task and not the tests."""
    with GuardedPool(2, 60) as pool:
        yield pool
