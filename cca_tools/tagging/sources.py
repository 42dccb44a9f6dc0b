"""What a user may name for tagging: nothing, a manifest, a folder, files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from cca_tools.datasets.index import index
from cca_tools.datasets.manifest import (
    check_manifest,
    read_manifest,
    video_path,
    write_manifest,
)
from cca_tools.datasets.probing import ProbeSettings, probe_all
from cca_tools.datasets.tree import MediaTree
from cca_tools.errors import DataError, UsageError
from cca_tools.workspace import Provenance, Workspace, read_provenance

Source: TypeAlias = pd.DataFrame | str | Path | Sequence[str | Path] | None

LOOSE_FILES = "files"  # the layout that a manifest of loose files names in its provenance


def as_manifest(source: Source, workspace: Workspace, *, progress: bool = True) -> pd.DataFrame:
    """Return the manifest of what a user named, and see to it that the workspace has one.

    Args:
        source: None for the workspace's manifest; a manifest as a frame or a Parquet file; a
            folder, which is indexed by its class folders; or media files, whose ids are their
            names without suffix.
        workspace: Where the manifest lies, or is put.
        progress: Show a bar while a folder is indexed.

    Raises:
        DataError: There is none, or the workspace already holds the manifest of other videos.
        UsageError: A name that is not valid UTF-8 and cannot stand in a manifest.
    """
    if source is None:
        return read_manifest(workspace.require(workspace.manifest, "cca-tools index VIDEOS"))
    if isinstance(source, pd.DataFrame):
        with workspace.lock("tag-audio"):
            return _adopt(check_manifest(source, "the frame"), workspace)
    named = [source] if isinstance(source, str | Path) else source
    paths = [_checked(Path(item)) for item in named]
    if len(paths) == 1 and _is_folder(paths[0]):
        return _folder(paths[0], workspace, progress)
    with workspace.lock("tag-audio"):
        if len(paths) == 1 and paths[0].suffix == ".parquet":
            return _adopt(read_manifest(paths[0]), workspace)
        return _files(paths, workspace)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that may not be entered
        return False


def _checked(path: Path) -> Path:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UsageError(f"the name {shown} is not valid UTF-8", "Rename it") from None
    return path


def _adopt(manifest: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    if not workspace.manifest.exists():
        _write(manifest, workspace, "manifest")
        return manifest
    known = set(read_manifest(workspace.manifest)["video_id"])
    strange = [name for name in manifest["video_id"] if name not in known]
    if strange:
        raise _other_videos(workspace, f"{len(strange)} of these videos, first {strange[0]!r}")
    return manifest


def _folder(folder: Path, workspace: Workspace, progress: bool) -> pd.DataFrame:
    if workspace.manifest.exists():
        manifest = read_manifest(workspace.manifest)
        if set(manifest["root"]) != {str(folder.resolve())}:
            raise _other_videos(workspace, str(folder))
        if not _has_changed(folder, manifest, workspace):
            return manifest
    return index(folder, layout="folder", workspace=workspace.root, progress=progress)


def _has_changed(folder: Path, manifest: pd.DataFrame, workspace: Workspace) -> bool:
    """Tell whether files came or went since the folder was indexed as a folder of classes."""
    parameters = read_provenance(workspace.manifest).get("parameters", {})
    if parameters.get("layout") != "folder" or parameters.get("subset"):
        return False
    return set(MediaTree.scan(folder).files) != set(manifest["path"])


def _files(paths: Sequence[Path], workspace: Workspace) -> pd.DataFrame:
    if not workspace.manifest.exists():
        new = _loose_files(paths, {})
        _write(new, workspace, LOOSE_FILES)
        return new
    parameters = read_provenance(workspace.manifest).get("parameters", {})
    if parameters.get("layout") != LOOSE_FILES:
        raise _other_videos(workspace, str(paths[0]))
    old = read_manifest(workspace.manifest)
    known = {video_path(row): str(row["video_id"]) for row in old.to_dict("records")}
    new = _loose_files(paths, known)
    merged = pd.concat([old, new]).drop_duplicates("video_id", keep="last")
    _write(check_manifest(merged, "the workspace with these files"), workspace, LOOSE_FILES)
    return new


def _write(manifest: pd.DataFrame, workspace: Workspace, layout: str) -> None:
    provenance = Provenance("cca_tools.tag_audio", {"layout": layout})
    write_manifest(manifest, workspace.manifest)
    provenance.write(workspace.manifest)


def _other_videos(workspace: Workspace, what: str) -> DataError:
    return DataError(
        f"{workspace.manifest} is the manifest of other videos, not of {what}",
        "Give a workspace of their own with --workspace NEW",
    )


def _loose_files(paths: Sequence[Path], known: Mapping[Path, str]) -> pd.DataFrame:
    """Return the rows of files; ``known`` are those that have an id already."""
    unique = list(dict.fromkeys(path.absolute() for path in paths))
    names = dict(known)
    taken = set(known.values())
    stems = Counter(path.stem for path in unique)
    for path in unique:
        if path not in names:
            shorter = [path.stem] if stems[path.stem] == 1 else []
            ways = [*shorter, f"{path.parent.name}/{path.name}", str(path).lstrip("/")]
            names[path] = next((way for way in ways if way not in taken), str(path))
            taken.add(names[path])
    infos = probe_all(unique, ProbeSettings(progress=False))
    rows = [
        {
            "video_id": names[path],
            "path": path.name,
            "class_name": "",
            "split": "",
            "group": names[path],
            "start_s": float("nan"),
            "end_s": float("nan"),
            "duration_s": infos[path].duration_s,
            "has_audio": infos[path].has_audio,
            "has_video": infos[path].has_video,
            "bytes": infos[path].bytes,
            "root": str(path.parent),
        }
        for path in unique
    ]
    return check_manifest(pd.DataFrame(rows), "the list of files")
