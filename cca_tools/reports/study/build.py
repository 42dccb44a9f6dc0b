"""Build the report of a workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Section
from cca_tools.reports.study.consistency import Traced, trace
from cca_tools.reports.study.page import render, to_latex
from cca_tools.reports.study.sections.classes import Sampling, classes_section
from cca_tools.reports.study.sections.dataset import dataset_section
from cca_tools.reports.study.sections.provenance import provenance_section
from cca_tools.reports.study.sections.sounds import sounds_section
from cca_tools.reports.study.standing import standing_levels
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
    sections = _sections(study, options, traced, advance)
    hashes = {item.path: item.sha256 for item in traced}
    for section in sections:
        for block in section.blocks:
            for path in getattr(block, "sources", ()):
                if path not in hashes:
                    hashes[path] = sha256_of(path)
    title = options.title or f"Sound and picture in {workspace.root.resolve().name}"
    path = workspace.root / "report.html"
    write_text(path, render(title, sections, workspace.root, hashes))
    provenance.inputs = sorted(hashes)
    provenance.write(path)
    latex = workspace.tables / "report.tex" if options.latex else None
    if latex is not None:
        write_text(latex, to_latex(sections))
    return BuiltReport(path, latex, tuple(lack for section in sections for lack in section.lacks))


def _sections(
    study: Study,
    options: ReportOptions,
    traced: list[Traced],
    advance: Callable[[int], object],
) -> list[Section]:
    levels = standing_levels(study.workspace, options.levels, options.database)
    return [
        dataset_section(study),
        sounds_section(study, levels),
        classes_section(study, levels, options.sampling, advance),
        provenance_section(study, traced),
    ]
