"""Table B: methods by stratum, with seeds, intervals and tests."""

from __future__ import annotations

from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Section


def ablation_section(study: Study) -> Section:
    """Show every ablation of the workspace."""
    section = Section("ablation", "Does sound help, stratum by stratum?")
    paths = sorted((study.workspace.root / "ablation").glob("*.json"))
    if not [path for path in paths if not path.name.endswith(".provenance.json")]:
        section.lacks.append("There is no ablation: run cca-tools ablate.")
    return section
