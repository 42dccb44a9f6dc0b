"""Table C for any runs: recognition and retrieval side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cca_tools.errors import DataError, UsageError
from cca_tools.reports import formats
from cca_tools.reports.ablation import PUBLISHED, percent
from cca_tools.reports.published import published_recognition_and_retrieval
from cca_tools.reports.tables import write_table
from cca_tools.workspace import Workspace, read_provenance

# measure -> its name in the table
MEASURES = {"top1": "Top-1", "top5": "Top-5", "r1": "R@1", "r5": "R@5", "r10": "R@10",
            "r20": "R@20"}  # fmt: skip
OTHER_GROUPS = "_other_groups"
EVALUATION, PREDICTIONS, CONFIG = "evaluation.json", "predictions.parquet", "config.json"
_SEED = ("data", "seed")


@dataclass(frozen=True)
class ComparedRun:
    """One run.

    Args:
        name: As it was asked for.
        config: Its configuration, nested; its seed apart.
        seed: Of the run.
        split: Whose videos were asked about.
        metrics: Measure -> value in [0, 1], NaN where undefined.
        videos: Ids of the videos asked about.
        gallery: Ids of the videos that were retrieved from.
        classes: Of the run.
    """

    name: str
    config: Mapping[str, Any]
    seed: int
    split: str
    metrics: Mapping[str, float]
    videos: frozenset[str]
    gallery: frozenset[str]
    classes: tuple[str, ...]


def read_compared_run(name: str, folder: Path) -> ComparedRun:
    """Read what a run wrote when it was evaluated.

    Raises:
        DataError: It was not evaluated, or a file is damaged.
    """
    try:
        about = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        found = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
        rows = pd.read_parquet(folder / PREDICTIONS, columns=["video_id", "split"])
        config = about["config"]
        seed = int(config["data"].pop(_SEED[1]))
        metrics = {name: _number(metric["value"]) for name, metric in found["metrics"].items()}
        ids = {str(part): frozenset(of["video_id"]) for part, of in rows.groupby("split")}
        asked = str(found["split"])
        gallery = ids.get(str(found["gallery"]), frozenset())
        classes = tuple(about["classes"])
        return ComparedRun(name, config, seed, asked, metrics, ids[asked], gallery, classes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the evaluation of {name} cannot be read: {type(error).__name__} {error}",
            f"Run `cca-tools evaluate {name}` first",
        ) from error


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def differing_videos(runs: Sequence[ComparedRun]) -> list[str]:
    """Return, for each run that was asked about other videos than the first, how they differ."""
    first = runs[0]
    lines = []
    for run in runs[1:]:
        more, less = run.videos - first.videos, first.videos - run.videos
        if more or less:
            examples = sorted(more | less)[:2]
            lines.append(
                f"{run.name} has {len(more)} videos that {first.name} has not, and lacks "
                f"{len(less)} (such as {', '.join(examples)})"
            )
    return lines


def check_same_videos(runs: Sequence[ComparedRun]) -> None:
    """Refuse runs that were asked about different videos, by name.

    Raises:
        UsageError: There are such runs.
    """
    differ = differing_videos(runs)
    if differ:
        raise UsageError(
            f"these runs are of different {runs[0].split} videos: {'; '.join(differ)}",
            "Compare runs of one split, or say --different-videos to compare all the same",
        )


def notices(runs: Sequence[ComparedRun]) -> list[str]:
    """Return what a reader must know of runs that can be compared."""
    first = runs[0]
    lines = [f"not of the same videos: {line}" for line in differing_videos(runs)]
    lines += [
        f"{run.name} retrieves from {len(run.gallery)} videos, {first.name} from others "
        f"({len(first.gallery)}): R@k is not comparable"
        for run in runs[1:]
        if run.gallery != first.gallery
    ]
    return lines


def comparison(runs: Sequence[ComparedRun], *, mean: bool = False) -> pd.DataFrame:
    """Return one row a run, or one for all runs that differ in nothing but the seed.

    Args:
        runs: In the order of the rows.
        mean: Whether to take seeds together: means, and standard deviations beside them.

    Returns:
        ``run``, ``seeds``, ``videos``, and each measure with and without the query's own group, in
        [0, 1]; with ``mean`` also ``MEASURE_sd`` (of the sample; NaN for one seed).
    """
    together: dict[str, list[ComparedRun]] = {}
    for run in runs:
        key = json.dumps(run.config, sort_keys=True) if mean else run.name
        together.setdefault(key, []).append(run)
    return pd.DataFrame([_row(same, mean) for same in together.values()])


def _row(same: Sequence[ComparedRun], mean: bool) -> dict[str, Any]:
    first = same[0]
    row: dict[str, Any] = {
        "run": _without_seed(first) if len(same) > 1 else first.name,
        "seeds": len(same),
        "videos": len(first.videos),
    }
    for measure in (*MEASURES, *(name + OTHER_GROUPS for name in MEASURES if name[0] == "r")):
        values = np.array([run.metrics.get(measure, np.nan) for run in same])
        row[measure] = values.mean()
        if mean:
            row[f"{measure}_sd"] = values.std(ddof=1) if len(values) > 1 else np.nan
    return row


def _without_seed(run: ComparedRun) -> str:
    path = Path(run.name)
    return path.parent.as_posix() if path.name.startswith("seed") else run.name


def published_rows(
    workspace: Workspace, runs: Sequence[ComparedRun]
) -> dict[str, dict[str, float]]:
    """Return the published rows of Table C where the runs are of that dataset."""
    layout = read_provenance(workspace.manifest).get("parameters", {}).get("layout", "")
    return published_recognition_and_retrieval(str(layout), runs[0].classes)


def comparison_table(
    rows: pd.DataFrame, published: Mapping[str, Mapping[str, float]], *, other_groups: bool = False
) -> pd.DataFrame:
    """Return Table C as text, in percent.

    Args:
        rows: As of `comparison`.
        published: Method -> measure -> value; they stand below, marked.
        other_groups: Whether to show retrieval without the query's own group beside.
    """
    extra = [name for name in MEASURES if name[0] == "r"] if other_groups else []
    header = {**MEASURES, **{n + OTHER_GROUPS: f"{MEASURES[n]} other groups" for n in extra}}
    table = [
        {"Run": row["run"], "Seeds": str(row["seeds"])}
        | {shown: _cell(row, name) for name, shown in header.items()}
        for row in rows.to_dict("records")
    ]
    for method, values in published.items():
        own = {shown: percent(values.get(name, np.nan)) for name, shown in header.items()}
        table.append({"Run": f"{method} ({PUBLISHED})", "Seeds": "-"} | own)
    return pd.DataFrame(table, columns=["Run", "Seeds", *header.values()])


def _cell(row: Mapping[Any, Any], measure: str) -> str:
    spread = row.get(f"{measure}_sd", np.nan)
    return percent(row[measure]) + ("" if pd.isna(spread) else f" ({100 * spread:.1f})")


def write_comparison(
    rows: pd.DataFrame, table: pd.DataFrame, folder: Path, name: str
) -> list[Path]:
    """Write the numbers as CSV, the text as Markdown and LaTeX, and return the paths."""
    columns = ["l"] + ["r"] * (len(table.columns) - 1)
    caption = "Recognition per video and retrieval from the training videos, in percent."
    texts = {
        f"{name}.csv": formats.to_csv(rows),
        f"{name}.md": formats.to_markdown(table),
        f"{name}.tex": formats.to_latex(table, columns, caption, f"tab:{name}"),
    }
    return [write_table(folder / file, text) for file, text in texts.items()]
