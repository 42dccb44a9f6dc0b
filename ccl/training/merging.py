"""Nested tables of settings: put one over the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[name] = merged(old, value)
        else:
            result[name] = value
    return result
