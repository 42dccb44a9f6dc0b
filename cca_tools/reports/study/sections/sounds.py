"""What each class sounds like: the layout of the paper's Tables D to F, and heat maps."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup, escape

from cca_tools.associations.table import shown_class
from cca_tools.reports.formats import escape_latex
from cca_tools.reports.plots import draw_heat_map
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, PictureBlock, Section, TableBlock
from cca_tools.reports.study.pictures import svg_address
from cca_tools.reports.study.standing import Levels, anchor
from cca_tools.reports.tables import LEVEL_COLUMN, NOTHING_COUNTED, SHOWN

MARK_WORDS = {"highly": "highly related", "weakly": "weakly related"}
_HEAT_MAPS = {
    "share": ("Share of each class's videos with the audio class among their top tags.", "share"),
    "log_odds_z": ("Log-odds of the audio class against the other video classes.", "log-odds"),
}


def sounds_section(study: Study, levels: Levels) -> Section:
    """Tell which audio classes go with each video class."""
    section = Section("sounds", "What each class sounds like")
    pairs, classes = study.pairs, study.classes
    if pairs is None or classes is None:
        section.lacks.append("There are no associations: run cca-tools associate.")
        return section
    tagger = study.tag_run.tagger if study.tag_run else "a tagger whose tags are gone"
    section.blocks += [
        Paragraph(
            f"Sound was tagged by {tagger}. For each video the {SHOWN} audio classes of the "
            "highest score count; each video class is shown with those that stand in most of its "
            "videos (Tables D to F of Chen et al., CVPR 2021)."
        ),
        _table(study, pairs, classes, levels),
    ]
    if pairs["class_name"].nunique() > 1:
        section.blocks += [_heat_map(study, pairs, measure) for measure in _HEAT_MAPS]
    return section


def _table(study: Study, pairs: pd.DataFrame, classes: pd.DataFrame, levels: Levels) -> TableBlock:
    top = pairs[pairs["rank"] <= SHOWN].sort_values(["class_name", "rank"])
    tops = {str(name): rows for name, rows in top.groupby("class_name")}
    names = [str(name) for name in classes["class_name"]]
    columns = ("Video class", f"Top-{SHOWN} audio classes")
    shown = pd.DataFrame(
        {
            columns[0]: [_link(name) for name in names],
            columns[1]: [_html(name, tops.get(name), levels) for name in names],
        },
        dtype=object,  # markup stays markup
    )
    plain = pd.DataFrame(
        {
            columns[0]: [escape_latex(shown_class(name)) for name in names],
            columns[1]: [_latex(name, tops.get(name), levels) for name in names],
        }
    )
    if levels.known:
        for frame in (shown, plain):
            frame[LEVEL_COLUMN] = [levels.of(name) for name in names]
    marked = sum(bool(mark) for mark in levels.marks.values())
    note = (
        "Red: annotators find the audio class highly related to the video class; green: weakly."
        if marked
        else ""
    )
    return TableBlock(
        "associations",
        f"Video classes and the {SHOWN} audio classes that go with each.",
        shown,
        (study.workspace.associations, *levels.sources),
        latex=plain,
        filterable=True,
        note=note,
    )


def _link(name: str) -> Markup:
    return Markup('<a href="#{}">{}</a>').format(anchor(name), shown_class(name))


def _html(name: str, top: pd.DataFrame | None, levels: Levels) -> str | Markup:
    if top is None:
        return NOTHING_COUNTED
    return Markup("; ").join(
        _marked(str(tag), levels.mark(name, str(mid)))
        for tag, mid in zip(top["tag"], top["mid"], strict=True)
    )


def _marked(tag: str, mark: str) -> Markup:
    if mark not in MARK_WORDS:
        return escape(tag)
    return Markup('<mark class="{}">{}<span class="unseen"> ({})</span></mark>').format(
        mark, tag, MARK_WORDS[mark]
    )


def _latex(name: str, top: pd.DataFrame | None, levels: Levels) -> str:
    if top is None:
        return NOTHING_COUNTED
    colours = {"highly": "red", "weakly": "green!50!black"}
    cells = []
    for tag, mid in zip(top["tag"], top["mid"], strict=True):
        colour = colours.get(levels.mark(name, str(mid)))
        text = escape_latex(str(tag))
        cells.append(rf"\textcolor{{{colour}}}{{{text}}}" if colour else text)
    return "; ".join(cells)


def _heat_map(study: Study, pairs: pd.DataFrame, measure: str) -> PictureBlock:
    caption, noun = _HEAT_MAPS[measure]
    best = pairs.sort_values(measure, ascending=False).head(3)
    strongest = ", ".join(
        f"{shown_class(name)} with {tag}"
        for name, tag in zip(best["class_name"], best["tag"], strict=True)
    )
    return PictureBlock(
        f"heatmap-{measure}",
        caption,
        f"Heat map of {pairs['class_name'].nunique()} video classes by audio classes, coloured by "
        f"{noun}. The strongest are {strongest}. The numbers stand on the class pages.",
        svg_address(draw_heat_map(pairs, measure), measure),
        (study.workspace.associations,),
    )
