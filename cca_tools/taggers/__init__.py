"""Audio taggers: label spaces, weights, networks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cca_tools.taggers.base import Scores, Tagger
    from cca_tools.taggers.labels import LabelSpace, label_space
    from cca_tools.taggers.registry import load_tagger, tagger_names, tagger_spec
    from cca_tools.taggers.spec import TaggerSpec, WeightsFile

__all__ = [
    "LabelSpace",
    "Scores",
    "Tagger",
    "TaggerSpec",
    "WeightsFile",
    "label_space",
    "load_tagger",
    "tagger_names",
    "tagger_spec",
]

_LAZY = {
    "Scores": "base",
    "Tagger": "base",
    "LabelSpace": "labels",
    "label_space": "labels",
    "load_tagger": "registry",
    "tagger_names": "registry",
    "tagger_spec": "registry",
    "TaggerSpec": "spec",
    "WeightsFile": "spec",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cca_tools.taggers' has no attribute {name!r}")
    return getattr(import_module(f"cca_tools.taggers.{_LAZY[name]}"), name)
