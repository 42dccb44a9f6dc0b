"""Configurations by name, to start from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cca_tools.errors import UsageError

# Source of ucf51-released: yanbeic/CCL at b590483, scripts/run_ccl_audio.sh and opts.py. Its
# schedule holds for the student alone: the optimisers of the compositions have none.
PRESETS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "default": {},
        "ucf51-released": {
            "student": {"name": "r2plus1d-ccl"},
            "data": {"batch_size": 16, "sampling": "shuffled"},
            "optim": {
                "epochs": 300,
                "lr": 1e-3,
                "momentum": 0.9,
                "weight_decay": 5e-4,
                "schedule": "steps",
                "milestones": (150, 225),
                "gamma": 0.1,
                "scheduled": "student",
            },
        },
        "demo": {
            "student": {"name": "tiny"},
            "data": {"batch_size": 16, "sampling": "balanced"},
            "optim": {"epochs": 20, "lr": 0.02, "schedule": "cosine", "warmup_epochs": 1},
        },
    }
)


def preset(name: str) -> dict[str, Any]:
    """Return the values that a preset sets, nested.

    Raises:
        UsageError: There is none of that name; the message lists the known ones.

    >>> preset("ucf51-released")["optim"]["epochs"]
    300
    """
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}", f"Known are {', '.join(PRESETS)}")
    return PRESETS[name]
