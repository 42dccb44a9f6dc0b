"""The same answer twice, from a page slow to go, is one answer; any other is a conflict."""

from __future__ import annotations

import pytest

from apps.saving import _is_said
from cca_tools.labels.events import Item, NewLabel
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace


@pytest.mark.parametrize(
    ("annotator", "level", "note", "is_said"),
    [
        ("Ann", "highly", "loud", True),
        ("Ann", "highly", "", True),
        ("Ann", "highly", "quiet", False),
        ("Ann", "weakly", "loud", False),
        ("Bob", "highly", "loud", False),
    ],
)
def test_only_the_same_answer_is_said_already(tmp_path, annotator, level, note, is_said):
    item = Item("class", "Bell")
    with LabelStore.open(Workspace(tmp_path)) as store:
        said = store.add([NewLabel("Ann", item, "highly", note="loud")], None)[0]
        undone = store.undo("Ann", ("label",))
    again = NewLabel(annotator, item, level, note=note)
    assert _is_said(again, said, decides=False) is is_said
    assert not _is_said(again, said, decides=True)
    assert undone is not None
    assert not _is_said(again, undone, decides=False)
