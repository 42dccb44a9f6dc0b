"""From preset, file and single values to a configuration, each overruling the one before."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cca_tools.errors import UsageError
from ccl.methods.registry import check_method
from ccl.models.registry import student_spec
from ccl.training.config import TrainConfig
from ccl.training.presets import preset

_ADAPTER = TypeAdapter(TrainConfig)


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
        UsageError: An unknown key, a value that is not allowed, or a choice that makes no sense.

    >>> configure(preset_name="demo", assignments=["optim.lr=0.5", "method.name=baseline"]).optim.lr
    0.5
    """
    given = read_config(file) if file else {}
    name = preset_name or given.get("preset", "default")
    result = merged(merged(preset(name), given), {"preset": name})
    for key, value in (values or {}).items():
        result = merged(result, nested(key, value))
    for text in assignments:
        result = merged(result, nested(*parse_assignment(text)))
    config = validated(result)
    student_spec(config.student.name)
    check_method(config.method, config.data.distill)
    return config


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


def nested(name: str, value: Any) -> dict[str, Any]:
    """Return a value under its dotted name.

    >>> nested("optim.lr", 0.1)
    {'optim': {'lr': 0.1}}
    """
    for part in reversed(name.split(".")):
        value = {part: value}
    result: dict[str, Any] = value
    return result


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the values of ``over`` in place of its own, table by table."""
    result = dict(base)
    for name, value in over.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[name] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def validated(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration of nested plain values.

    Raises:
        UsageError: Naming the first key that is wrong, its value, and what is allowed.
    """
    try:
        return _ADAPTER.validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "unexpected_keyword_argument":
            raise UsageError(
                f"there is no setting {name!r}", "See all with `cca-tools train --dry-run`"
            ) from None
        raise UsageError(f"{name} cannot be {first['input']!r}", first["msg"]) from None
