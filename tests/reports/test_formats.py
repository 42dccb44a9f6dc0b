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
    visible,
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


@pytest.mark.parametrize("write", [escape_latex, escape_markdown, visible])
def test_no_name_turns_the_direction_of_writing_or_has_control_characters(write):
    assert write("a\u202eb\x07c\x1bd\u2067e\u200f") == "abcde"
    assert write("\u05e9\u05dc\u05d5\u05dd \u4e2d") == "\u05e9\u05dc\u05d5\u05dd \u4e2d"
    family = "\U0001f468\u200d\U0001f469"
    assert write(family) == family


def test_markdown_neither_strikes_out_nor_calculates():
    assert escape_markdown("~~a~~ $b$") == r"\~\~a\~\~ \$b\$"


def test_an_undefined_number_is_an_empty_cell_of_csv():
    frame = pd.DataFrame({"a": [0.5, float("nan")], "b": [float("nan"), 2.0], "c": ["x", "y"]})
    assert to_csv(frame) == "a,b,c\n0.5,,x\n,2.0,y\n"


def test_latex_of_many_columns_fits_the_page():
    wide = pd.DataFrame({f"a long heading {n}": ["+1.0 to +2.0"] for n in range(12)})
    text = to_latex(wide, ["r"] * 12, "Caption", "tab:wide")
    assert r"\shortstack[l]{\textbf{a long} \\ \textbf{heading 1}}" in text
    assert text.index("{\\scriptsize") < text.index(r"\begin{longtable}")
    assert text.endswith("\\end{longtable}}\n")
    narrow = to_latex(wide.iloc[:, :3], ["r"] * 3, "Caption", "tab:narrow")
    assert "scriptsize" not in narrow
    assert narrow.endswith("\\end{longtable}\n")
