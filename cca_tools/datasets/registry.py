"""The layouts and the subsets that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable

from cca_tools.datasets.activitynet import ActivityNet
from cca_tools.datasets.base import Layout
from cca_tools.datasets.folder import Folder
from cca_tools.datasets.table import Table
from cca_tools.datasets.ucf101 import Ucf101
from cca_tools.datasets.vggsound import VggSound
from cca_tools.errors import UsageError
from cca_tools.reference.ucf51 import ucf51_classes

LAYOUTS: dict[str, type[Layout]] = {
    layout.name: layout for layout in (Ucf101, VggSound, ActivityNet, Folder, Table)
}
SUBSETS: dict[str, Callable[[], tuple[str, ...]]] = {"ucf51": ucf51_classes}


def layout_named(name: str) -> type[Layout]:
    """Return the layout called ``name``.

    Raises:
        UsageError: There is none.
    """
    if name not in LAYOUTS:
        raise UsageError(f"there is no layout {name!r}", f"Layouts are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def subset_named(name: str) -> tuple[str, ...]:
    """Return the classes of the subset called ``name``.

    Raises:
        UsageError: There is none.
    """
    if name not in SUBSETS:
        raise UsageError(f"there is no subset {name!r}", f"Subsets are {', '.join(SUBSETS)}")
    return SUBSETS[name]()
