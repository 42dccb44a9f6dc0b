"""Cross-modal correspondence in video datasets: index, tag, associate, label, split."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cca_tools.associations.associate import associate
    from cca_tools.datasets.index import index
    from cca_tools.tagging.run import tag_audio

__all__ = ["associate", "index", "tag_audio"]

_LAZY = {
    "index": "cca_tools.datasets.index",
    "tag_audio": "cca_tools.tagging.run",
    "associate": "cca_tools.associations.associate",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cca_tools' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
