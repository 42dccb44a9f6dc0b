"""Write associations into a workspace."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cca_tools.associations.table import Associations
from cca_tools.workspace import (
    Provenance,
    Workspace,
    atomic_path,
)


def classes_path(workspace: Workspace) -> Path:
    """Return where the counts of each video class lie."""
    return workspace.root / "associations_classes.parquet"


def write_associations(
    result: Associations, workspace: Workspace, provenance: Provenance
) -> tuple[Path, ...]:
    """Write both tables as Parquet, each with its sidecar, and return their paths."""
    first, second = workspace.associations, classes_path(workspace)
    write_parquet(result.pairs, first)
    write_parquet(result.classes, second)
    provenance.write(first, second)
    return first, second


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame to ``path`` atomically."""
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False)
