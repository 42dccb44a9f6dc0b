"""From preset, file and single values to a configuration, each overruling the one before."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cca_tools.errors import UsageError
from ccl.methods.registry import check_method, method_spec
from ccl.models.registry import student_spec
from ccl.training.config import TrainConfig, from_dict
from ccl.training.heeded import check_heeded
from ccl.training.merging import merged, nested
from ccl.training.presets import PRESETS, preset


def configure(
    *,
    preset_name: str | None = None,
    file: Path | None = None,
    values: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> TrainConfig:
    """Return the configuration that these make.

    Args:
        preset_name: Where to start; else the file's ``preset``, else ``default``.
        file: TOML or JSON, nested as ``TrainConfig``.
        values: By dotted name; overrule the file.
        assignments: ``NAME=VALUE`` with a dotted name and a TOML value (a bare word is taken as
            text); overrule all.

    Raises:
        UsageError: An unknown key, a value that is not allowed, a choice that makes no sense, or
            a setting that is of no use beside the others.

    >>> configure(preset_name="demo", assignments=["optim.lr=0.5", "method.name=baseline"]).optim.lr
    0.5
    """
    config = resolved(preset_name=preset_name, file=file, values=values, assignments=assignments)
    check_heeded(config)
    check_method(config.method, config.data.distill)
    return config


def resolved(
    *,
    preset_name: str | None = None,
    file: Path | None = None,
    values: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> TrainConfig:
    """Return the same as ``configure``, whether or not the settings go together.

    Raises:
        UsageError: An unknown key, or a value that is not allowed.
    """
    given = read_config(file) if file else {}
    name = preset_name or given.get("preset", "default")
    if not isinstance(name, str):
        raise UsageError(f"{file}: preset cannot be {name!r}", f"Give one of {', '.join(PRESETS)}")
    result = merged(merged(preset(name), given), {"preset": name})
    for key, value in (values or {}).items():
        result = merged(result, nested(key, value))
    for text in assignments:
        result = merged(result, nested(*_setting(text)))
    config = validated(result)
    student_spec(config.student.name)
    method_spec(config.method.name)
    return config


def _setting(text: str) -> tuple[str, Any]:
    key, value = parse_assignment(text)
    if key.partition(".")[0] == "preset":
        raise UsageError(
            f"--set {text}: the preset is no single setting", f"Give --preset {value or 'NAME'}"
        )
    return key, value


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML or JSON file.

    Raises:
        UsageError: It is absent, or not in that form.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read the configuration {path}: {error}", "Give a .toml or .json file"
        ) from error
    if not isinstance(value, dict):
        raise UsageError(f"{path} holds no table of settings", "Nest it as --dry-run prints it")
    return value


def parse_assignment(text: str) -> tuple[str, Any]:
    """Return name and value of ``NAME=VALUE``.

    Raises:
        UsageError: There is no ``=``, or no name before it.

    >>> parse_assignment("optim.lr=1e-3"), parse_assignment("student.name=tiny")
    (('optim.lr', 0.001), ('student.name', 'tiny'))
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {text!r} assigns nothing", "Write it as --set optim.lr=0.01")
    if value.strip() in ("none", "null"):
        return name.strip(), None
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def validated(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration of nested plain values.

    Raises:
        UsageError: Naming the first key that is wrong, its value, and what is allowed.
    """
    try:
        return from_dict(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "unexpected_keyword_argument":
            raise UsageError(
                f"there is no setting {name!r}", "See all with `cca-tools train --dry-run`"
            ) from None
        raise UsageError(f"{name} cannot be {first['input']!r}", first["msg"]) from None
