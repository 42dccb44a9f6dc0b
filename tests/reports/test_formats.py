from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cca_tools.reports.formats import (
    csv_cell,
    escape_latex,
    escape_markdown,
    to_csv,
    to_latex,
    to_markdown,
)

NASTY = [
    "a_b & 50% #1 $x$ {y} ~z ^w \\cmd \"q\" <t> |p| `a` --x ''s''",
    "=cmd|'/c calc'!A0",
    "-dash",
    "[opt] at the beginning",
    "* star",
    "Übung – naïve, “quoted”",
    "two\nlines",
]
FRAME = pd.DataFrame({"Video class": NASTY, "n": range(len(NASTY))})


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_csv_never_begins_a_cell_like_a_formula(text: str) -> None:
    assert csv_cell(text) == "'" + text


def test_csv_leaves_numbers_and_other_text() -> None:
    assert [csv_cell(value) for value in (-3, 0.5, "Dog", "", "a=b")] == [-3, 0.5, "Dog", "", "a=b"]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_csv_is_read_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b"])
    read = list(csv.reader(io.StringIO(to_csv(frame))))
    assert read[0] == ["a", "b"]
    for row, expected in zip(read[1:], rows, strict=True):
        for cell, text in zip(row, expected, strict=True):
            assert cell in (text, "'" + text)
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def read_markdown_row(line: str) -> list[str]:
    """Split at pipes that no backslash escapes, and take escapes away, as GitHub does."""
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", line.strip().strip("|"))
    return [re.sub(r"\\([\\`*_|\[\]])", r"\1", cell).strip() for cell in cells]


def test_markdown_keeps_its_columns_whatever_the_text() -> None:
    lines = to_markdown(FRAME).splitlines()
    assert lines[1] == "| --- | ---: |"
    assert len(lines) == 2 + len(NASTY)
    for line, text in zip(lines[2:], NASTY, strict=True):
        assert len(re.findall(r"(?<!\\)\|", line)) == 3
        assert line.endswith(" |")
        shown = re.sub(r"\\(.)", r"\1", line.split(" | ")[0].removeprefix("| "))
        expected = " ".join(text.split())
        assert shown.replace("&lt;", "<").replace("&amp;", "&") == expected


def test_markdown_escapes_emphasis_but_leaves_names_readable() -> None:
    assert escape_markdown("snake_case_name") == "snake_case_name"
    assert escape_markdown("_a_ *b*") == r"\_a\_ \*b\*"


@given(texts)
def test_latex_has_no_bare_special_sign(text: str) -> None:
    escaped = escape_latex(text)
    without = re.sub(r"\\(text\w+\{\}|[{}#$%&_])|\{[\[*]?\}", "", escaped)
    assert not set(without) & set('{}#$%&_~^\\<>|"`[*')
    assert not re.search(r"--|''|,,", escaped)


def test_latex_is_a_booktabs_longtable_with_its_head_on_every_page() -> None:
    text = to_latex(FRAME, ["l", "r"], "50 % of_all", "tab:x")
    assert r"\begin{longtable}{@{}lr@{}}" in text
    assert r"\caption{50 \% of\_all}\label{tab:x}" in text
    assert text.count(r"\textbf{Video class} & \textbf{n} \\") == 2
    for rule in ("toprule", "midrule", "bottomrule", "endfirsthead", "endhead", "endlastfoot"):
        assert f"\\{rule}" in text
    assert text.count(r" \\") == 2 + 2 + len(NASTY)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_compiles_and_prints_the_text(tmp_path: Path) -> None:
    (tmp_path / "table.tex").write_text(to_latex(FRAME, ["l", "r"], "A & B", "t"), encoding="utf-8")
    (tmp_path / "page.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{array,booktabs,longtable}"
        r"\begin{document}\input{table}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    if shutil.which("pdftotext"):
        shown = subprocess.run(
            ["pdftotext", "-layout", "page.pdf", "-"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for text in ('a_b & 50% #1 $x$ {y} ~z ^w \\cmd "q" <t> |p|', "[opt] at", "* star"):
            assert text in shown
