"""Where every figure of the report comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, Section, TableBlock
from cca_tools.reports.study.consistency import Traced, found_here, shown_path


def provenance_section(study: Study, traced: Sequence[Traced], lacks: Sequence[str]) -> Section:
    """List the artefacts with command, settings, inputs and hashes, and what cannot be told."""
    section = Section("provenance", "Where each figure comes from")
    root = study.workspace.root
    rows = [
        {
            "Artefact": shown_path(item.path, root),
            "SHA-256": item.sha256[:12],
            "Made by": str(item.record.get("command", "")),
            "Made from": _folded(
                [
                    f"{_below(study, name)} {digest[:12]}"
                    for name, digest in item.record.get("inputs", {}).items()
                ]
            ),
            "Package": str(item.record.get("package", "")),
            "At (UTC)": str(item.record.get("utc", "")).removesuffix("+00:00"),
            "Settings": _folded(list(_settings(item.record.get("parameters", {})))),
        }
        for item in traced
    ]
    section.blocks += [
        Paragraph(
            "Under each table and picture stand the artefacts it was made from. Each artefact "
            "tells below which command made it, from what, and with which settings; the report "
            "is refused where these do not fit together. Hashes are the first twelve digits."
        ),
        TableBlock(
            "artefacts",
            "The artefacts of this study.",
            pd.DataFrame(rows, dtype=object),  # markup stays markup
            (),
        ),
    ]
    section.lacks += lacks
    return section


_UNFOLDED = 3


def _folded(parts: Sequence[str]) -> Markup:
    """Return a list of which all but the beginning is shown on demand, and in print."""
    begin, rest = Markup(", ").join(parts[:_UNFOLDED]), Markup(", ").join(parts[_UNFOLDED:])
    if not rest:
        return begin
    more = Markup("<details><summary>and {} more</summary>{}</details>")
    return begin + more.format(len(parts) - _UNFOLDED, rest)


def _below(study: Study, recorded: str) -> str:
    """Return an input as the report shows artefacts, though the folder may have moved since."""
    path = found_here(study.workspace, Path(recorded))
    return recorded if path is None else shown_path(path, study.workspace.root)


def _settings(parameters: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Give every setting that has a value, those of a group after its name and a dot."""
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{before}{name}.")
        elif value not in ("", None, [], ()):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{before}{name}: {shown}"
