"""The small study, written once for all tests of ablations."""

from __future__ import annotations

import shutil

import pytest

from cca_tools.workspace import Workspace

from .small_workspace import make_workspace


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A workspace to look at; whoever writes into it copies it first."""
    return make_workspace(tmp_path_factory.mktemp("small"))


@pytest.fixture
def workspace(small, tmp_path):
    """A copy to write into."""
    shutil.copytree(small.root, tmp_path / "w")
    return Workspace(tmp_path / "w")
