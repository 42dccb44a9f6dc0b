"""What stands of all items, and two rules side by side with what they decide."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cca_tools.labels.adjudication import UNDECIDED, final_levels
from cca_tools.labels.events import Event, NewLabel
from cca_tools.labels.items import ITEM_KINDS, Item
from cca_tools.labels.store import LabelStore

COMPARED = ("majority", "dawid-skene")


def all_current(
    store: LabelStore,
    kinds: Sequence[str] = ITEM_KINDS,
    annotator: str | None = None,
    class_name: str | None = None,
) -> pd.DataFrame:
    """Return what stands of items of several kinds: `LabelStore.current` and ``item_kind``."""
    frames = [store.current(kind, annotator, class_name).assign(item_kind=kind) for kind in kinds]
    return pd.concat(frames, ignore_index=True)


def compare_rules(store: LabelStore) -> pd.DataFrame:
    """Return what each rule makes of every labelled class.

    Returns:
        ``class_name``, ``votes``, ``disputed``, ``majority`` and ``dawid-skene`` (levels),
        ``p_highly``, ``p_weakly``, ``p_not`` (by Dawid and Skene), ``decided`` and ``decided_by``
        (empty where no decision stands).
    """
    labels = store.current()
    first, second = (final_levels(labels, rule) for rule in COMPARED)
    decisions = store.adjudicated().set_index("class_name")
    names = first["class_name"]
    return pd.DataFrame(
        {
            "class_name": names,
            "votes": first["votes"],
            "disputed": first["disputed"],
            "majority": first["level"],
            "dawid-skene": second["level"],
            **{name: second[name] for name in ("p_highly", "p_weakly", "p_not")},
            "decided": [decisions["level"].get(name, "") for name in names],
            "decided_by": [decisions["annotator"].get(name, "") for name in names],
        }
    )


def decide_by_rule(store: LabelStore, rule: str, adjudicator: str) -> list[Event]:
    """Decide every disputed class that has no decision yet, as the rule says.

    A class that the rule leaves undecided stays open.

    Args:
        store: Where to.
        rule: ``majority`` or ``dawid-skene``.
        adjudicator: In whose name; the note names the rule.

    Raises:
        UsageError: He is not listed as one who may adjudicate.
        WorkspaceError: The database is gone, locked, read-only or cannot be reached.
    """
    table = compare_rules(store)
    wanted = table[table["disputed"] & (table["decided"] == "") & (table[rule] != UNDECIDED)]
    return store.adjudicate(
        [
            NewLabel(adjudicator, Item("class", name), level, note=f"by the rule {rule}: {votes}")
            for name, level, votes in zip(
                wanted["class_name"], wanted[rule], wanted["votes"], strict=True
            )
        ]
    )
