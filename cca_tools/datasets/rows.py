"""From the entries of a layout to the rows of the manifest, by looking into every file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from cca_tools.datasets.base import Entry, Listing
from cca_tools.datasets.probing import ProbeSettings, probe_all
from cca_tools.media.probe import MediaInfo

_CLIPPED_S = 0.05  # a frame or two beyond the end is rounding, not worth a notice


@dataclass
class Rows:
    """The manifest in the making, and the ids of videos that are missing or cannot be read."""

    rows: list[dict[str, object]] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)


def build_rows(listing: Listing, root: Path, settings: ProbeSettings, keep_missing: bool) -> Rows:
    """Probe the files of all entries and make the manifest's rows.

    Problems met are noted in ``listing``. Videos that cannot be read stay in the manifest,
    without audio, so that tagging gives each a status; segments outside their file do not.

    Args:
        listing: What the layout found.
        root: The folder that the entries' paths are relative to.
        settings: How to probe.
        keep_missing: Whether listed videos that are not on disk become rows, too.
    """
    root = root.resolve()
    entries = list(listing.entries.values())
    paths = [root / entry.path for entry in entries]
    infos = probe_all(paths, settings)
    for name, path in {entry.path: root / entry.path for entry in entries}.items():
        status, detail = infos[path].status, infos[path].detail
        if status == "missing_file" and not keep_missing:
            listing.tell("missing_skipped", name, detail)
        elif status != "ok":
            listing.tell(status, name, detail)
    made = Rows()
    for path, entry in zip(paths, entries, strict=True):
        info = infos[path]
        if info.status == "missing_file" and not keep_missing:
            continue
        if info.status != "ok":
            made.unreadable.add(entry.video_id)
        cut = _within_file(entry, info, listing)
        if cut is not None:
            made.rows.append(_row(cut, info, str(root)))
    return made


def _within_file(entry: Entry, info: MediaInfo, listing: Listing) -> Entry | None:
    """Cut a segment to its file's length; None where nothing of it is left."""
    if math.isnan(info.duration_s) or (math.isnan(entry.start_s) and math.isnan(entry.end_s)):
        return entry
    start_s = 0.0 if math.isnan(entry.start_s) else entry.start_s
    end_s = info.duration_s if math.isnan(entry.end_s) else entry.end_s
    if start_s >= info.duration_s:
        detail = f"{start_s:g} to {end_s:g} s of {info.duration_s:g} s"
        listing.tell("bad_segment", entry.video_id, detail)
        return None
    if end_s > info.duration_s + _CLIPPED_S:
        detail = f"{end_s:g} s to the end of the file at {info.duration_s:g} s"
        listing.tell("segment_clipped", entry.video_id, detail)
    return replace(entry, start_s=start_s, end_s=min(end_s, info.duration_s))


def _row(entry: Entry, info: MediaInfo, root: str) -> dict[str, object]:
    length_s = entry.end_s - entry.start_s
    return {
        "video_id": entry.video_id,
        "path": entry.path,
        "class_name": entry.class_name,
        "split": entry.split,
        "group": entry.group or entry.video_id,
        "start_s": entry.start_s,
        "end_s": entry.end_s,
        "duration_s": info.duration_s if math.isnan(length_s) else length_s,
        "has_audio": info.has_audio,
        "has_video": info.has_video,
        "bytes": info.bytes,
        "root": root,
    }
