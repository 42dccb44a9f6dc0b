"""Build the report of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Section
from cca_tools.reports.study.consistency import Traced, trace, untold
from cca_tools.reports.study.page import render, to_latex
from cca_tools.reports.study.sections.ablation import ablation_section
from cca_tools.reports.study.sections.classes import Sampling, classes_section
from cca_tools.reports.study.sections.dataset import dataset_section
from cca_tools.reports.study.sections.levels import levels_section
from cca_tools.reports.study.sections.provenance import provenance_section
from cca_tools.reports.study.sections.runs import runs_section
from cca_tools.reports.study.sections.sounds import sounds_section
from cca_tools.reports.study.sections.strata import strata_section
from cca_tools.reports.study.sections.suggestions import suggestions_section
from cca_tools.reports.study.standing import Levels, standing_levels
from cca_tools.workspace import Provenance, Workspace, sha256_of, write_text


@dataclass(frozen=True)
class ReportOptions:
    """What the report shows, and what of.

    Args:
        title: Of the page; empty for one that names the workspace.
        levels: Where the levels come from, if not from the workspace's splits.
        database: The address of the labels, if not the workspace's own.
        latex: Whether to write the tables for LaTeX too.
        sampling: Of the spectrograms on the class pages.
    """

    title: str = ""
    levels: str | None = None
    database: str | None = None
    latex: bool = False
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True)
class BuiltReport:
    """Where the report lies, and what the study lacks."""

    path: Path
    latex: Path | None
    lacks: tuple[str, ...]


def build_report(
    workspace: Workspace,
    options: ReportOptions,
    command: str,
    advance: Callable[[int], object] = lambda _: None,
) -> BuiltReport:
    """Write ``report.html`` and, if asked for, ``tables/report.tex``.

    Args:
        workspace: With a manifest at least.
        options: What to show.
        command: For the provenance.
        advance: Called with 1 after each class page.

    Raises:
        DataError: There is no manifest, an artefact is damaged, or they do not belong together.
    """
    study = Study(workspace)
    provenance = Provenance(command, {"levels": options.levels, "title": options.title})
    traced = trace(workspace)
    levels = standing_levels(workspace, options.levels, options.database)
    sections = _sections(study, levels, options.sampling, advance)
    lacks = untold(workspace, traced, _sources(sections))
    traced += _untraced(sections, traced, {workspace.labels: levels.answers_hash})
    sections.append(provenance_section(study, traced, lacks))
    hashes = {item.path: item.sha256 for item in traced}
    title = options.title or f"Sound and picture in {workspace.root.resolve().name}"
    path = workspace.report
    write_text(path, render(title, sections, workspace.root, hashes))
    provenance.inputs = sorted(hashes)
    provenance.write(path)
    latex = workspace.tables / "report.tex" if options.latex else None
    if latex is not None:
        write_text(latex, to_latex(sections))
    return BuiltReport(path, latex, tuple(lack for section in sections for lack in section.lacks))


def _sections(
    study: Study, levels: Levels, sampling: Sampling, advance: Callable[[int], object]
) -> list[Section]:
    return [
        dataset_section(study),
        sounds_section(study, levels),
        levels_section(study, levels),
        suggestions_section(study, levels),
        strata_section(study),
        ablation_section(study),
        runs_section(study),
        classes_section(study, levels, sampling, advance),
    ]


def _untraced(
    sections: list[Section], traced: list[Traced], known: Mapping[Path, str]
) -> list[Traced]:
    """Return the sources that have no sidecar, such as a table of levels made by hand."""
    named = set(_sources(sections)) - {item.path for item in traced}
    return [Traced(path, known.get(path) or sha256_of(path), {}) for path in sorted(named)]


def _sources(sections: list[Section]) -> list[Path]:
    return [path for section in sections for block in section.blocks for path in block.sources]
