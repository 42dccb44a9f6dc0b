"""The page on datasets names every layout, column and kind of problem."""

from pathlib import Path

import pytest

from cca_tools.datasets.base import PROBLEMS
from cca_tools.datasets.manifest import COLUMNS
from cca_tools.datasets.registry import LAYOUTS, SUBSETS
from cca_tools.datasets.table import TABLE_COLUMNS

PAGE = Path(__file__).resolve().parents[2] / "docs/datasets.md"


@pytest.mark.parametrize("name", [*LAYOUTS, *SUBSETS, *COLUMNS, *TABLE_COLUMNS, *PROBLEMS])
def test_it_stands_in_the_page(name):
    text = PAGE.read_text(encoding="utf-8")
    assert f"`{name}`" in text or f"--subset {name}`" in text


def test_failures_and_notices_are_told_apart():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and cells[2] in ("failure", "notice"):
            kinds = [kind.strip(" `") for kind in cells[1].split(",")]
            assert [PROBLEMS[kind][0] for kind in kinds] == [cells[2] == "failure"] * len(kinds)
