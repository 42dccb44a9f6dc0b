"""The workspace: atomic writes, the lock, provenance, clear refusals."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cca_tools.errors import DataError, WorkspaceError
from cca_tools.workspace import (
    TEMP_PREFIX,
    Provenance,
    Workspace,
    atomic_path,
    provenance_path,
    read_provenance,
    remove_leftovers,
    sha256_of,
    utc_now,
    write_json,
    write_text,
    writing_to,
)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_looking_makes_nothing(tmp_path):
    place = Workspace(tmp_path / "w")
    for path in (place.manifest, place.tags, place.associations, place.figures, place.tables):
        assert path.parent == place.root
    with pytest.raises(DataError) as refusal:
        place.require(place.manifest, "cca-tools index VIDEOS")
    command = f"cca-tools index VIDEOS --workspace {place.root}"
    assert str(refusal.value) == f"{place.manifest} is not there. Run `{command}` first."
    assert not place.root.exists()


def test_the_remedy_can_be_pasted(tmp_path):
    place = Workspace(tmp_path / "two words")
    with pytest.raises(DataError, match=r"--workspace '.*/two words'`"):
        place.require(place.tags, "cca-tools tag-audio")


def test_a_write_takes_its_place_at_the_end_only(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.name.startswith(TEMP_PREFIX)
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names_in(target.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_write_that_fails_changes_nothing(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("before")

    def write_half():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_text() == "before"
    assert names_in(tmp_path) == ["a.txt"]


def test_files_have_the_permissions_of_ordinary_ones(tmp_path):
    """A temporary file is private; what takes its place must not be."""
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
    assert os.umask(old) == old


def test_a_reader_sees_the_old_or_the_new_and_never_half(tmp_path):
    target = tmp_path / "a.json"
    write_json(target, [0] * 5000)
    code = (
        "import json, sys, time\n"
        "end = time.monotonic() + 1.5\n"
        "seen = set()\n"
        "while time.monotonic() < end:\n"
        "    values = json.loads(open(sys.argv[1]).read())\n"
        "    assert len(values) == 5000 and len(set(values)) == 1\n"
        "    seen.add(values[0])\n"
        "print(len(seen))"
    )
    reader = subprocess.Popen([sys.executable, "-c", code, target], stdout=subprocess.PIPE)
    number = 0
    while reader.poll() is None:
        number += 1
        write_json(target, [number] * 5000)
    assert reader.returncode == 0
    assert int(reader.communicate()[0]) > 1


def test_json_reads_back_whatever_the_names(tmp_path):
    value = {"päth": "猫", "bytes": "caf\udce9", "list": [1, None, 2.5]}
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == value
    write_json(tmp_path / "b.json", {"path": Path("/x")})
    assert json.loads((tmp_path / "b.json").read_text()) == {"path": "/x"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. Free some space and run the same command again."),
        (errno.EROFS, "the file system is read-only. Choose another folder with --workspace."),
        (errno.EACCES, "permission denied. Choose another folder with --workspace."),
        (errno.EFBIG, "files may not become so large here. Choose another folder with --work"),
        (errno.EIO, "the disk reports an error. Check the disk and run the same command again."),
    ],
)
def test_refusals_of_the_system_are_told_in_words(tmp_path, number, words):
    with pytest.raises(WorkspaceError) as refusal, writing_to(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert str(refusal.value).startswith(f"cannot write {tmp_path / 'x'}: {words}")
    assert refusal.value.exit_code == 1


def test_what_has_nothing_to_do_with_the_disk_stays_what_it_is(tmp_path):
    with pytest.raises(BrokenPipeError), writing_to(tmp_path):
        raise BrokenPipeError(errno.EPIPE, "pipe")
    with pytest.raises(ValueError, match="mine"), writing_to(tmp_path):
        raise ValueError("mine")


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="a part of the path is a file"):
        write_text(tmp_path / "file" / "deep" / "a.txt", "x")
    with pytest.raises(WorkspaceError, match="a file is in the way"):
        write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(WorkspaceError, match="the name is too long"):
        write_text(tmp_path / ("n" * 300) / "a.txt", "x")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    (tmp_path / "there").symlink_to(tmp_path / "here")
    with pytest.raises(WorkspaceError, match=r"go round in a circle|a file is in the way"):
        write_text(tmp_path / "here" / "a.txt", "x")
    assert (tmp_path / "file").read_text() == "x"


def test_leftovers_are_cleared_and_nothing_else(tmp_path):
    for name in (f"{TEMP_PREFIX}abc.parquet", f"{TEMP_PREFIX}def", "a.parquet", ".hidden"):
        (tmp_path / name).touch()
    assert remove_leftovers(tmp_path) == 2
    assert names_in(tmp_path) == [".hidden", "a.parquet"]


HOLD = """
import sys
from pathlib import Path
from cca_tools.workspace import Workspace
with Workspace(Path(sys.argv[1])).lock("cca-tools something"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the workspace ``w``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "w"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_told_who_is_first(tmp_path, holder):
    place = Workspace(tmp_path / "w")
    with pytest.raises(WorkspaceError) as refusal, place.lock("me"):
        pytest.fail("the lock was given twice")
    line = str(refusal.value)
    assert f"is held by `cca-tools something` (process {holder.pid} on " in line
    assert "Wait until it ends" in line
    holder.communicate(input="")
    with place.lock("me"):
        about = json.loads((place.root / ".holder.json").read_text())
        assert (about["command"], about["pid"]) == ("me", os.getpid())
    assert not (place.root / ".holder.json").exists()


def test_a_lock_falls_with_its_process(tmp_path, holder):
    holder.kill()
    holder.wait()
    with Workspace(tmp_path / "w").lock("me"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_holder_that_cannot_be_read_is_another_run(tmp_path, holder, text):
    (tmp_path / "w" / ".holder.json").write_text(text)
    with (
        pytest.raises(WorkspaceError, match="is held by another run"),
        Workspace(tmp_path / "w").lock("me"),
    ):
        pytest.fail("the lock was given twice")


def test_the_lock_clears_what_a_killed_run_left_in_the_root(tmp_path):
    place = Workspace(tmp_path)
    (tmp_path / f"{TEMP_PREFIX}x.json").touch()
    with place.lock("me"):
        assert not (tmp_path / f"{TEMP_PREFIX}x.json").exists()


def test_an_error_under_the_lock_gives_it_back(tmp_path):
    place = Workspace(tmp_path / "w")
    with pytest.raises(RuntimeError), place.lock("me"):
        raise RuntimeError
    with place.lock("me again"):
        pass


def test_provenance_tells_how_and_of_what(tmp_path):
    source = tmp_path / "source.csv"
    source.write_bytes(b"some bytes")
    artefact = tmp_path / "artefact.parquet"
    provenance = Provenance("cca-tools x", {"k": 3, "path": Path("a")}, [source], "hash")
    time.sleep(0.02)
    artefact.write_bytes(b"numbers")
    provenance.write(artefact)
    assert provenance_path(artefact) == tmp_path / "artefact.parquet.provenance.json"
    record = read_provenance(artefact)
    assert record["artefact"] == "artefact.parquet"
    assert record["sha256"] == hashlib.sha256(b"numbers").hexdigest()
    assert record["command"] == "cca-tools x"
    assert record["parameters"] == {"k": 3, "path": "a"}
    assert record["package"].startswith("cca-tools ")
    assert record["label_space"] == "hash"
    assert record["inputs"] == {str(source): hashlib.sha256(b"some bytes").hexdigest()}
    assert record["seconds"] >= 0.02
    age = datetime.now().astimezone() - datetime.fromisoformat(record["utc"])
    assert timedelta(0) <= age < timedelta(minutes=1)


@pytest.mark.parametrize("text", [None, "", "{", "\xff"])
def test_no_provenance_is_an_empty_one(tmp_path, text):
    if text is not None:
        provenance_path(tmp_path / "a").write_bytes(text.encode("latin-1"))
    assert read_provenance(tmp_path / "a") == {}


def test_hashes_and_times(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert sha256_of(tmp_path / "a") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert utc_now().endswith("+00:00")
    assert len(utc_now()) == len("2026-01-01T00:00:00+00:00")


def test_where_no_file_can_be_is_said_in_a_line():
    for path in (Path("/proc/x.csv"), Path("/proc/none/x.csv")):
        with pytest.raises(WorkspaceError, match="no file can be made there"):
            write_text(path, "text")
