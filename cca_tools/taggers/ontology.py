"""The AudioSet ontology: which audio class is a kind of which.

It is a graph rather than a tree: 38 classes have more than one parent. Source: Gemmeke et
al. (2017), "Audio Set: An ontology and human-labeled dataset for audio events".
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from cca_tools.errors import DataError


@cache
def _classes() -> dict[str, tuple[str, tuple[str, ...]]]:
    file = resources.files("cca_tools.taggers") / "data" / "ontology.json"
    entries = json.loads(file.read_text(encoding="utf-8"))
    return {mid: (name, tuple(kinds)) for mid, (name, kinds) in entries.items()}


@cache
def _parents() -> dict[str, tuple[str, ...]]:
    parents: dict[str, tuple[str, ...]] = dict.fromkeys(_classes(), ())
    for mid, (_, kinds) in _classes().items():
        for kind in kinds:
            parents[kind] = (*parents[kind], mid)
    return parents


def _known(mid: str) -> str:
    if mid not in _classes():
        raise DataError(f"the AudioSet ontology has no class {mid!r}", "Give one of its MIDs")
    return mid


def ontology_mids() -> tuple[str, ...]:
    """Return the MIDs of all classes, also of those that are in no label space.

    >>> len(ontology_mids())
    632
    """
    return tuple(_classes())


def name_of(mid: str) -> str:
    """Return the name of a class.

    Raises:
        DataError: The ontology has no such class.

    >>> name_of("/m/05tny_")
    'Bark'
    """
    return _classes()[_known(mid)][0]


def children(mid: str) -> tuple[str, ...]:
    """Return the kinds of a class, one step down.

    Raises:
        DataError: The ontology has no such class.

    >>> [name_of(kind) for kind in children("/m/01yrx")]
    ['Purr', 'Meow', 'Hiss', 'Cat communication', 'Caterwaul', 'Growling']
    """
    return _classes()[_known(mid)][1]


def parents(mid: str) -> tuple[str, ...]:
    """Return what a class is a kind of, one step up; the seven roots have none.

    Raises:
        DataError: The ontology has no such class.

    >>> [name_of(parent) for parent in parents("/m/05tny_")]
    ['Dog']
    """
    return _parents()[_known(mid)]


def ancestors(mid: str) -> tuple[str, ...]:
    """Return all that a class is a kind of, nearest first, each once, without itself.

    Raises:
        DataError: The ontology has no such class.

    >>> [name_of(ancestor) for ancestor in ancestors("/m/05tny_")]
    ['Dog', 'Domestic animals, pets', 'Animal']
    """
    found: dict[str, None] = {}
    front = parents(mid)
    while front:
        found |= dict.fromkeys(front)
        above = (parent for item in front for parent in parents(item))
        front = tuple(dict.fromkeys(item for item in above if item not in found))
    return tuple(found)
