"""Table A, and how far the annotators agree."""

from __future__ import annotations

import math

import pandas as pd

from cca_tools.associations.table import shown_class
from cca_tools.labels.agreement import Agreement, agreement
from cca_tools.labels.stats import draw_stats, shown_stats, stats_table
from cca_tools.reports.levels import LEVELS
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, PictureBlock, Section, TableBlock
from cca_tools.reports.study.pictures import svg_address
from cca_tools.reports.study.standing import Levels

_MOST_DISPUTED = 10


def levels_section(study: Study, levels: Levels) -> Section:
    """Show how many classes have each level, and the agreement behind it."""
    section = Section("levels", "Has the sound to do with the picture?")
    if levels.known:
        classes = study.manifest["class_name"].unique()
        name = study.workspace.root.resolve().name
        counts = stats_table({name: {one: levels.of(one) for one in classes if one}})
        section.blocks += [
            Paragraph(f"The level of each class comes from: {levels.origin}."),
            TableBlock(
                "table-a",
                "Correspondence of sound and picture (Table A), with 95 % Wilson intervals.",
                shown_stats(counts).drop(columns="Dataset"),
                levels.sources,
            ),
            _picture(counts, levels),
        ]
        foreign = sorted(set(levels.levels) - set(classes))
        if foreign:
            names = ", ".join(map(shown_class, foreign[:5]))
            section.lacks.append(f"Levels of classes that this dataset lacks: {names}.")
    else:
        section.lacks.append("No class has a level yet: run cca-tools label, then split.")
    if levels.answers is None or levels.answers.empty:
        section.lacks.append("There are no annotators' answers, so nothing tells how they agree.")
        return section
    _add_agreement(section, agreement(levels.answers), levels)
    return section


def _picture(counts: pd.DataFrame, levels: Levels) -> PictureBlock:
    told = ", ".join(
        f"{level} {share:.0%}"
        for level, share in zip(counts["level"], counts["share"], strict=True)
    )
    return PictureBlock(
        "levels-picture",
        "Shares of the levels among the classes.",
        f"Bar chart of classes by level: {told}.",
        svg_address(draw_stats(counts), "levels"),
        levels.sources,
    )


def _add_agreement(section: Section, found: Agreement, levels: Levels) -> None:
    sources = levels.answers_from
    if not sources:
        section.blocks.append(
            Paragraph(
                "The answers are those of another database than the workspace's own; the SHA-256 "
                f"of all its events begins with {levels.answers_hash[:12]}."
            )
        )
    section.blocks.append(Paragraph(_sentence(found), sources))
    section.blocks += [Paragraph(f"{note[:1].upper()}{note[1:]}.") for note in found.notes]
    if len(found.kappas):
        shown = pd.DataFrame(
            {
                "Annotators": [
                    f"{a} and {b}"
                    for a, b in zip(
                        found.kappas["annotator_a"], found.kappas["annotator_b"], strict=True
                    )
                ],
                "Classes in common": found.kappas["common"],
                "Kappa": [_number(value) for value in found.kappas["kappa"]],
                "Same level": [_percent(value) for value in found.kappas["raw"]],
            }
        )
        section.blocks.append(
            TableBlock("kappas", "Pairs of annotators: quadratic weighted kappa.", shown, sources)
        )
    disputed = found.by_class[found.by_class["disagreement"] > 0].head(_MOST_DISPUTED)
    if len(disputed):
        counts = {level: disputed[level] for level in LEVELS if level in disputed}
        shown = pd.DataFrame({"Video class": disputed["class_name"].map(shown_class), **counts})
        section.blocks.append(
            TableBlock("disputed", "The classes that annotators disagree on most.", shown, sources)
        )


def _sentence(found: Agreement) -> str:
    if math.isnan(found.alpha):
        return "Krippendorff's alpha is not defined here."
    interval = (
        "" if math.isnan(found.alpha_low) else f" ({found.alpha_low:.2f} to {found.alpha_high:.2f})"
    )
    return (
        f"Ordinal Krippendorff alpha is {found.alpha:.2f}{interval}; "
        f"{_percent(found.raw)} of pairs of answers are equal."
    )


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"
