"""Packed frames on disk: a few big files of JPEGs, and an index that grows by one line a video.

``frames-NNN.bin`` holds the videos one after the other: of each its pictures, then their sizes
as little-endian uint32. ``index.jsonl`` has a line for every video that was tried; a later line
replaces an earlier one of the same video. A video's bytes are on disk before its line is written,
so whatever ends the run, every line is true; a torn last line and the bytes after the last video
are cut off when the pack is opened for writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cca_tools.errors import DataError, UsageError
from cca_tools.media.frames import FrameSampling
from cca_tools.workspace import remove_leftovers, write_json, write_text, writing_to

USABLE = ("ok", "partial")
LARGEST_FILE = 4 << 30  # bytes; then a new file is begun


@dataclass(frozen=True)
class PackRow:
    """One line of the index.

    Args:
        video_id: Of the manifest.
        status: As for tags; ``ok`` and ``partial`` have frames.
        detail: What a reader should know of it.
        source: Which file and which part of it was decoded: its size, time of change and span.
        file: Number of the file that holds its frames.
        offset: Where they begin, in bytes.
        num_bytes: Pictures and table of sizes together.
        num_frames: Number of pictures.
        height: Of the pictures, in pixels.
        width: Likewise.
        fps: Pictures a second, None where the file did not tell.
        sha256: Of the bytes.
    """

    video_id: str
    status: str
    detail: str = ""
    source: str = ""
    file: int = 0
    offset: int = 0
    num_bytes: int = 0
    num_frames: int = 0
    height: int = 0
    width: int = 0
    fps: float | None = None
    sha256: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it has frames."""
        return self.status in USABLE


def index_path(folder: Path) -> Path:
    """Return the index of a pack."""
    return folder / "index.jsonl"


def settings_path(folder: Path) -> Path:
    """Return the file that says how the frames of a pack were sampled."""
    return folder / "settings.json"


def data_path(folder: Path, number: int) -> Path:
    """Return a file of frames.

    >>> data_path(Path("frames"), 2).as_posix()
    'frames/frames-002.bin'
    """
    return folder / f"frames-{number:03d}.bin"


def read_index(folder: Path) -> dict[str, PackRow]:
    """Return what is known of each video; a torn last line is passed over.

    Raises:
        DataError: Any other line is damaged.
    """
    return _parse(folder)[0]


def _parse(folder: Path) -> tuple[dict[str, PackRow], int]:
    """Return the rows, and how many bytes of the index are whole lines."""
    path = index_path(folder)
    rows: dict[str, PackRow] = {}
    size = 0
    if not path.is_file():
        return rows, size
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                row = PackRow(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise DataError(
                    f"line {number} of {path} is damaged: {error}",
                    "Pack anew with `cca-tools prepare --restart`",
                ) from error
            rows[row.video_id] = row
            size += len(line)
    return rows, size


def read_sampling(folder: Path) -> FrameSampling | None:
    """Return how the frames of a pack were sampled, None where there is no pack.

    Raises:
        DataError: The file that says so is damaged.
    """
    path = settings_path(folder)
    if not path.is_file():
        return None
    try:
        return FrameSampling(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} is damaged: {error}", "Pack anew with `cca-tools prepare --restart`"
        ) from error


def find_damaged(folder: Path, rows: Iterable[PackRow]) -> list[str]:
    """Return the videos whose bytes are not those that were written."""
    return [row.video_id for row in rows if row.is_usable and not _is_intact(folder, row)]


def _is_intact(folder: Path, row: PackRow) -> bool:
    with data_path(folder, row.file).open("rb") as file:
        file.seek(row.offset)
        return hashlib.sha256(file.read(row.num_bytes)).hexdigest() == row.sha256


def remove_pack(folder: Path) -> None:
    """Remove all files of a pack."""
    with writing_to(folder):
        # the index first: without it the rest is nothing
        for path in [index_path(folder), settings_path(folder), *folder.glob("frames-*.bin")]:
            path.unlink(missing_ok=True)


