"""The media files below a folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

_VIDEO = """
    .3g2 .3gp .asf .avi .divx .f4v .flv .m2ts .m2v .m4v .mj2 .mkv .mov .mp4 .mpeg .mpg .mts .mxf
    .ogm .ogv .rm .rmvb .ts .vob .webm .wmv .y4m
"""
_AUDIO = """
    .aac .ac3 .aif .aifc .aiff .amr .ape .au .caf .flac .m4a .m4b .mka .mp2 .mp3 .oga .ogg .opus
    .snd .w64 .wav .wma .wv
"""
VIDEO_SUFFIXES = frozenset(_VIDEO.split())
AUDIO_SUFFIXES = frozenset(_AUDIO.split())
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES
_IGNORED_FOLDERS = frozenset({"__MACOSX", "@eaDir", "lost+found"})


@dataclass(frozen=True)
class MediaTree:
    """The media files below a root.

    Args:
        files: Paths below the root, with ``/``, sorted.
        troubles: (kind, item, detail) of names and folders that cannot be read.
    """

    files: tuple[str, ...]
    troubles: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def scan(cls, root: Path) -> MediaTree:
        """Walk the folders below ``root``, through links but never in circles.

        Hidden files and folders are passed over. A folder named like a video counts as one when
        no media file is inside, so that its failure is told.
        """
        walk = _Walk()
        walk.enter(root, "", set())
        return cls(tuple(sorted(walk.files)), tuple(walk.troubles))

    @cached_property
    def by_stem(self) -> dict[str, list[str]]:
        """File name without suffix -> paths."""
        table: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            table[without_suffix(path.rpartition("/")[2])].append(path)
        return dict(table)


class _Walk:
    def __init__(self) -> None:
        self.files: list[str] = []
        self.troubles: list[tuple[str, str, str]] = []

    def enter(self, folder: Path, prefix: str, above: set[tuple[int, int]]) -> None:
        """Collect the media files of ``folder``; ``above`` are the folders we are inside of."""
        try:
            status = folder.stat()
            with os.scandir(folder) as listing:
                items = sorted(listing, key=lambda item: item.name)
        except OSError as error:
            self.troubles.append(("bad_folder", prefix or ".", error.strerror or str(error)))
            return
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        for item in items:
            self._visit(item, prefix, above | {identity})

    def _visit(self, item: os.DirEntry[str], prefix: str, above: set[tuple[int, int]]) -> None:
        name = item.name
        if name.startswith(".") or name in _IGNORED_FOLDERS:
            return
        path = prefix + name
        is_media = has_suffix(name, MEDIA_SUFFIXES)
        if not _is_text(name):
            if is_media or _is_folder(item):
                shown = path.encode("utf-8", "backslashreplace").decode()
                self.troubles.append(("bad_name", shown, "rename it"))
        elif _is_folder(item):
            before = len(self.files)
            self.enter(Path(item.path), f"{path}/", above)
            if is_media and len(self.files) == before:
                self.files.append(path)
        elif is_media:
            self.files.append(path)


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def has_suffix(name: str, suffixes: Iterable[str]) -> bool:
    """Tell whether a file name ends in one of ``suffixes``, in upper or lower case."""
    return PurePosixPath(name).suffix.lower() in suffixes


def without_suffix(path: str) -> str:
    """Return ``path`` without the suffix of a media file; other dots stay.

    >>> without_suffix("a/v1.5.MP4"), without_suffix("a/v1.5")
    ('a/v1.5', 'a/v1.5')
    """
    suffix = PurePosixPath(path).suffix
    return path.removesuffix(suffix) if suffix.lower() in MEDIA_SUFFIXES else path


def preference(path: str) -> tuple[bool, str]:
    """Return the key that sorts files that could stand for each other: videos before sounds."""
    return not has_suffix(path, VIDEO_SUFFIXES), path
