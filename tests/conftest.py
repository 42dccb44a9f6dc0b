"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browsers import SWITCHES, browser_path

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and reference values beside the checkout."""
    if not SHARED.is_dir():
        reason = f"the reference data {SHARED} is not there"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window: one for all tests of a process."""
    sync = pytest.importorskip("playwright.sync_api")
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium here: `apt-get install chromium` (any of its names on the PATH)")
    with sync.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield chromium
        chromium.close()
