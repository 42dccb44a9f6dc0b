"""Table B: methods by stratum, with seeds, intervals and tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cca_tools.reports.ablation import (
    AblationReport,
    ablation_table,
    class_gain_table,
    list_ablations,
    read_ablation,
)
from cca_tools.reports.ablation_plots import (
    draw_accuracies,
    draw_differences,
    draw_evidence,
    draw_gains,
)
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, PictureBlock, Section, TableBlock
from cca_tools.reports.study.pictures import svg_address

_PICTURES: dict[str, tuple[Callable[[AblationReport], Figure | None], str]] = {
    "accuracies": (draw_accuracies, "Top-1 accuracy of each run; the bar is the 95 % interval."),
    "differences": (draw_differences, "Difference to the baseline, with both intervals."),
    "gains": (draw_gains, "Gain of each class."),
    "evidence": (draw_evidence, "Gain of each class against what its sound tells."),
}


def ablation_section(study: Study) -> Section:
    """Show every ablation of the workspace."""
    section = Section("ablation", "Does sound help, stratum by stratum?")
    paths = list_ablations(study.workspace)
    if not paths:
        section.lacks.append("There is no ablation: run cca-tools ablate.")
    for path in paths:
        _add(section, read_ablation(path), path)
    return section


def _add(section: Section, report: AblationReport, path: Path) -> None:
    about = report.about
    table = ablation_table(report)
    section.blocks += [
        Paragraph(
            f"Ablation {report.name}, protocol {about['protocol']}: the difference to the baseline "
            "is paired by video and seed. 'These runs' tests over recordings, 'any seed' over "
            "recordings and seeds; Holm corrects for all comparisons of the table."
        ),
        TableBlock(
            f"ablation-{report.name}",
            "Top-1 accuracy in per cent by stratum and method (Table B).",
            table,
            (path,),
        ),
    ]
    for name, (draw, caption) in _PICTURES.items():
        figure = draw(report)
        if figure is not None:
            section.blocks.append(
                PictureBlock(
                    f"ablation-{report.name}-{name}",
                    caption,
                    f"{caption} {_told(table)}",
                    svg_address(figure, f"{report.name}-{name}"),
                    (path,),
                )
            )
    gains = class_gain_table(report)
    if len(gains):
        section.blocks.append(
            TableBlock(
                f"ablation-{report.name}-classes",
                "Gain of each class, in per cent.",
                gains,
                (path,),
                filterable=True,
            )
        )
    section.lacks += list(report.lacks)


def _told(table: pd.DataFrame) -> str:
    rows = zip(table["Tested on"], table["Method"], table["Difference to baseline"], strict=True)
    told = [f"{method} on {stratum} {value}" for stratum, method, value in rows if value != "-"]
    return f"Differences to the baseline: {', '.join(told)}." if told else ""
