"""What cannot be meant is refused when settings are made, not in the midst of training."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from ccl.data.settings import DataSettings


@pytest.mark.parametrize(
    "values",
    [
        {"distill": ("audio", "audio")},
        {"crop_ratio": (0.0, 1.0)},
        {"crop_ratio": (2.0, 1.0)},
        {"crop_ratio": (0.5, math.inf)},
        {"crop_scale": (-0.5, 1.0)},
        {"crop_scale": (0.5, 1.5)},
        {"crop_scale": (math.nan, 1.0)},
        {"flip": math.nan},
        {"val_seed": -1},
        {"seed": 2**64},
    ],
)
def test_settings_that_make_no_sense(values):
    with pytest.raises(ValidationError, match=next(iter(values))):
        DataSettings(**values)


def test_teachers_have_one_order():
    assert DataSettings(distill=("image", "audio")).distill == ("audio", "image")
