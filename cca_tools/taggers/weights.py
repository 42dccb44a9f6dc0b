"""Where the weights of a tagger lie."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from cca_tools.errors import WeightsError
from cca_tools.taggers.spec import TaggerSpec


def resolve_weights(spec: TaggerSpec, weights: Path | None = None) -> Path:
    """Return the file with the weights of a tagger."""
    if weights is not None:
        if not weights.is_file():
            raise WeightsError(f"the weights {weights} are not there", "Check --weights")
        return weights
    return Path(str(resources.files("cca_tools.taggers") / "data" / spec.weights.name))
