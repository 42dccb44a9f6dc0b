"""Write suggestions: the artefacts, tables for reading, and pictures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cca_tools.associations.table import shown_class
from cca_tools.associations.writing import write_parquet
from cca_tools.reference.ucf51 import LEVELS
from cca_tools.reports import formats
from cca_tools.reports.figures import save_figure
from cca_tools.reports.tables import write_table
from cca_tools.suggestions.evaluate import Agreement
from cca_tools.suggestions.pictures import draw_agreement, draw_probabilities
from cca_tools.workspace import (
    Provenance,
    Workspace,
)


def audio_probe_path(workspace: Workspace) -> Path:
    """Return where the results of the audio probe lie."""
    return workspace.root / "audio_probe.parquet"


def write_report(
    workspace: Workspace,
    frame: pd.DataFrame,
    audio: pd.DataFrame | None,
    against: Agreement | None,
    provenance: Provenance,
) -> tuple[Path, ...]:
    """Write what `suggest` found, and return the paths."""
    write_parquet(frame, workspace.suggestions)
    written = [workspace.suggestions]
    if audio is not None:
        written.append(audio_probe_path(workspace))
        write_parquet(audio, written[-1])
    provenance.write(*written)
    if audio is not None:
        written += _write_both(audio_table(audio), workspace.tables / "audio_probe")
    written += _write_both(suggestion_table(frame), workspace.tables / "suggestions")
    written += save_figure(draw_probabilities(frame), workspace.figures / "suggestions")
    if against is not None and against.classes:
        picture = draw_agreement(against)
        written += save_figure(picture, workspace.figures / "suggestions_agreement")
    return tuple(written)


def _write_both(table: pd.DataFrame, stem: Path) -> list[Path]:
    return [
        write_table(stem.with_suffix(".csv"), formats.to_csv(table)),
        write_table(stem.with_suffix(".md"), formats.to_markdown(table)),
    ]


def suggestion_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what a reader sees: class, level, probabilities in percent, reasons."""
    return pd.DataFrame(
        {
            "Video class": frame["class_name"].map(shown_class),
            "Suggested": frame["level"],
            **{level: frame[f"p_{level}"].map("{:.0%}".format) for level in LEVELS},
            "Why": [" ".join(said) for said in frame["reasons"]],
        }
    )


def audio_table(audio: pd.DataFrame) -> pd.DataFrame:
    """Return how well audio alone tells each class, for readers."""
    return pd.DataFrame(
        {
            "Video class": audio["class_name"],
            "Videos": audio["videos"],
            "Groups": audio["groups"],
            "Accuracy (%)": (100 * audio["accuracy"]).round(1),
            "Low (%)": (100 * audio["accuracy_low"]).round(1),
            "High (%)": (100 * audio["accuracy_high"]).round(1),
            "Among ten (%)": (100 * audio["ten_way"]).round(1),
        }
    )
