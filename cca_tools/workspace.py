"""The folder of one study: where each artefact lies, atomic writes, provenance, and the lock."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock

from cca_tools.errors import DataError, WorkspaceError

DEFAULT_ROOT = Path("outputs")
TEMP_PREFIX = ".writing-"

_WRITE_PROBLEMS = {
    errno.ENOSPC: ("the disk is full", "Free some space and run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run the same command again"),
    errno.EROFS: ("the file system is read-only", "Choose another folder with --workspace"),
    errno.EACCES: ("permission denied", "Choose another folder with --workspace"),
    errno.EPERM: ("permission denied", "Choose another folder with --workspace"),
    errno.ENOTDIR: ("a part of the path is a file", "Choose another folder with --workspace"),
    errno.EEXIST: ("a file is in the way", "Choose another folder with --workspace"),
    errno.EFBIG: ("files may not become so large here", "Choose another folder with --workspace"),
    errno.EIO: ("the disk reports an error", "Check the disk and run the same command again"),
    errno.ENAMETOOLONG: ("the name is too long", "Choose another folder with --workspace"),
    errno.ELOOP: ("its links go round in a circle", "Choose another folder with --workspace"),
}


@dataclass(frozen=True)
class Workspace:
    """Where the artefacts of one study lie.

    Args:
        root: The folder; made at the first write, never by looking.
    """

    root: Path = DEFAULT_ROOT

    @property
    def manifest(self) -> Path:
        """One row a video: what ``cca-tools index`` wrote."""
        return self.root / "manifest.parquet"

    @property
    def tags(self) -> Path:
        """The folder of tag shards: what ``cca-tools tag-audio`` wrote."""
        return self.root / "tags"

    @property
    def associations(self) -> Path:
        """One row a pair of video class and audio class: what ``cca-tools associate`` wrote."""
        return self.root / "associations.parquet"

    @property
    def labels(self) -> Path:
        """The append-only database of labels, where no other is named."""
        return self.root / "labels.db"

    @property
    def suggestions(self) -> Path:
        """One row a class: what ``cca-tools suggest`` wrote."""
        return self.root / "suggestions.parquet"

    @property
    def splits(self) -> Path:
        """The named sets of classes: what ``cca-tools split`` wrote."""
        return self.root / "splits.json"

    @property
    def frames(self) -> Path:
        """The folder of packed frames: what ``cca-tools prepare`` wrote."""
        return self.root / "frames"

    @property
    def features(self) -> Path:
        """The folder of teacher features: what ``cca-tools features import`` wrote."""
        return self.root / "features"

    @property
    def runs(self) -> Path:
        """The folder of training runs."""
        return self.root / "runs"

    @property
    def report(self) -> Path:
        """The whole study as one page: what ``cca-tools report`` wrote."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of pictures."""
        return self.root / "figures"

    @property
    def tables(self) -> Path:
        """The folder of tables for reading and for papers."""
        return self.root / "tables"

    def require(self, path: Path, made_by: str) -> Path:
        """Return ``path`` if it exists.

        Raises:
            DataError: It does not; the message names the command that makes it.
        """
        if not path.exists():
            raise DataError(
                f"{path} is not there",
                f"Run `{made_by} --workspace {shlex.quote(str(self.root))}` first",
            )
        return path

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the workspace for writing; the lock falls with the process, however it ends.

        Temporary files that a killed run left in the root are cleared away.

        Raises:
            WorkspaceError: Another run holds it; the message says which.
        """
        with writing_to(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            holder = self.root / ".holder.json"
            lock = filelock.FileLock(self.root / ".lock", timeout=0)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise WorkspaceError(
                    f"the workspace {self.root} is held by {_describe_holder(holder)}",
                    "Wait until it ends, or choose another folder with --workspace",
                ) from None
        try:
            remove_leftovers(self.root)
            about = {"command": command, "pid": os.getpid(), "host": socket.gethostname()}
            write_json(holder, about | {"since": utc_now()})
            yield
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()


def _describe_holder(holder: Path) -> str:
    try:
        about = json.loads(holder.read_text(encoding="utf-8"))
        return "`{command}` (process {pid} on {host}, since {since})".format(**about)
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write below ``path`` into one clear line.

    Raises:
        WorkspaceError: Disk full, read-only, permission denied, or a file in the way.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _WRITE_PROBLEMS:
            raise
        reason, remedy = _WRITE_PROBLEMS[error.errno]
        raise WorkspaceError(f"cannot write {path}: {reason}", remedy) from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it is synced and takes its place.

    On any error the temporary file is removed and ``path`` is what it was.

    Raises:
        WorkspaceError: The folder cannot be written.
    """
    with writing_to(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=TEMP_PREFIX, suffix=path.suffix, dir=path.parent.resolve()
            )
        except FileNotFoundError as error:  # such as below /proc
            raise WorkspaceError(
                f"cannot write {path}: no file can be made there", "Choose another folder"
            ) from error
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files that a killed run left in ``folder``; hold the lock for it."""
    leftovers = list(folder.glob(f"{TEMP_PREFIX}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, in UTF-8.

    Names that are no text (bytes of another encoding) become escapes, which JSON reads back.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: object) -> None:
    """Write ``value`` to ``path`` atomically, as indented JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def utc_now(timespec: str = "seconds") -> str:
    """Return the present UTC time in ISO 8601, to the second or to ``timespec``."""
    return datetime.now(UTC).isoformat(timespec=timespec)


@dataclass
class Provenance:
    """What an artefact was made of; create it when work starts, ``write`` it beside the artefact.

    Args:
        command: The command line, or the name of the library call.
        parameters: Every setting that shaped the artefact.
        inputs: The files it was made from; their SHA-256 is taken when writing.
        label_space: The hash of the audio label space, where there is one.
    """

    command: str
    parameters: Mapping[str, Any]
    inputs: Sequence[Path] = ()
    label_space: str | None = None
    started: float = field(default_factory=time.monotonic)

    def write(self, *artefacts: Path) -> None:
        """Write ``ARTEFACT.provenance.json`` beside each of the artefacts, which are there."""
        record = {
            "command": self.command,
            "parameters": dict(self.parameters),
            "package": f"cca-tools {version('cca-tools')}",
            "python": sys.version.split()[0],
            "inputs": {str(item): sha256_of(item) for item in self.inputs},
            "label_space": self.label_space,
            "utc": utc_now(),
            "seconds": round(time.monotonic() - self.started, 3),
        }
        for artefact in artefacts:
            about = {"artefact": artefact.name, "sha256": sha256_of(artefact)}
            write_json(provenance_path(artefact), about | record)


def provenance_path(artefact: Path) -> Path:
    """Return the path of the sidecar of ``artefact``."""
    return artefact.with_name(artefact.name + ".provenance.json")


def read_provenance(artefact: Path) -> dict[str, Any]:
    """Return the sidecar of ``artefact`` as a dict, empty where there is none."""
    try:
        record: dict[str, Any] = json.loads(provenance_path(artefact).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record
