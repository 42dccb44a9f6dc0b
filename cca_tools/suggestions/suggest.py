"""Suggest a level for every class of a workspace, with reasons."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.suggestions.evaluate import Agreement, agreement
from cca_tools.suggestions.evidence import Known, gather
from cca_tools.suggestions.features import FAMILIES, FEATURES, known_families
from cca_tools.suggestions.model import Suggester
from cca_tools.suggestions.reasons import Evidence, reasons
from cca_tools.suggestions.report import write_report
from cca_tools.suggestions.settings import OWN_LABELS, Settings, levels_from
from cca_tools.suggestions.training import (
    LEAST_OWN,
    ORDER,
    Training,
    joined,
    labelled,
    published_training,
)
from cca_tools.workspace import Provenance, Workspace, read_provenance

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What was suggested, and the files that were written.

    Args:
        frame: One row a class; see `suggest`.
        audio: What the audio probe found, None where it could not be run.
        against: The comparison with labels that was asked for.
        learnt: The agreement with the labels that were learnt from, each class left out in turn;
            published and own ones.
        notices: What a reader must know.
        about: How it was made, for provenance.
        files: What was written.
    """

    frame: pd.DataFrame
    audio: pd.DataFrame | None
    against: Agreement | None
    learnt: dict[str, Agreement]
    notices: tuple[str, ...]
    about: dict[str, Any]
    files: tuple[Path, ...]


def suggest(workspace: str | Path = "outputs", settings: Settings | None = None) -> pd.DataFrame:
    """Return a suggested level for each class of the workspace's associations.

    Writes ``suggestions.parquet``, ``audio_probe.parquet``, ``tables/`` and ``figures/``.

    >>> frame = suggest("outputs/mine")  # doctest: +SKIP

    Args:
        workspace: The folder of the study.
        settings: See `Settings`; None means the defaults.

    Returns:
        By class name: ``class_name``, ``level``, ``p_highly``, ``p_weakly``, ``p_not``,
        ``reasons`` (sentences), the four features, and ``used`` (the families of features that
        the class has). A class whose label was learnt from is suggested by a model that has not
        seen it.

    Raises:
        UsageError: A setting that makes no sense, an unknown encoder or tag run.
        DataError: No associations, or files that cannot be read.
        WorkspaceError: The workspace cannot be written, or another run holds it.
    """
    outcome = run_suggest(Workspace(Path(workspace)), settings or Settings())
    for notice in outcome.notices:
        logger.warning(notice)
    return outcome.frame


def run_suggest(
    workspace: Workspace,
    settings: Settings,
    against: str | None = None,
    command: str = "cca_tools.suggest",
    step: Callable[[str], object] = logger.info,
) -> Outcome:
    """Suggest levels, compare them with ``against`` where given, and write everything.

    Raises:
        See `suggest`.
    """
    provenance = Provenance(command, {})
    with workspace.lock("suggest"):
        known = gather(workspace, settings, step)
        step("learning from labels")
        training, notices = _training(workspace, settings, known)
        suggester = Suggester(training)
        frame = _frame(known, suggester)
        learnt = {
            name: _left_out(training.only(rows), suggester)
            for name, rows in (("published", ~training.own), ("own", training.own))
            if rows.any()
        }
        compared = None
        if against is not None:
            levels = levels_from(workspace, against, settings.database)
            compared = agreement(
                dict(zip(frame["class_name"], frame["level"], strict=True)), levels
            )
        about = _about(known, training, learnt)
        provenance.parameters = asdict(settings) | {"against": against} | about
        del provenance.parameters["database"]  # with its password; the command has it without
        provenance.inputs = _inputs(workspace, settings, known)
        provenance.label_space = read_provenance(known.inputs[0]).get("label_space")
        outcome = Outcome(
            frame, known.audio, compared, learnt, (*_lacking(known), *known.notices, *notices),
            about, (),
        )  # fmt: skip
        files = write_report(workspace, outcome.frame, outcome.audio, compared, provenance)
    return Outcome(**{**outcome.__dict__, "files": files})


def _training(
    workspace: Workspace, settings: Settings, known: Known
) -> tuple[Training, tuple[str, ...]]:
    training = published_training(known.encode)
    if settings.learn_from is None:
        return training, ()
    levels = levels_from(workspace, settings.learn_from, settings.database)
    own = labelled(known.features.dropna(how="all"), levels, own=True)
    if len(own) < LEAST_OWN or len(set(own.levels.tolist())) < 2:
        return training, (
            f"{settings.learn_from} gives {len(own)} classes of the workspace a level: own labels "
            f"are learnt from when there are {LEAST_OWN} or more, of two levels or more",
        )
    return joined(training, own), (f"learnt from {len(own)} own labels beside the published",)


def _frame(known: Known, suggester: Suggester) -> pd.DataFrame:
    probs = suggester.probs(known.features)
    probed = {} if known.audio is None else _by_name(known.audio)
    rows = []
    for (name, features), chances in zip(known.features.iterrows(), probs, strict=True):
        model = suggester.model_for(str(name), features)
        evidence = Evidence(
            str(name),
            known.heard[known.heard["class_name"] == name],
            (known.meaning or {}).get(str(name)),
            probed.get(str(name)),
            len(probed),
            model.contributions(features),
        )
        rows.append(
            {
                "class_name": str(name),
                "level": ORDER[int(chances.argmax())],
                **{f"p_{level}": chances[ORDER.index(level)] for level in reversed(ORDER)},
                "reasons": reasons(evidence, known.lacks),
                **{column: float(features[column]) for column in FEATURES},
                "used": list(known_families(features)),
            }
        )
    return pd.DataFrame(rows)


def _by_name(audio: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(row["class_name"]): row for _, row in audio.iterrows()}


def _left_out(training: Training, suggester: Suggester) -> Agreement:
    """Return how far labels that were learnt from are met by models that have not seen them."""
    features = training.features.set_axis(training.names)
    levels = [ORDER[place] for place in suggester.probs(features).argmax(axis=1)]
    truth = [ORDER[place] for place in training.levels]
    names = training.names.tolist()
    return agreement(dict(zip(names, levels, strict=True)), dict(zip(names, truth, strict=True)))


def _about(known: Known, training: Training, learnt: Mapping[str, Agreement]) -> dict[str, Any]:
    return {
        "classes": len(known.classes),
        "families": [name for name in FAMILIES if name not in known.lacks],
        "lacks": known.lacks,
        "audio_features": known.audio_source,
        "learnt_from": {
            "published": int((~training.own).sum()),
            "own": int(training.own.sum()),
        },
        "leave_one_class_out": {
            name: {"classes": one.classes, "accuracy": one.accuracy, "kappa": one.kappa}
            for name, one in learnt.items()
        },
    }


def _lacking(known: Known) -> tuple[str, ...]:
    silent = [name for name in known.classes if name not in set(known.heard["class_name"])]
    notices = [f"{family} is not used: {why}" for family, why in known.lacks.items()]
    if silent:
        notices.append(f"{len(silent)} classes without any video that counts: {silent[0]!r}, ...")
    return tuple(notices)


def _inputs(workspace: Workspace, settings: Settings, known: Known) -> list[Path]:
    inputs = list(known.inputs)
    source = settings.learn_from
    if source == OWN_LABELS:
        inputs += [workspace.labels] if settings.database is None else []
    elif source is not None and Path(source).is_file():
        inputs.append(Path(source))
    return inputs
