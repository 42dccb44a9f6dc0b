"""An ablation as its file holds it, and Table B as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.errors import DataError
from cca_tools.reports import formats
from cca_tools.reports.published import published_accuracies
from cca_tools.reports.tables import write_table
from cca_tools.workspace import Workspace, write_json

# what the tables and pictures read of each frame; an ablation without runs has no rows at all
_FRAMES = {
    "rows": ("split", "stratum", "method", "seeds", "classes", "accuracy", "accuracy_sd",
             "accuracy_low", "accuracy_high", "difference", "runs_low", "runs_high", "p_runs",
             "p_runs_holm", "method_low", "method_high", "p_method", "p_method_holm",
             "detectable"),
    "seeds": ("split", "stratum", "method", "seed", "accuracy", "top5", "only_method",
              "only_baseline", "p_mcnemar"),
    "classes": ("split", "method", "class_name", "level", "distilled", "audio_accuracy",
                "baseline", "accuracy", "gain", "gain_low", "gain_high"),
    "evidence": ("split", "method", "evidence", "classes", "rho", "rho_low", "rho_high",
                 "p_value"),
}  # fmt: skip
_MISSING = "-"
PUBLISHED = "published"


@dataclass(frozen=True)
class AblationReport:
    """What an ablation found; docs/ablation.md defines the columns.

    Args:
        about: Name, protocol, splits, methods, what is distilled, seeds, settings of the
            statistics.
        rows: One a (split, stratum, method).
        seeds: One a (split, stratum, method, seed).
        classes: One a (split, method, class).
        evidence: One a (split, method, kind of evidence).
        published: Split -> method -> published accuracy in [0, 1], where the split's classes are
            the published ones.
        runs: ``METHOD on SPLIT, seed N`` -> folder of the run.
        lacks: What could not be said, and why.
    """

    about: Mapping[str, Any]
    rows: pd.DataFrame
    seeds: pd.DataFrame
    classes: pd.DataFrame
    evidence: pd.DataFrame
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the ablation's artefacts."""
        return str(self.about["name"])


def ablation_path(workspace: Workspace, name: str) -> Path:
    """Return where an ablation lies."""
    return workspace.root / "ablation" / f"{name}.json"


def list_ablations(workspace: Workspace) -> list[Path]:
    """Return the ablations of a workspace."""
    found = sorted((workspace.root / "ablation").glob("*.json"))
    return [path for path in found if not path.name.endswith(".provenance.json")]


def write_ablation(report: AblationReport, path: Path) -> None:
    """Write an ablation as JSON."""
    write_json(path, as_record(report))


def as_record(report: AblationReport) -> dict[str, Any]:
    """Return an ablation as plain values, with None for what is undefined."""
    return {
        "about": dict(report.about),
        **{name: records_of(getattr(report, name)) for name in _FRAMES},
        "published": {split: dict(values) for split, values in report.published.items()},
        "runs": dict(report.runs),
        "lacks": list(report.lacks),
    }


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, with None for what is undefined: NaN is no JSON."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def read_ablation(path: Path) -> AblationReport:
    """Read an ablation.

    Raises:
        DataError: It is absent, damaged, or no ablation.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        frames = {name: _frame(record[name], columns) for name, columns in _FRAMES.items()}
        return AblationReport(
            {"name": path.stem, "protocol": record["about"]["protocol"]} | record["about"],
            **{name: _with_numbers(frame) for name, frame in frames.items()},
            published=record["published"],
            runs=record["runs"],
            lacks=tuple(record["lacks"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no ablation: {type(error).__name__} {error}",
            "Make it again with `cca-tools ablate`",
        ) from error


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
    missing = set(columns) - set(frame.columns)
    if missing:
        raise KeyError(f"without {', '.join(sorted(missing))}")
    return frame


def _with_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn columns of numbers and nulls into numbers and NaN."""
    for name in frame.columns:
        values = frame[name].dropna()
        if len(frame) and values.map(lambda value: isinstance(value, int | float)).all():
            frame[name] = pd.to_numeric(frame[name])
    return frame


