"""The named splits, and how well the classes of each are told by their sound alone."""

from __future__ import annotations

import pandas as pd

from cca_tools.associations.table import shown_class
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, Section, TableBlock
from cca_tools.splits import SplitFile, read_splits

_FEW = 12


def strata_section(study: Study) -> Section:
    """Show the splits that training takes by name."""
    section = Section("strata", "Strata")
    path = study.workspace.splits
    if not path.is_file():
        section.lacks.append("There are no splits: label the classes, then run cca-tools split.")
        return section
    content = read_splits(path)
    sources = (path,) if study.probe is None else (path, study.probe_path)
    section.blocks += [
        Paragraph(
            "Each stratum is a set of classes that networks are trained and tested on by "
            f"themselves. The levels come from: {content.levels_rule or 'labels'}."
        ),
        TableBlock("splits", "The strata.", _table(content, study.probe, study.manifest), sources),
    ]
    empty = [name for name, split in content.splits.items() if not split.classes]
    if empty:
        section.lacks.append(f"Without any class: {', '.join(empty)}.")
    if study.probe is None:
        section.lacks.append(
            "How well sound alone tells the classes was not measured: tag with "
            "--keep embedding and run cca-tools suggest."
        )
    return section


def _table(content: SplitFile, probe: pd.DataFrame | None, manifest: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, split in content.splits.items():
        videos = manifest[manifest["class_name"].isin(split.classes)]
        row: dict[str, object] = {
            "Stratum": name,
            "Rule": split.rule,
            "Classes": len(split.classes),
            "Training videos": int((videos["split"] == "train").sum()),
            "Test videos": int((videos["split"] == "test").sum()),
        }
        if probe is not None:
            own = probe.loc[probe["class_name"].isin(split.classes), "accuracy"].dropna()
            row["Told by sound alone"] = f"{own.mean():.0%}" if len(own) else ""
        shown = [shown_class(class_name) for class_name in split.classes[:_FEW]]
        more = f", and {len(split.classes) - _FEW} more" if len(split.classes) > _FEW else ""
        rows.append({**row, "Its classes": ", ".join(shown) + more})
    return pd.DataFrame(rows)
