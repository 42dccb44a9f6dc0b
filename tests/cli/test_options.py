from __future__ import annotations

import sys

import pytest

from cca_tools.cli.options import command_line, without_password
from cca_tools.workspace import read_provenance

from .label_study import make_study, run


@pytest.mark.parametrize(
    "argument",
    [
        "postgresql+psycopg://me:SECRET@host/x",
        "--database=postgresql://me:SE/CRET:SECRET@host:5432/x",
        "postgresql://me@host/x?password=SECRET",
        "postgresql://me@host/x?sslmode=require&sslpassword=SECRET&a=b",
    ],
)
def test_a_command_line_tells_no_password(monkeypatch, argument):
    monkeypatch.setattr(sys, "argv", ["cca-tools", "split", argument])
    told = command_line()
    assert "CRET" not in told
    assert "***" in told
    assert "host" in told


@pytest.mark.parametrize(
    "argument",
    ["sqlite:///a:b@c.db", "postgresql://me@host:5432/x", "a@b.org", "http://host:80/a", "x:y@z"],
)
def test_what_is_no_password_stays(argument):
    assert without_password(argument) == argument


def test_provenance_tells_no_password(tmp_path, monkeypatch):
    study = make_study(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cca-tools", "split", "--database", "x://me:SECRET@host/y"])
    run("split", "-w", str(study), "--allow-incomplete")
    command = read_provenance(study / "splits.json")["command"]
    assert command == "cca-tools split --database 'x://me:***@host/y'"
