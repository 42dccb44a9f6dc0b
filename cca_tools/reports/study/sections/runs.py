"""The trained networks: Table C for every run, and their curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cca_tools.reports.ablation import PUBLISHED, percent
from cca_tools.reports.published import published_recognition_and_retrieval
from cca_tools.reports.study.artefacts import Study, TrainedRun
from cca_tools.reports.study.blocks import Block, Paragraph, PictureBlock, Section, TableBlock
from cca_tools.reports.study.curves import draw_curves
from cca_tools.reports.study.pictures import svg_address
from cca_tools.workspace import read_provenance

_COLUMNS = {
    "top1": "Top-1",
    "top5": "Top-5",
    "r1": "R@1",
    "r5": "R@5",
    "r10": "R@10",
    "r20": "R@20",
    "r1_other_groups": "R@1, other groups",
}


_NOTE = (
    "Runs have the same mark under Settings if they differ in nothing but the seed; what the "
    "settings are stands beside each run's config.json at the end of this page."
)


def runs_section(study: Study) -> Section:
    """Show recognition and retrieval of every finished run, and the curves of training."""
    section = Section("runs", "Recognition and retrieval")
    if not study.runs:
        section.lacks.append("No network was trained: run cca-tools train or cca-tools ablate.")
        return section
    sources = tuple(run.folder / "evaluation.json" for run in study.runs)
    section.blocks.append(
        Paragraph(
            "Top-1 and top-5 are per video, softmax averaged over its clips. R@k: a test video "
            "finds one of its class among its k nearest training videos by cosine; the last "
            "column leaves out training videos of the query's own group. Means over seeds, with "
            "their standard deviation; each run's own evaluation.json has intervals."
        )
    )
    table = _table(study)
    section.blocks.append(
        TableBlock(
            "recognition",
            "Recognition and retrieval, in per cent (Table C).",
            table,
            sources,
            note=_NOTE if "Settings" in table else "",
        )
    )
    section.blocks += _curves(study)
    return section


def _table(study: Study) -> pd.DataFrame:
    rows = pd.DataFrame([_row(study, run) for run in study.runs])
    table = []
    for (split, method, settings), part in rows.groupby(["split", "method", "settings"]):
        shown = {"Split": split, "Method": method, "Seeds": len(part)}
        if rows.groupby(["split", "method"])["settings"].nunique().max() > 1:
            shown["Settings"] = settings
        measures = {title: _mean(part[name].dropna()) for name, title in _COLUMNS.items()}
        table.append(shown | {"Videos": int(part["videos"].max())} | measures)
    return pd.DataFrame([*table, *_published(study)], dtype=object).fillna("-")


def _published(study: Study) -> list[dict[str, str]]:
    """Return the rows of the published Table C where a run is of that dataset."""
    origin = read_provenance(study.workspace.manifest).get("parameters", {})
    for run in study.runs:
        classes = run.config.get("classes", ())
        found = published_recognition_and_retrieval(str(origin.get("layout", "")), classes)
        if found:
            split = run.folder.parent.name
            return [
                {"Split": split, "Method": f"{method} ({PUBLISHED})"}
                | {title: percent(of.get(name, np.nan)) for name, title in _COLUMNS.items()}
                for method, of in found.items()
            ]
    return []


def _row(study: Study, run: TrainedRun) -> dict[str, object]:
    method, split, _ = run.folder.relative_to(study.workspace.runs).parts
    metrics = run.evaluation["metrics"]
    return {
        "split": split,
        "method": method.removesuffix("-none"),
        "settings": _settings(run.config["config"]),
        "videos": run.evaluation["sizes"]["videos"],
        **{name: (metrics.get(name) or {}).get("value") for name in _COLUMNS},
    }


def _settings(config: dict[str, Any]) -> str:
    """Return a mark that runs share if nothing but the seed is different."""
    same = config | {"data": config["data"] | {"seed": None}}
    return sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:6]


def _mean(values: pd.Series) -> str:
    if values.empty:
        return ""
    mean = 100 * float(values.mean())
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({100 * values.std():.1f})"


def _curves(study: Study) -> list[Block]:
    blocks: list[Block] = []
    splits: dict[str, list[TrainedRun]] = {}
    for run in study.runs:
        splits.setdefault(run.folder.parent.name, []).append(run)
    for split, runs in splits.items():
        logs = _logs(runs)
        if logs.empty:
            continue
        sources: Sequence[Path] = [run.folder / "metrics.jsonl" for run in runs]
        blocks.append(
            PictureBlock(
                f"curves-{split}",
                f"Training on {split}: loss and accuracy by epoch, mean over seeds.",
                f"Curves of {logs['method'].nunique()} methods over {logs['epoch'].max()} epochs. "
                + _ends(logs),
                svg_address(draw_curves(logs), f"curves-{split}"),
                tuple(sources),
            )
        )
    return blocks


def _logs(runs: Sequence[TrainedRun]) -> pd.DataFrame:
    keys = [(run.folder.parents[1].name, _settings(run.config["config"])) for run in runs]
    several = len({method for method, _ in keys}) < len(set(keys))
    names = [f"{method} {settings}" if several else method for method, settings in keys]
    parts = [run.epochs.assign(method=name) for run, name in zip(runs, names, strict=True)]
    return pd.concat(parts, ignore_index=True)


def _ends(logs: pd.DataFrame) -> str:
    last = logs[logs["epoch"] == logs["epoch"].max()]
    if "val_top1" not in last:
        return ""
    means = last.groupby("method")["val_top1"].mean().dropna()
    ends = ", ".join(f"{method} {value:.0%}" for method, value in means.items())
    return f"Validation accuracy at the end: {ends}." if ends else ""