def ablation_table(report: AblationReport) -> pd.DataFrame:
    """Return Table B with what the paper leaves out, as text; all figures in percent.

    One row a method of each stratum; published rows stand below those of the same classes.
    """
    rows: list[dict[str, str]] = []
    for (split, stratum), part in report.rows.groupby(["split", "stratum"], sort=False):
        rows += [_table_row(row) for row in part.to_dict("records")]
        if split == stratum:
            about = part.iloc[0]
            rows += [
                _published_row(about, method, value)
                for method, value in report.published.get(str(split), {}).items()
            ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


_COLUMNS = (
    "Trained for", "Tested on", "Classes", "Method", "Seeds", "Top-1 (sd over seeds)",
    "95 % interval", "Difference to baseline", "95 % interval, these runs", "p, these runs",
    "p, Holm", "95 % interval, any seed", "p, any seed", "p, any seed, Holm", "Detectable",
)  # fmt: skip


def _table_row(row: Mapping[Any, Any]) -> dict[str, str]:
    values = (
        row["split"],
        row["stratum"],
        f"{row['classes']:.0f}",
        row["method"],
        f"{row['seeds']:.0f}",
        percent(row["accuracy"]) + _in_brackets(row["accuracy_sd"]),
        interval(row["accuracy_low"], row["accuracy_high"]),
        percent(row["difference"], sign=True),
        interval(row["runs_low"], row["runs_high"], sign=True),
        p_value(row["p_runs"]),
        p_value(row["p_runs_holm"]),
        interval(row["method_low"], row["method_high"], sign=True),
        p_value(row["p_method"]),
        p_value(row["p_method_holm"]),
        percent(row["detectable"]),
    )
    return dict(zip(_COLUMNS, map(str, values), strict=True))


def _published_row(about: pd.Series, method: str, accuracy: float) -> dict[str, str]:
    row = dict.fromkeys(_COLUMNS, _MISSING)
    return row | {
        "Trained for": str(about["split"]),
        "Tested on": str(about["stratum"]),
        "Classes": f"{about['classes']:.0f}",
        "Method": f"{method} ({PUBLISHED})",
        "Top-1 (sd over seeds)": percent(accuracy),
    }


def _in_brackets(value: float) -> str:
    return "" if pd.isna(value) else f" ({100 * value:.1f})"


def percent(value: float, *, sign: bool = False) -> str:
    """Return a fraction in percent, or a dash where it is undefined.

    >>> percent(0.6553), percent(0.041, sign=True), percent(float("nan"))
    ('65.5', '+4.1', '-')
    """
    return _MISSING if pd.isna(value) else f"{100 * value:{'+' if sign else ''}.1f}"


def interval(low: float, high: float, *, sign: bool = False) -> str:
    """Return the ends of an interval in percent.

    >>> interval(0.5, 0.625)
    '50.0 to 62.5'
    """
    if pd.isna(low) or pd.isna(high):
        return _MISSING
    return f"{percent(low, sign=sign)} to {percent(high, sign=sign)}"


def p_value(value: float) -> str:
    """Return a p-value, never as zero.

    >>> p_value(0.03), p_value(0.00001), p_value(1.0)
    ('0.030', '< 0.001', '1.000')
    """
    if pd.isna(value):
        return _MISSING
    return "< 0.001" if value < 0.0005 else f"{value:.3f}"


def seed_table(report: AblationReport) -> pd.DataFrame:
    """Return every run beside the baseline's run of the same seed as text, in percent."""
    rows = [
        {
            "Trained for": row["split"],
            "Tested on": row["stratum"],
            "Method": row["method"],
            "Seed": f"{row['seed']:.0f}",
            "Top-1": percent(row["accuracy"]),
            "Top-5": percent(row["top5"]),
            "Only the method right": _count(row["only_method"]),
            "Only the baseline right": _count(row["only_baseline"]),
            "McNemar's p": p_value(row["p_mcnemar"]),
        }
        for row in report.seeds.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=list(_SEED_COLUMNS))


_SEED_COLUMNS = (
    "Trained for", "Tested on", "Method", "Seed", "Top-1", "Top-5", "Only the method right",
    "Only the baseline right", "McNemar's p",
)  # fmt: skip


def _count(value: float) -> str:
    return _MISSING if pd.isna(value) else f"{value:.0f}"


def class_gain_table(report: AblationReport) -> pd.DataFrame:
    """Return the gain of each method on each class as text, in percent."""
    frame = report.classes
    return pd.DataFrame(
        {
            "Trained for": frame.get("split", pd.Series(dtype=str)),
            "Method": frame.get("method", pd.Series(dtype=str)),
            "Video class": frame.get("class_name", pd.Series(dtype=str)),
            "Level": frame.get("level", pd.Series(dtype=str)),
            "Audio alone": _percents(frame, "audio_accuracy"),
            "Baseline": _percents(frame, "baseline"),
            "Top-1": _percents(frame, "accuracy"),
            "Gain": _percents(frame, "gain", sign=True),
            "95 % interval, these runs": [
                interval(low, high, sign=True)
                for low, high in zip(
                    frame.get("gain_low", ()), frame.get("gain_high", ()), strict=True
                )
            ],
        }
    )


def _percents(frame: pd.DataFrame, name: str, *, sign: bool = False) -> list[str]:
    return [percent(value, sign=sign) for value in frame.get(name, ())]


def write_tables(report: AblationReport, folder: Path) -> list[Path]:
    """Write Table B, its single runs and the gains of classes, and return the paths.

    CSV holds the numbers as they are; Markdown and LaTeX hold text in percent.
    """
    table, gains = ablation_table(report), class_gain_table(report)
    stem = f"ablation-{report.name}"
    caption = (
        f"Top-1 accuracy in percent, protocol {report.about['protocol']}. These runs: intervals "
        "and tests over recordings. Any seed: over recordings and seeds. Holm: over all "
        "comparisons of the table."
    )
    columns = ["l", "l", "r", "l", "r"] + ["r"] * (len(table.columns) - 5)
    gains_columns = ["l", "l", "l", "l"] + ["r"] * (len(gains.columns) - 4)
    texts = {
        f"{stem}.csv": formats.to_csv(report.rows),
        f"{stem}.md": formats.to_markdown(table),
        f"{stem}.tex": formats.to_latex(table, columns, caption, f"tab:{stem}"),
        f"{stem}-seeds.csv": formats.to_csv(report.seeds),
        f"{stem}-seeds.md": formats.to_markdown(seed_table(report)),
        f"{stem}-classes.csv": formats.to_csv(report.classes),
        f"{stem}-classes.md": formats.to_markdown(gains),
        f"{stem}-classes.tex": formats.to_latex(
            gains, gains_columns, "Gain of each class in percent.", f"tab:{stem}-classes"
        ),
    }
    return [write_table(folder / name, text) for name, text in texts.items()]


def published_beside(splits: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, float]]:
    """Return the published accuracies of those splits whose classes are the published ones."""
    found = {name: published_accuracies(classes) for name, classes in splits.items()}
    return {name: values for name, values in found.items() if values}
