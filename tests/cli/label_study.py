"""A small study on disk for the commands that read labels."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from click.testing import CliRunner, Result

from cca_tools.cli.main import app
from cca_tools.datasets.manifest import COLUMNS, write_manifest
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

ANSWERS = {
    "Ada": {"Dog": "highly", "Cat": "weakly", "Sea": "not", "Bus": "highly"},
    "Bob": {"Dog": "highly", "Cat": "weakly", "Sea": "weakly", "Bus": "not"},
    "Cyd": {"Dog": "highly", "Cat": "not", "Sea": "weakly"},
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def write_manifest_of(workspace: Workspace, *class_names: str) -> None:
    numbers = {name: 0 for name, kind in COLUMNS.items() if kind != "str"}
    rows = [
        dict.fromkeys(COLUMNS, "") | numbers | {"video_id": f"v{n}", "class_name": name}
        for n, name in enumerate(class_names)
    ]
    workspace.root.mkdir(parents=True, exist_ok=True)
    write_manifest(pd.DataFrame(rows), workspace.manifest)


def write_labels(workspace: Workspace, database: str | None = None) -> None:
    with LabelStore.open(workspace, database) as store:
        for annotator, answers in ANSWERS.items():
            store.add(
                [NewLabel(annotator, Item("class", name), level) for name, level in answers.items()]
            )


def make_study(root: Path) -> Path:
    write_manifest_of(Workspace(root), *ANSWERS["Ada"])
    write_labels(Workspace(root))
    return root
