"""A full disk and a folder that cannot be written: one clear line, and nothing lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess

import pyarrow.parquet as pq
import pytest
from tagging.comparing import arguments, assert_same, leftovers, shards
from tagging.conftest import Study

from cca_tools.errors import WorkspaceError
from cca_tools.tagging.run import TagOptions
from cca_tools.workspace import Workspace


@pytest.fixture
def small_disk(tmp_path, clips_manifest):
    """A study on a disk of its own, of one megabyte: a real one, where the tests may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    study = Study(Workspace(folder / "study"))
    study.workspace.root.mkdir()
    study.workspace.manifest.write_bytes(clips_manifest.read_bytes())
    yield study
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(study, leave_bytes):
    """Fill the disk up to so many bytes."""
    disk = os.statvfs(study.workspace.root)
    filler = study.workspace.root / "filler"
    filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - leave_bytes))
    return filler


def one_line(text):
    """The only line beside those of the progress bar."""
    (line,) = [line for line in text.splitlines() if line and not line.startswith("tag-audio ")]
    return line


@pytest.mark.parametrize("leave_bytes", [0, 5_000, 20_000, 30_000])
def test_a_full_disk_ends_in_one_line_and_loses_nothing(cli, small_disk, truth, leave_bytes):
    filler = fill(small_disk, leave_bytes)
    code, text = cli.run(*arguments(small_disk))
    assert code == 1
    line = one_line(text)
    assert line.startswith("cca-tools: cannot write ")
    assert line.endswith(": the disk is full. Free some space and run the same command again.")
    written = shards(small_disk)
    assert (len(written) > 0) == (leave_bytes >= 20_000)
    assert all(pq.read_table(shard).num_rows == 4 for shard in written)
    assert leftovers(small_disk) == []
    filler.unlink()
    code, text = cli.run(*arguments(small_disk))
    assert code == 1
    assert (f"{4 * len(written)} videos were tagged before" in text) == (len(written) > 0)
    assert_same(small_disk.rows(), truth.rows)


def test_a_disk_that_becomes_read_only(cli, small_disk, truth):
    """As a disk with errors does: remounted under a run that is at work."""
    cli.start(*arguments(small_disk), signal_at=("row", 14, signal.SIGKILL)).wait()
    folder = str(small_disk.workspace.root.parent)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    code, text = cli.run(*arguments(small_disk))
    assert code == 1
    assert one_line(text).endswith(
        ": the file system is read-only. Choose another folder with --workspace."
    )
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    assert len(small_disk.rows()) == 12
    cli.run(*arguments(small_disk))
    assert_same(small_disk.rows(), truth.rows)


def test_files_that_may_not_grow(cli, study_of, clips_manifest, truth):
    """A limit on the size of files (ulimit -f): real, and needs no root."""
    study = study_of(clips_manifest)
    code, text = cli.run(*arguments(study), limit_bytes=3000)
    assert code == 1
    assert one_line(text).endswith(
        ": files may not become so large here. Choose another folder with --workspace."
    )
    assert leftovers(study) == []
    cli.run(*arguments(study))
    assert_same(study.rows(), truth.rows)


def test_a_folder_that_may_not_be_written(obedient_cli, study_of, clips_manifest):
    study = study_of(clips_manifest)
    study.workspace.root.chmod(0o555)
    code, text = obedient_cli.run(*arguments(study))
    study.workspace.root.chmod(0o755)
    assert code == 1
    assert text == (
        f"cca-tools: cannot write {study.workspace.root}: permission denied. "
        "Choose another folder with --workspace.\n"
    )
    assert list(study.workspace.root.iterdir()) == [study.workspace.manifest]


def test_tags_that_may_not_be_written_keep_earlier_shards(
    obedient_cli, study_of, clips_manifest, truth
):
    study = study_of(clips_manifest)
    obedient_cli.start(*arguments(study), signal_at=("row", 14, signal.SIGKILL)).wait()
    study.workspace.tags.chmod(0o555)
    code, text = obedient_cli.run(*arguments(study))
    study.workspace.tags.chmod(0o755)
    assert code == 1
    assert ": permission denied. Choose another folder with --workspace." in one_line(text)
    assert len(study.rows()) == 12
    obedient_cli.run(*arguments(study))
    assert_same(study.rows(), truth.rows)


def test_a_file_in_the_place_of_the_workspace(cli, tmp_path, clips):
    (tmp_path / "file").write_text("I am in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        code, text = cli.run("tag-audio", clips / "class0" / "clip00.wav", "-w", place)
        assert code in (1, 2)
        assert len(text.splitlines()) <= 4
        assert "Traceback" not in text
        assert str(place) in text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "the disk reports an error"),
    ],
)
def test_whatever_the_system_refuses_while_writing_is_told(
    study_of, clips_manifest, monkeypatch, number, words
):
    """Not a real disk, but every reason: no shard after the first can be written."""
    study = study_of(clips_manifest)
    calls = []

    def write(table, path, **options):
        calls.append(path)
        if len(calls) >= 2:
            raise OSError(number, os.strerror(number))
        return original(table, path, **options)

    original = pq.write_table
    monkeypatch.setattr("cca_tools.tagging.store.pq.write_table", write)
    monkeypatch.setattr("cca_tools.tagging.run.FLUSH_ROWS", 4)
    with pytest.raises(WorkspaceError, match=words) as refusal:
        study.tag(options=TagOptions(progress=False))
    assert refusal.value.exit_code == 1
    assert "\n" not in str(refusal.value)
    assert len(study.rows()) == 4
    assert leftovers(study) == []
