"""From a manifest and tags to associations, without writing anything."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cca_tools.associations.counting import UNTAGGED, Counts, collapse_parents, count_pairs
from cca_tools.associations.database import open_database
from cca_tools.associations.loading import Tags, load_manifest, load_tags, require_classes
from cca_tools.associations.settings import SILENT, Progress, Settings
from cca_tools.associations.table import NO_CLASS, Associations, make_table, shown_class
from cca_tools.associations.uncertainty import estimate_uncertainty, num_tested_pairs
from cca_tools.errors import DataError
from cca_tools.tagging.rows import NOT_COUNTED

logger = logging.getLogger(__name__)

HIGHEST_USEFUL_Q = 0.05


def compute_associations(
    manifest: Path | pd.DataFrame,
    tags: Tags,
    settings: Settings,
    *,
    classes: Sequence[str] = (),
    folder: Path | None = None,
    progress: Progress = SILENT,
) -> Associations:
    """Count which audio classes go with which video class, and how strongly.

    Args:
        manifest: The file, or what ``index`` returned.
        tags: The tags of one run.
        settings: See `Settings`.
        classes: Video classes that must be there.
        folder: Where temporary files may lie; None means the system's folder for them.
        progress: Told of long computations.

    Raises:
        DataError: See `load_manifest` and `load_tags`; or no video counts.
        UsageError: ``top_k`` is more than was stored, or one of ``classes`` is not there.
        WorkspaceError: ``folder`` cannot be written.
    """
    with open_database(folder) as database:
        logger.info("reading manifest and tags")
        load_manifest(database, manifest)
        require_classes(database, classes)
        foreign, top_k = load_tags(database, tags, settings.top_k)
        if settings.collapse_parents:
            collapse_parents(database, tags.labels)
        counts = count_pairs(database)
        _require_counted(counts, foreign)
        uncertainty = estimate_uncertainty(database, counts, settings, progress)
    pairs = make_table(counts, uncertainty, tags.labels, settings.rank_by)
    return Associations(
        pairs=pairs,
        classes=counts.classes,
        notices=(
            *_left_out(counts.classes, foreign),
            *_undefined(counts.classes, pairs),
            *_out_of_reach(pairs, uncertainty.method),
        ),
        about=_about(counts, tags, foreign) | {"top_k": top_k, "p_values": uncertainty.method},
    )


def _require_counted(counts: Counts, foreign: int) -> None:
    if counts.support.sum() and len(counts.videos):
        return
    total = counts.classes.sum(numeric_only=True)
    parts = [f"{total[name]} {name}" for name in (*NOT_COUNTED, UNTAGGED) if total[name]]
    raise DataError(
        f"none of the {total['videos']} videos of the manifest counts: {', '.join(parts)}; "
        f"{foreign} tags are of videos that it does not list",
        "Tag this manifest with `cca-tools tag-audio`",
    )


def _left_out(classes: pd.DataFrame, foreign: int) -> list[str]:
    total = classes.sum(numeric_only=True)
    parts = [f"{total[name]} {name}" for name in (*NOT_COUNTED, UNTAGGED) if total[name]]
    notices = []
    if parts:
        out = total["videos"] - total["support"]
        notices.append(f"{out} of {total['videos']} videos do not count: {', '.join(parts)}")
    if foreign:
        notices.append(f"{foreign} tags are of videos that the manifest does not list: left out")
    nameless = int(classes.loc[classes["class_name"] == "", "videos"].sum())
    if nameless:
        notices.append(f"{nameless} videos have no class: they stand as {NO_CLASS}")
    empty = classes.loc[classes["support"] == 0, "class_name"]
    if len(empty):
        notices.append(f"{_classes(len(empty))} without any video that counts: {_some(empty)}")
    return notices


def _undefined(classes: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    notices = []
    alone = classes.loc[classes["groups"] == 1, "class_name"]
    if len(alone) and pairs["share_low"].notna().any():
        notices.append(
            f"{_classes(len(alone))} with one group only, so without intervals: {_some(alone)}"
        )
    for column in ("npmi", "log_odds_z"):
        undefined = int(pairs[column].isna().sum())
        if undefined:
            notices.append(f"{column} is undefined for {undefined} of {len(pairs)} pairs")
    return notices


def _out_of_reach(pairs: pd.DataFrame, method: str) -> list[str]:
    """Say when so few permutations were drawn for so many pairs that no q-value can be low."""
    lowest, floor = pairs["q_value"].min(), pairs["p_value"].min()
    if not method.endswith("permutations") or not lowest > HIGHEST_USEFUL_Q:
        return []
    at_floor = int((pairs["p_value"] == floor).sum())
    return [
        f"no q-value is below {lowest:.2g}: {at_floor} pairs have the lowest p-value that {method} "
        f"can give ({floor:.2g}); raise --permutations"
    ]


def _classes(number: int) -> str:
    return f"{number} class{'' if number == 1 else 'es'}"


def _some(names: pd.Series) -> str:
    shown = [shown_class(str(name)) for name in names[:5]]
    return ", ".join(shown) + (", ..." if len(names) > 5 else "")


def _about(counts: Counts, tags: Tags, foreign: int) -> dict[str, Any]:
    return {
        "label_space": {"name": tags.labels.name, "hash": tags.labels.hash},
        "video_classes": len(counts.class_names),
        "videos": int(counts.classes["videos"].sum()),
        "counted_videos": int(counts.support.sum()),
        "groups": int(counts.classes["groups"].sum()),
        "audio_classes": len(np.unique(counts.code)),
        "pairs": len(counts.code),
        "tested_pairs": num_tested_pairs(counts),
        "tags_not_in_manifest": foreign,
    }