class PackWriter:
    """Adds videos to a pack; the workspace's lock must be held.

    Args:
        folder: The workspace's ``frames``.
        sampling: How frames are sampled.

    Raises:
        UsageError: The pack was sampled otherwise.
        WorkspaceError: It cannot be written.
    """

    def __init__(self, folder: Path, sampling: FrameSampling) -> None:
        self.folder = folder
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
            self._check_sampling(sampling)
            self.rows, size = _parse(folder)
            self._cut(size)
        self._file = max((row.file for row in self.rows.values() if row.is_usable), default=0)

    def _check_sampling(self, sampling: FrameSampling) -> None:
        earlier = read_sampling(self.folder)
        if earlier is None:
            write_json(settings_path(self.folder), asdict(sampling))
        elif earlier != sampling:
            before, now = asdict(earlier), asdict(sampling)
            changed = [f"{key} was {before[key]}, now {now[key]}" for key in now
                       if before[key] != now[key]]  # fmt: skip
            raise UsageError(
                f"the frames in {self.folder} were packed otherwise: {', '.join(changed)}",
                "Give the same settings, or pack all anew with --restart",
            )

    def _cut(self, index_size: int) -> None:
        """Cut off what a killed run left: a torn line, and bytes that no line speaks of."""
        if index_path(self.folder).exists():
            os.truncate(index_path(self.folder), index_size)
        used: dict[int, int] = {}
        for row in self.rows.values():
            if row.is_usable:
                used[row.file] = max(used.get(row.file, 0), row.offset + row.num_bytes)
        for path in self.folder.glob("frames-*.bin"):
            end = used.get(int(path.stem.rpartition("-")[2]), 0)
            if path.stat().st_size > end:
                os.truncate(path, end)
        for number, end in used.items():
            path = data_path(self.folder, number)
            if not path.is_file() or path.stat().st_size < end:
                self.drop(row.video_id for row in list(self.rows.values())
                          if row.is_usable and row.file == number
                          and row.offset + row.num_bytes > _size(path))  # fmt: skip

    def drop(self, video_ids: Iterable[str]) -> None:
        """Take videos out of the index, so that they are packed anew."""
        gone = set(video_ids)
        if not gone:
            return
        self.rows = {key: row for key, row in self.rows.items() if key not in gone}
        lines = [_line(row) for row in self.rows.values()]
        write_text(index_path(self.folder), "".join(lines))

    def add(self, row: PackRow, frames: Path | None) -> PackRow:
        """Write a video's frames, then its line; both are on disk when this returns.

        Args:
            row: ``file`` and ``offset`` are filled in.
            frames: The file that `pack_frames` wrote; None for a video without frames.
        """
        with writing_to(self.folder):
            if frames is not None and row.is_usable:
                row = self._append(row, frames)
            with index_path(self.folder).open("ab") as index:
                index.write(_line(row).encode("utf-8", "backslashreplace"))
        self.rows[row.video_id] = row
        return row

    def _append(self, row: PackRow, frames: Path) -> PackRow:
        path = data_path(self.folder, self._file)
        if _size(path) and _size(path) + row.num_bytes > LARGEST_FILE:
            self._file += 1
            path = data_path(self.folder, self._file)
        with _appending(path) as out, frames.open("rb") as file:
            offset = out.tell()
            shutil.copyfileobj(file, out, 1 << 20)
        return PackRow(**asdict(row) | {"file": self._file, "offset": offset})


@contextmanager
def _appending(path: Path) -> Iterator[Any]:
    """Open a file for appending, synced on success and as long as before on any error."""
    with path.open("ab") as out:
        before = out.tell()
        try:
            yield out
            out.flush()
            os.fsync(out.fileno())
        except BaseException:
            os.truncate(path, before)
            raise


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _line(row: PackRow) -> str:
    return json.dumps(asdict(row), ensure_ascii=True) + "\n"
