"""Where every figure of the report comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, Section, TableBlock
from cca_tools.reports.study.consistency import Traced, shown_path


def provenance_section(study: Study, traced: Sequence[Traced]) -> Section:
    """List the artefacts with command, settings, inputs and hashes."""
    section = Section("provenance", "Where each figure comes from")
    root = study.workspace.root
    rows = [
        {
            "Artefact": shown_path(item.path, root),
            "SHA-256": item.sha256[:12],
            "Made by": str(item.record.get("command", "")),
            "Made from": ", ".join(
                f"{name.rsplit('/', 1)[-1]} {digest[:12]}"
                for name, digest in _few(item.record.get("inputs", {}))
            ),
            "Package": str(item.record.get("package", "")),
            "At (UTC)": str(item.record.get("utc", "")).removesuffix("+00:00"),
            "Settings": _settings(item),
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
            pd.DataFrame(rows),
            (),
        ),
    ]
    return section


_MOST_INPUTS = 6


def _few(inputs: dict[str, str]) -> list[tuple[str, str]]:
    listed = list(inputs.items())
    if len(listed) <= _MOST_INPUTS:
        return listed
    return [*listed[:_MOST_INPUTS], (f"and {len(listed) - _MOST_INPUTS} more", "")]


def _settings(item: Traced) -> str:
    plain = {
        name: value
        for name, value in item.record.get("parameters", {}).items()
        if isinstance(value, str | int | float | bool) and value != ""
    }
    return json.dumps(plain, ensure_ascii=False)[1:-1].replace('"', "")
