"""The cells of an ablation: one run of the trainer for each method, split and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from cca_tools.errors import CcaError, DataError
from cca_tools.splits import ALL, read_splits, split_classes
from cca_tools.workspace import Workspace
from ccl.ablation.identity import DataSummaries, DataSummary, find_folder, identity_of, is_done
from ccl.ablation.settings import MASKED, AblationSettings, Variant
from ccl.methods.registry import NO_TEACHER, check_method, method_spec
from ccl.training.config import TrainConfig
from ccl.training.configure import parse_assignment, resolved
from ccl.training.heeded import without_unheeded
from ccl.training.weights import data_hash

FEWEST_CLASSES = 2


class Place(NamedTuple):
    """Where a run stands in the table."""

    split: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.method} on {self.split}, seed {self.seed}"


@dataclass(frozen=True)
class Cell:
    """One run of the trainer.

    Args:
        places: Where it stands in the table: a run without a teacher is the same for all splits
            of the protocol ``masked``.
        config: All that shapes it, but the data.
        data: What it learns from.
        folder: Where it writes.
        identity: Hash of configuration and data.
    """

    places: tuple[Place, ...]
    config: TrainConfig
    data: DataSummary
    folder: Path
    identity: str

    @property
    def name(self) -> str:
        """Its first place, in words."""
        more = len(self.places) - 1
        return f"{self.places[0]}" + (f" (stands for {more} more)" if more else "")

    @property
    def is_done(self) -> bool:
        """Whether it was trained to its end and evaluated."""
        return is_done(self.folder, self.identity)


@dataclass(frozen=True)
class Plan:
    """The cells, and what to test them on.

    Args:
        settings: Of the ablation.
        cells: Each once, seed by seed, so that a part of them is already a table.
        refused: Place -> why its data cannot be trained on.
        classes: Of each split; splits without enough classes are not here.
        strata: Of each split: name -> classes to test on.
        lacks: Splits that are left out, and why.
    """

    settings: AblationSettings
    cells: tuple[Cell, ...]
    refused: Mapping[Place, str]
    classes: Mapping[str, tuple[str, ...]]
    strata: Mapping[str, Mapping[str, tuple[str, ...]]]
    lacks: tuple[str, ...]


def make_plan(workspace: Workspace, settings: AblationSettings) -> Plan:
    """Return the cells of an ablation.

    All cells of one seed see the same videos in the same order: the settings of the data are one
    for all, also the way of drawing batches, which a single run chooses by its method.

    Raises:
        UsageError: An unknown split, method or setting, or a combination that is refused.
        DataError: A file of the workspace is absent or damaged, every split is empty, or no cell
            can be trained.
        WeightsError: A file of weights is absent.
    """
    workspace.require(workspace.manifest, "cca-tools index")
    classes, lacks = _classes_of_splits(workspace, settings.splits)
    if not classes:
        raise DataError(f"there is nothing to train on: {'; '.join(lacks)}", "Label more classes")
    known = DataSummaries(workspace)
    cells: dict[str, Cell] = {}
    refused: dict[Place, str] = {}
    for seed in settings.seeds:
        for split in classes:
            for variant in settings.variants:
                place = Place(split, variant.label, seed)
                config, folder = _configured(place, variant, settings, workspace)
                try:
                    data = known.of(config.data)
                except DataError as error:
                    refused[place] = str(error)
                    continue
                _add(
                    cells,
                    Cell(
                        (place,),
                        config,
                        data,
                        folder,
                        identity_of(config, data_hash(data.fingerprint, config)),
                    ),
                )
    if not cells:
        raise DataError(
            f"no cell can be trained: {next(iter(refused.values()))}", "Put the data right first"
        )
    strata = _strata(workspace, settings, classes)
    return Plan(settings, tuple(cells.values()), refused, classes, strata, lacks)


def _add(cells: dict[str, Cell], cell: Cell) -> None:
    """Add a cell, or its place to the same run of another place."""
    same = cells.get(cell.identity)
    if same:
        cells[cell.identity] = replace(same, places=same.places + cell.places)
    else:
        cells[cell.identity] = replace(cell, folder=find_folder(cell.folder, cell.identity))


def _classes_of_splits(
    workspace: Workspace, splits: tuple[str, ...]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    classes: dict[str, tuple[str, ...]] = {}
    lacks: list[str] = []
    for name in splits:
        found = () if _is_empty(workspace, name) else split_classes(workspace, name)
        if len(found) >= FEWEST_CLASSES:
            classes[name] = found
        else:
            number = "1 class" if found else "no class"
            lacks.append(f"{name}: {number}, and telling apart takes {FEWEST_CLASSES}")
    return classes, tuple(lacks)


def _is_empty(workspace: Workspace, name: str) -> bool:
    """Tell whether the split is known and has no class, which is no reason to stop."""
    if name == ALL:
        return False
    splits = read_splits(workspace.require(workspace.splits, "cca-tools split")).splits
    return name in splits and not splits[name].classes


def _configured(
    place: Place, variant: Variant, settings: AblationSettings, workspace: Workspace
) -> tuple[TrainConfig, Path]:
    """Return the configuration of a cell and the folder it should have.

    Settings for all cells that are of no use to this one are left out; its own must be of use.
    """
    distill = settings.distill if method_spec(variant.method).distils else ()
    is_masked = settings.protocol == MASKED
    values: dict[str, Any] = {
        "method.name": variant.method,
        "data.split": ALL if is_masked else place.split,
        "data.distill": distill,
        "data.seed": place.seed,
        "data.teacher_split": place.split if is_masked and distill and place.split != ALL else "",
    }
    try:
        config = resolved(
            preset_name=settings.preset,
            file=settings.config,
            values=values,
            assignments=(*settings.assignments, *variant.assignments),
        )
        if config.data.sampling == "auto":  # which a single run decides by its method
            config = replace(config, data=replace(config.data, sampling="balanced"))
        own = {parse_assignment(text)[0] for text in variant.assignments}
        config = without_unheeded(config, insist={*own, "data.teacher_split"})
        check_method(config.method, config.data.distill)
    except CcaError as error:
        raise type(error)(f"{variant.label}: {error.problem}", error.remedy) from None
    method = "-".join([variant.label, *(distill or (NO_TEACHER,))])
    masked = f"-distil-{config.data.teacher_split}" if config.data.teacher_split else ""
    folder = workspace.runs / method / f"{config.data.split}{masked}" / f"seed{place.seed}"
    return config, folder


def _strata(
    workspace: Workspace, settings: AblationSettings, classes: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, tuple[str, ...]]]:
    if settings.protocol != MASKED:
        return {name: {name: names} for name, names in classes.items()}
    every: dict[str, tuple[str, ...]] = {ALL: split_classes(workspace, ALL)}
    if workspace.splits.is_file():
        splits = read_splits(workspace.splits).splits
        every |= {name: split.classes for name, split in splits.items() if split.classes}
    return {name: every for name in classes}
