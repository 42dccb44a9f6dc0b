"""What there is to choose from: one row a tagger."""

from __future__ import annotations

from typing import Any

from cca_tools.taggers.registry import tagger_names, tagger_spec
from cca_tools.taggers.weights import find_weights


def tagger_overview() -> list[dict[str, Any]]:
    """Return one row a tagger: its facts, and where its weights are on this machine.

    ``weights`` is ``bundled``, ``folder`` (of CCA_WEIGHTS_DIR), ``cached`` or ``absent``; ``bytes``
    is the size of the file at hand, else the published one, else None; ``gflop_10s`` is the cost
    of 10 s of sound in 10^9 floating-point operations.

    >>> tagger_overview()[0]["name"], tagger_overview()[0]["weights"]
    ('yamnet', 'bundled')
    """
    return [_row(name) for name in tagger_names()]


def _row(name: str) -> dict[str, Any]:
    spec = tagger_spec(name)
    found = find_weights(spec)
    return {
        "name": name,
        "sample_rate": spec.sample_rate,
        "classes": spec.num_classes,
        "embedding": spec.embedding_dim,
        "label_space": spec.label_space,
        "parameters": spec.parameters,
        "gflop_10s": spec.gflop_10s,
        "weights": found.origin if found else "absent",
        "file": spec.weights.name,
        "path": str(found.path) if found else None,
        "bytes": found.path.stat().st_size if found else spec.weights.bytes,
        "hash": spec.weights.known_hash,
        "url": spec.weights.url or None,
        "licence": spec.weights.licence,
        "citation": spec.weights.citation,
    }
