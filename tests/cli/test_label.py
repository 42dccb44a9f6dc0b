"""``cca-tools label``: what it says before the app starts."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from tagging.conftest import manifest_of

from cca_tools.cli.main import app
from cca_tools.datasets.manifest import write_manifest
from cca_tools.errors import DataError, UsageError
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    video = tmp_path / "clips" / "Bell" / "a.mp4"
    workspace = Workspace(tmp_path / "out")
    write_manifest(manifest_of([video], tmp_path / "clips"), workspace.manifest)
    return workspace


def label(workspace, *arguments):
    argv = ["label", "-w", str(workspace.root), *arguments]
    return CliRunner().invoke(app, argv, standalone_mode=False).exception


def test_a_port_that_is_taken_is_told(workspace):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        error = label(workspace, "--port", str(port))
    assert isinstance(error, UsageError)
    assert str(error) == (
        f"port {port} of 127.0.0.1 is taken. Give another by --port, or --port 0 for any."
    )


def test_what_is_missing_is_told_before_anything_starts(workspace, tmp_path):
    error = label(Workspace(tmp_path / "nowhere"))
    assert isinstance(error, DataError)
    assert "cca-tools index" in str(error)
    assert not (tmp_path / "nowhere").exists()
    error = label(workspace, "--secrets", str(tmp_path / "none.toml"))
    assert isinstance(error, DataError)


def test_a_newer_database_is_refused(workspace):
    LabelStore.open(workspace).close()
    with closing(sqlite3.connect(workspace.labels)) as other, other:
        other.execute("UPDATE label_store_version SET version_num = '9999'")
    error = label(workspace)
    assert isinstance(error, DataError)
    assert "newer" in str(error)
