"""Errors are one line: the problem, then what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.errors import CcaError, DataError, UsageError, WeightsError, WorkspaceError

KINDS = (CcaError, DataError, UsageError, WeightsError, WorkspaceError)


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_has_problem_and_remedy(kind):
    error = kind("x is 3", "Give 4")
    assert str(error) == "x is 3. Give 4."
    assert (error.problem, error.remedy) == ("x is 3", "Give 4")
    assert isinstance(error, CcaError)


@given(st.text(), st.text())
def test_whatever_is_in_the_message_stays_on_one_line(problem, remedy):
    error = DataError(problem, remedy)
    assert len(str(error).splitlines()) == 1
    assert str(error).endswith(".")


def test_points_are_not_doubled():
    assert str(DataError("the file is gone...", "Look for it.")) == "the file is gone. Look for it."


def test_exit_codes():
    """1 is for work that was begun and could not be ended, 2 for wrong use."""
    codes = {kind: kind("a", "b").exit_code for kind in KINDS}
    assert codes == {
        CcaError: 2, DataError: 2, UsageError: 2, WeightsError: 2, WorkspaceError: 1
    }  # fmt: skip


def test_an_error_crosses_processes():
    """The guard sends kind, problem and remedy, and raises them again."""
    error = WorkspaceError("the disk is full.", "Free\nsome space")
    again = type(error)(error.problem, error.remedy)
    assert str(again) == str(error)
