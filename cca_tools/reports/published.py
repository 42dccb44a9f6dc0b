"""Published figures of Tables B and C, for those studies that they are of."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Any

from cca_tools.reference.ucf51 import ucf51_levels

# row of the published Table B -> the levels of its classes
_LEVELS = {"weak_or_high": ("highly", "weakly"), "not_correlated": ("not",)}
VGGSOUND_CLASSES = 309


@cache
def _tables() -> dict[str, Any]:
    file = resources.files("cca_tools.reference").joinpath("ccl_tables.json")
    tables: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return tables


def published_accuracies(classes: Collection[str]) -> dict[str, float]:
    """Return method -> published top-1 accuracy in [0, 1] on exactly these classes.

    Empty unless the classes are those of a row of Table B: the 30 classes of UCF51 with a weak or
    high correspondence, or the 21 without.

    >>> published_accuracies([n for n, level in ucf51_levels().items() if level == "not"])
    {'baseline': 0.61, 'crd': 0.615, 'ccl': 0.641}
    >>> published_accuracies(["Archery"])
    {}
    """
    table = _tables()["table_b"]
    for name, levels in _LEVELS.items():
        theirs = {own for own, level in ucf51_levels().items() if level in levels}
        if set(classes) == theirs:
            methods = zip(table["columns"][1:], table["rows"][name][1:], strict=True)
            return {method: round(value / 100, 4) for method, value in methods}
    return {}


def published_recognition_and_retrieval(
    layout: str, classes: Collection[str]
) -> dict[str, dict[str, float]]:
    """Return method -> measure -> published value in [0, 1] of Table C.

    Empty unless the data is VGGSound with all its 309 classes.

    Args:
        layout: By which the dataset was indexed.
        classes: Of the runs.

    >>> published_recognition_and_retrieval("vggsound", range(309))["ccl"]["r1"]
    0.281
    >>> published_recognition_and_retrieval("folder", range(309))
    {}
    """
    if layout != "vggsound" or len(set(classes)) != VGGSOUND_CLASSES:
        return {}
    table = _tables()["table_c"]
    return {
        method: {name: round(v / 100, 4) for name, v in zip(table["columns"], values, strict=True)}
        for method, values in table["rows"].items()
    }
