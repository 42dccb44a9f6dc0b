"""What a run would do, without doing it: the settings as resolved, and the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from cca_tools.workspace import Workspace
from ccl.data.study import Study, VideoTable, load_study
from ccl.models.registry import student_spec
from ccl.training.checks import default_device, usable_device
from ccl.training.config import TrainConfig, as_dict
from ccl.training.job import build_networks, open_image_teacher
from ccl.training.run import run_folder

PARTS = ("train", "val", "test")


def plan(
    config: TrainConfig,
    workspace: Workspace,
    folder: Path | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Return settings, size of the data and of the student, and folder, as plain values.

    ``parts`` holds, for train, val and test: the name, videos, classes that have any, and videos
    with an audio embedding.

    Args:
        config: All settings.
        workspace: Where data are read from.
        folder: Of the run, in place of the usual one.
        device: Where it would compute; None for a GPU where there is one.

    Raises:
        CcaError: What training would refuse, too.
    """
    place = usable_device(device) if device else default_device()
    study = load_study(workspace, config.data)
    spec = student_spec(config.student.name)
    teacher = open_image_teacher(config, torch.device("cpu"))
    student, _ = build_networks(config, study, place, teacher.width if teacher else None)
    return {
        "config": as_dict(config),
        "parts": [_part(name, getattr(study, name), study) for name in PARTS],
        "classes": list(study.classes),
        "notes": list(study.notes),
        "student": spec.name,
        "parameters": sum(p.numel() for p in student.parameters()),
        "gflop_per_clip": spec.gflop,
        "steps": -(-len(study.train) // config.data.batch_size),
        "folder": str(folder or run_folder(workspace, config)),
    }


def _part(name: str, table: VideoTable, study: Study) -> tuple[str, int, int, int]:
    audio = study.teachers.get("audio")
    heard = int(audio.present[table.rows].sum()) if audio else 0
    return name, len(table), len(set(table.class_names)), heard
