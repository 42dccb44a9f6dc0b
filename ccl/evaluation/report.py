"""Write an evaluation as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cca_tools.workspace import write_json, write_text
from ccl.evaluation.measures import MEASURES, OTHER_GROUPS
from ccl.evaluation.summary import Evaluation

NAMES = {
    "top1": "top-1 per video",
    "top5": "top-5 per video",
    "clip_top1": "top-1 per clip",
    "clip_top5": "top-5 per clip",
}
_SHOWN = ("top1", "top5", "r1", "r5", "r1" + OTHER_GROUPS)


def measure_name(measure: str) -> str:
    """Return what a reader calls a measure.

    >>> measure_name("clip_top1"), measure_name("r10"), measure_name("r1_other_groups")
    ('top-1 per clip', 'R@10', 'R@1 without own group')
    """
    if measure in NAMES:
        return NAMES[measure]
    name, _, rest = measure.partition("_")
    return f"R@{name[1:]}" + (" without own group" if rest else "")


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as plain values; undefined numbers are None."""
    return asdict(evaluation)


def write_evaluation(evaluation: Evaluation, stem: Path) -> tuple[Path, Path]:
    """Write ``STEM.json`` and ``STEM.md`` and return both paths."""
    paths = stem.with_name(stem.name + ".json"), stem.with_name(stem.name + ".md")
    write_json(paths[0], as_json(evaluation))
    write_text(paths[1], to_markdown(evaluation))
    return paths


def to_markdown(evaluation: Evaluation) -> str:
    """Return all tables of an evaluation as Markdown."""
    sizes, split = evaluation.sizes, evaluation.split
    gallery = f"{sizes['gallery_videos']} {evaluation.gallery or 'train'} videos"
    parts = [
        f"# Evaluation on {split}\n\n"
        f"{sizes['videos']} {split} videos of {sizes['groups']} groups and "
        f"{sizes['classes_with_videos']} classes ({sizes['clips']} clips); the network tells "
        f"{sizes['classes']} classes. Retrieval: query {split}, gallery {gallery}, cosine. "
        "Intervals are 95 %, by a bootstrap over groups.",
        _table(METRIC_HEADER, metric_rows(evaluation)),
    ]
    if evaluation.levels:
        header = ("level", "classes", "videos", *map(measure_name, _SHOWN))
        rows = [
            (row["level"], row["classes"], row["videos"], *_values(row["metrics"], interval=True))
            for row in evaluation.levels
        ]
        parts += ["## Levels of correspondence", _table(header, rows)]
    header = ("class", "level", "videos", *map(measure_name, _SHOWN))
    rows = [
        (row["class_name"], row["level"], row["videos"], *_values(row["metrics"], interval=False))
        for row in evaluation.classes
    ]
    parts += ["## Classes", _table(header, rows)]
    if evaluation.confusions:
        header = ("class", "taken for", "videos", "share of the class")
        rows = [
            (row["class_name"], row["taken_for"], f"{row['videos']:g}", percent(row["share"]))
            for row in evaluation.confusions
        ]
        parts += ["## Most frequent confusions", _table(header, rows)]
    if evaluation.notices:
        parts += ["## Notes", "\n".join(f"- {notice}" for notice in evaluation.notices)]
    return "\n\n".join(parts) + "\n"


METRIC_HEADER = ("measure", "value", "95 % interval", "chance", "videos")


def metric_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Return a row a measure over all videos, as `METRIC_HEADER` names the cells."""
    rows = [_metric_row(measure_name(name), evaluation.metrics[name]) for name in MEASURES]
    rows.insert(1, _metric_row("top-1, mean over classes", evaluation.class_mean["top1"]))
    return rows


def _metric_row(name: str, metric: Mapping[str, Any]) -> tuple[str, ...]:
    interval = (
        "" if metric["low"] is None else f"{percent(metric['low'])} to {percent(metric['high'])}"
    )
    number = str(metric["videos"])
    return name, percent(metric["value"]), interval, percent(metric["chance"]), number


def _values(metrics: Mapping[str, Mapping[str, Any]], *, interval: bool) -> list[str]:
    cells = []
    for name in _SHOWN:
        metric = metrics[name]
        ends = interval and metric["low"] is not None
        more = f" ({percent(metric['low'])} to {percent(metric['high'])})" if ends else ""
        cells.append(percent(metric["value"]) + more)
    return cells


def percent(value: float | None) -> str:
    """Return a share in percent, or a dash where it is undefined.

    >>> percent(0.1234), percent(None)
    ('12.3', '-')
    """
    return "-" if value is None else f"{100 * value:.1f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    r"""Return a cell that stays one.

    >>> print(_cell("a|b"))
    a\|b
    """
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")
