"""The published UCF51 tables in the form that the toolkit's own results have."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from cca_tools.associations.table import COLUMNS
from cca_tools.associations.writing import write_parquet
from cca_tools.reference.ucf51 import LEVELS, published_rows, ucf51_levels
from cca_tools.reports import formats
from cca_tools.reports.tables import association_table, write_association_table, write_table
from cca_tools.taggers.labels import audioset_labels
from cca_tools.workspace import Provenance, Workspace

FOLDER = "reference-ucf51"


def published_associations() -> pd.DataFrame:
    """Return Tables D to F with the columns of ``associations.parquet``.

    Published are class, rank and audio class; the rest is missing (<NA>, NaN).

    >>> published_associations().loc[0, ["class_name", "mid", "tag"]].tolist()
    ['ApplyEyeMakeup', '/m/09x0r', 'Speech']
    """
    labels = audioset_labels()
    mid_of = dict(zip(labels.names, labels.mids, strict=True))
    rows = [
        {"class_name": row["class_name"], "rank": rank, "mid": mid_of[tag], "tag": tag}
        for row in published_rows()
        for rank, tag in enumerate(row["audio_classes"].split("; "), start=1)
    ]
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    counts = {"videos": "Int64", "support": "Int64"}  # whole numbers that may be missing
    return frame.astype(COLUMNS | counts)


def published_tables() -> dict[str, pd.DataFrame]:
    """Return the published figures of ``table_a``, ``table_b`` and ``table_c``.

    >>> published_tables()["table_b"].loc["not_correlated", "ccl"].item()
    64.1
    """
    text = resources.files(__package__).joinpath("ccl_tables.json").read_text(encoding="utf-8")
    tables = json.loads(text)
    return {
        name: pd.DataFrame.from_dict(table["rows"], orient="index", columns=table["columns"])
        for name, table in tables.items()
        if name.startswith("table_")
    }


def table_a(levels: Mapping[str, str]) -> pd.DataFrame:
    """Return how many video classes have each level, and which part of all that is.

    Args:
        levels: The level of each class: ``highly``, ``weakly`` or ``not``.

    Returns:
        ``level``, ``classes``, ``percent`` (one decimal; NaN where there are no classes).

    >>> table_a(ucf51_levels()).values.tolist()
    [['highly', 15, 29.4], ['weakly', 15, 29.4], ['not', 21, 41.2]]
    """
    counted = Counter(levels.values())
    total = len(levels) or np.nan
    return pd.DataFrame(
        [(level, counted[level], round(100 * counted[level] / total, 1)) for level in LEVELS],
        columns=["level", "classes", "percent"],
    )


def write_ucf51(workspace: Workspace) -> tuple[Path, ...]:
    """Write the published tables into a folder of their own in the workspace.

    That folder is a workspace too; the study's own ``associations.parquet`` is not touched.

    Raises:
        WorkspaceError: The folder cannot be written.
    """
    place = Workspace(workspace.root / FOLDER)
    provenance = Provenance("reference ucf51", {})
    pairs, levels = published_associations(), ucf51_levels()
    write_parquet(pairs, place.associations)
    provenance.write(place.associations)
    names = pd.DataFrame({"class_name": list(levels)})
    summary = table_a(levels).rename(
        columns={"level": "Correlated", "classes": "Video classes", "percent": "Proportion (%)"}
    )
    level_table = pd.DataFrame({"class_name": list(levels), "level": list(levels.values())})
    return (
        place.associations,
        write_table(place.root / "levels.csv", formats.to_csv(level_table)),
        *write_association_table(association_table(pairs, names, levels), place.tables),
        *_write_table_a(summary, place.tables),
    )


def _write_table_a(summary: pd.DataFrame, folder: Path) -> list[Path]:
    caption = "Statistics of the audio-video correspondence on UCF51."
    latex = formats.to_latex(summary, ["l", "r", "r"], caption, "tab:correspondence")
    return [
        write_table(folder / "table_a.csv", formats.to_csv(summary)),
        write_table(folder / "table_a.md", formats.to_markdown(summary)),
        write_table(folder / "table_a.tex", latex),
    ]
