"""The tables and pictures of a workspace's associations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cca_tools.associations.table import Associations
from cca_tools.errors import UsageError
from cca_tools.reports.figures import save_figure, slug
from cca_tools.reports.levels import LEVELS
from cca_tools.reports.plots import draw_class, draw_heat_map
from cca_tools.reports.tables import (
    association_table,
    class_table,
    summary_table,
    write_association_table,
    write_class_table,
    write_pairs,
    write_summary,
)
from cca_tools.workspace import Workspace

ALL = "all"


@dataclass(frozen=True)
class Report:
    """What to write besides the tables of all classes.

    Args:
        levels: The level of each video class, where known.
        charts: Video classes to draw a bar chart of; ``all`` means every one.
        figures: Whether to draw the heat maps.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    charts: tuple[str, ...] = ()
    figures: bool = True

    def __post_init__(self) -> None:
        unknown = [level for level in self.levels.values() if level and level not in LEVELS]
        if unknown:
            raise UsageError(
                f"{unknown[0]!r} is no level", f"A level is one of {', '.join(LEVELS)}, or empty"
            )

    def notices(self, classes: pd.Series) -> list[str]:
        """Say which levels are of no class among ``classes``."""
        strange = [name for name in self.levels if name not in set(classes)]
        if not strange:
            return []
        number = f"{len(strange)} of {len(self.levels)} levels"
        return [f"{number} are of no class here: {', '.join(strange[:3])}"]

    @property
    def named_charts(self) -> tuple[str, ...]:
        """The classes asked for by name."""
        return tuple(name for name in self.charts if name != ALL)


def write_report(result: Associations, workspace: Workspace, report: Report) -> tuple[Path, ...]:
    """Write tables and figures into the workspace and return their paths."""
    table = association_table(result.pairs, result.classes, report.levels)
    for picture in (*workspace.figures.glob("heatmap_*"), *workspace.figures.glob("chart_*")):
        picture.unlink()  # of an earlier count: pictures and tables never tell different things
    paths = [
        *write_association_table(table, workspace.tables),
        *write_summary(summary_table(result.pairs, result.classes), workspace.tables),
        *write_pairs(result.pairs, workspace.tables),
        *write_class_table(class_table(result.classes), workspace.tables),
    ]
    if report.figures:
        paths += _draw_heat_maps(result.pairs, workspace.figures)
    paths += _draw_charts(result, workspace.figures, report)
    return tuple(paths)


def _draw_heat_maps(pairs: pd.DataFrame, folder: Path) -> list[Path]:
    return [
        path
        for measure in ("share", "log_odds_z")
        for path in save_figure(draw_heat_map(pairs, measure), folder / f"heatmap_{measure}")
    ]


def _draw_charts(result: Associations, folder: Path, report: Report) -> list[Path]:
    counted = result.classes.loc[result.classes["support"] > 0, "class_name"]
    wanted = list(counted) if ALL in report.charts else list(dict.fromkeys(report.charts))
    return [
        path
        for name in wanted
        if name in set(counted)
        for path in save_figure(draw_class(result.pairs, name), folder / f"chart_{slug(name)}")
    ]
