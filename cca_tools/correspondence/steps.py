"""From nothing to splits, by the library calls of the commands, each step once."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cca_tools.associations.associate import Source, run_associate
from cca_tools.associations.settings import Settings as AssociateSettings
from cca_tools.correspondence.generate import CLASS_TRUTH, VIDEOS, DataSettings, generate
from cca_tools.datasets.index import index
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import DataError
from cca_tools.labels.importing import import_labels
from cca_tools.labels.store import LabelStore
from cca_tools.labels.study import LevelSource, split_study, study_levels
from cca_tools.reports.associations import Report
from cca_tools.splits import write_splits
from cca_tools.suggestions.settings import Settings as SuggestSettings
from cca_tools.suggestions.suggest import run_suggest
from cca_tools.taggers.registry import tagger_spec
from cca_tools.tagging.run import TagOptions, prepare, tag_manifest
from cca_tools.tagging.settings import TagSettings
from cca_tools.workspace import Provenance, Workspace, write_json

DATASET, STEPS = "videos", "benchmark-steps.json"
ANNOTATOR = "truth"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choices:
    """What decides everything up to the splits.

    Attributes:
        data: Size, seed and difficulty of the dataset.
        sounds: A folder of recordings; None for synthesised sounds.
        tagger: The audio network.
        command: The command line, for provenance.
        progress: Show bars on standard error.
        on_scene: Called with the number of scenes that are done and that of all.
    """

    data: DataSettings
    sounds: Path | None = None
    tagger: str = "yamnet"
    command: str = "cca_tools.correspondence"
    progress: bool = False
    on_scene: Callable[[int, int], None] | None = field(default=None, compare=False)


def dataset_folder(workspace: Workspace) -> Path:
    """Return where the videos of a workspace's benchmark lie."""
    return workspace.root / DATASET


def run_steps(
    workspace: Workspace, choices: Choices, tell: Callable[[str], object] = _LOG.info
) -> None:
    """Take all steps up to the splits; those that were taken with these choices are left out.

    Args:
        workspace: Of the benchmark.
        choices: What decides everything.
        tell: Called with the name of each step that is taken.

    Raises:
        CcaError: What a step refuses.
    """
    tagger_spec(choices.tagger)  # before anything is made
    steps: dict[str, tuple[Callable[[Workspace, Choices], None], Path]] = {
        "generate": (_generate, dataset_folder(workspace) / VIDEOS),
        "index": (_index, workspace.manifest),
        "tag-audio": (_tag, workspace.tags),
        "associate": (_associate, workspace.associations),
        "suggest": (_suggest, workspace.suggestions),
        "label": (_label, workspace.labels),
        "split": (_split, workspace.splits),
    }
    key, record = _key(choices), workspace.root / STEPS
    before, taken = _taken(record, key), list[str]()
    for name, (take, artefact) in steps.items():
        if before[: len(taken) + 1] == [*taken, name] and artefact.exists():
            taken.append(name)
            continue
        tell(name)
        take(workspace, choices)
        taken, before = [*taken, name], []  # what comes after is made of this
        write_json(record, {"key": key, "taken": taken})


def _key(choices: Choices) -> str:
    sounds = choices.sounds and str(choices.sounds.resolve())
    decisive = [asdict(choices.data), sounds, choices.tagger]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def _taken(record: Path, key: str) -> list[str]:
    """Return the steps that were taken with the choices of this key."""
    try:
        found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return list(found["taken"]) if found["key"] == key else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _generate(workspace: Workspace, choices: Choices) -> None:
    generate(
        dataset_folder(workspace),
        choices.data,
        sounds=choices.sounds,
        on_scene=choices.on_scene,
    )


def _index(workspace: Workspace, choices: Choices) -> None:
    index(
        dataset_folder(workspace) / VIDEOS,
        layout="table",
        workspace=workspace.root,
        progress=choices.progress,
        command=choices.command,
    )


def _tag(workspace: Workspace, choices: Choices) -> None:
    prepared = prepare(TagSettings(tagger=choices.tagger, keep=("scores", "embedding")))
    options = TagOptions(progress=choices.progress, command=choices.command)
    with workspace.lock("tag-audio"):
        summary = tag_manifest(read_manifest(workspace.manifest), workspace, prepared, options)
    if summary.num_failed:
        raise DataError(
            f"{summary.num_failed} of the generated videos could not be tagged",
            f"See `cca-tools tags failures --workspace {workspace.root}`",
        )


def _associate(workspace: Workspace, choices: Choices) -> None:
    truth = dataset_folder(workspace) / CLASS_TRUTH
    levels = LevelSource(file=str(truth))
    report = Report(study_levels(workspace, levels).levels, (), figures=True)
    run_associate(workspace, Source(command=choices.command), AssociateSettings(), report)


def _suggest(workspace: Workspace, choices: Choices) -> None:
    # The names of the classes are no words, and recordings are apart on the manifest's split alone
    settings = SuggestSettings(encoder="none", audio="split")
    truth = str(dataset_folder(workspace) / CLASS_TRUTH)
    run_suggest(workspace, settings, truth, choices.command)


def _label(workspace: Workspace, choices: Choices) -> None:
    with LabelStore.open(workspace) as store:
        import_labels(store, str(dataset_folder(workspace) / CLASS_TRUTH), annotator=ANNOTATOR)


def _split(workspace: Workspace, choices: Choices) -> None:
    levels = study_levels(workspace, LevelSource())
    provenance = Provenance(choices.command, {"rule": levels.rule}, [workspace.manifest])
    with workspace.lock("split"):
        content = split_study(workspace, levels, tags=None, allow_incomplete=False)
        write_splits(workspace.splits, content)
        provenance.write(workspace.splits)
