"""ActivityNet: whole videos, and a JSON file with the segments of each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from cca_tools.datasets.base import Entry, Layout, Listing, segment_id, split_name
from cca_tools.datasets.lists import read_text
from cca_tools.errors import DataError


class ActivityNet(Layout):
    """ActivityNet: one row an annotated segment; the group is the YouTube id.

    Videos are looked for, anywhere below the root, as ``v_{id}`` or ``{id}`` with any suffix.
    The testing subset has no annotations: its videos are rows without class. Segments are cut
    to the length that the JSON states, and again to that of the file.
    """

    name: ClassVar[str] = "activitynet"
    about: ClassVar[str] = "ActivityNet; --splits is activity_net.v1-3.min.json"

    def annotation_files(self) -> list[Path]:
        """Return the JSON file: the one given, or the only one in the folder given (or the root).

        Raises:
            DataError: There is none, or several.
        """
        place = self.annotations.splits or self.root
        files = [place] if place.is_file() else sorted(place.glob("*.json"))
        if len(files) != 1:
            raise DataError(
                f"there are {len(files)} JSON files in {place}",
                "Give activity_net.v1-3.min.json with --splits",
            )
        return files

    def read(self) -> Listing:
        """List the segments of the JSON file, and its videos without any."""
        listing = Listing()
        (file,) = self.annotation_files()
        content = _load(file)
        tree = self.scan(listing)
        for youtube_id, about in content["database"].items():
            if not isinstance(about, dict) or not isinstance(about.get("annotations", []), list):
                listing.tell("bad_row", youtube_id, "expected subset, duration and annotations")
                continue
            found = listing.find(tree, f"v_{youtube_id}") or listing.find(tree, youtube_id)
            for entry in _entries(youtube_id, about, found or f"v_{youtube_id}.mp4", listing):
                listing.add(entry)
        _tell_unknown_classes(content, listing)
        listing.tell_not_listed(tree)
        return listing


def _load(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(file))
    except ValueError as error:
        raise DataError(f"{file} is no JSON: {error}", "Download it again") from error
    if not isinstance(content, dict) or not isinstance(content.get("database"), dict):
        raise DataError(f"{file} has no 'database'", "Give activity_net.v1-3.min.json")
    return content


def _entries(
    youtube_id: str, about: Mapping[str, Any], path: str, listing: Listing
) -> Iterator[Entry]:
    split = split_name(str(about.get("subset", "")))
    if split is None:
        listing.tell("bad_row", youtube_id, f"unknown subset {about['subset']!r}")
        return
    annotations = about.get("annotations", [])
    if not annotations:
        yield Entry(segment_id(path, math.nan, math.nan), path, "", split, youtube_id)
    duration_s = _number(about.get("duration", math.inf))
    for annotation in annotations:
        segment = _segment(annotation, math.inf if math.isnan(duration_s) else duration_s)
        if segment is None:
            listing.tell("bad_row", youtube_id, f"expected label and segment, got {annotation}")
            continue
        start_s, end_s, is_clipped = segment
        video_id = segment_id(path, start_s, end_s)
        if not start_s < end_s:
            listing.tell("bad_segment", video_id, f"{annotation['segment']} of {duration_s:g} s")
            continue
        if is_clipped:
            detail = f"{annotation['segment']} to {start_s:g}-{end_s:g} s"
            listing.tell("segment_clipped", video_id, detail)
        yield Entry(video_id, path, str(annotation["label"]), split, youtube_id, start_s, end_s)


def _segment(annotation: Any, duration_s: float) -> tuple[float, float, bool] | None:
    """Return (start, end, whether it was shortened), None where there is no label or segment."""
    try:
        first, last = annotation["segment"]
        label = annotation["label"]
    except (KeyError, TypeError, ValueError):
        return None
    first, last = _number(first), _number(last)
    if not label or math.isnan(first) or math.isnan(last):
        return None
    start_s, end_s = max(0.0, first), min(last, duration_s)
    return start_s, end_s, (start_s, end_s) != (first, last)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _tell_unknown_classes(content: Mapping[str, Any], listing: Listing) -> None:
    known = {node.get("nodeName") for node in content.get("taxonomy", []) if isinstance(node, dict)}
    used = {entry.class_name for entry in listing.entries.values()} - {""}
    for class_name in sorted(used - known) if known else []:
        listing.tell("unknown_class", class_name, "it is not in the taxonomy of the JSON file")
