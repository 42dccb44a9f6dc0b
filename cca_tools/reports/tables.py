"""The tables of a study as frames of text: which rows and columns a reader sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cca_tools.associations.counting import UNTAGGED
from cca_tools.associations.table import shown_class
from cca_tools.reports import formats
from cca_tools.tagging.rows import NOT_COUNTED
from cca_tools.workspace import write_text

SHOWN = 10
HEARD_MOST, ITS_OWN = 5, 3
NOTHING_COUNTED = "(no video counts)"
LEVEL_COLUMN = "Correlated"
_WIDEST_UNBROKEN = 22  # letters


def association_table(
    pairs: pd.DataFrame, classes: pd.DataFrame, levels: Mapping[str, str]
) -> pd.DataFrame:
    """Return the layout of the paper's Tables D to F: a video class, its ten audio classes, level.

    Args:
        pairs: At least ``class_name``, ``rank`` and ``tag``.
        classes: At least ``class_name``: the rows, in this order.
        levels: Level by class name; empty text where unknown.

    >>> pairs = pd.DataFrame({"class_name": ["Dog", "Dog"], "rank": [2, 1], "tag": ["Bark", "Pet"]})
    >>> classes = pd.DataFrame({"class_name": ["Dog", "Owl"]})
    >>> association_table(pairs, classes, {"Dog": "highly"}).iloc[:, 1:].values.tolist()
    [['Pet; Bark', 'highly'], ['(no video counts)', '']]
    """
    top = pairs[pairs["rank"] <= SHOWN].sort_values(["class_name", "rank"])
    joined = top.groupby("class_name")["tag"].agg("; ".join)
    names = classes["class_name"]
    return pd.DataFrame(
        {
            "Video class": names.map(shown_class),
            f"Top-{SHOWN} associated audio classes": names.map(joined).fillna(NOTHING_COUNTED),
            LEVEL_COLUMN: [levels.get(name, "") for name in names],
        }
    )


def summary_table(pairs: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return what is heard most in each class, and what is its own.

    Args:
        pairs: At least ``class_name``, ``rank``, ``tag``, ``videos``, ``share``, ``log_odds_z``.
        classes: At least ``class_name`` and ``support``: the rows, in this order.

    Returns:
        A row a class: its counted videos, the five audio classes of the highest share with it,
        and the three of the highest log-odds above zero.
    """
    common = pairs.sort_values(["class_name", "videos", "rank"], ascending=[True, False, True])
    common = common.groupby("class_name").head(HEARD_MOST)
    own = pairs[pairs["log_odds_z"] > 0].sort_values("log_odds_z", ascending=False)
    own = own.groupby("class_name").head(ITS_OWN)
    with_share = common["tag"] + " " + common["share"].map("{:.0%}".format)
    heard = with_share.groupby(common["class_name"]).agg("; ".join)
    typical = own.groupby("class_name")["tag"].agg("; ".join)
    names = classes["class_name"]
    return pd.DataFrame(
        {
            "Video class": names.map(shown_class),
            "Videos": classes["support"],
            "Heard most (share of videos)": [heard.get(name, NOTHING_COUNTED) for name in names],
            "Its own (by log-odds)": [typical.get(name, "") for name in names],
        }
    )


def class_table(classes: pd.DataFrame) -> pd.DataFrame:
    """Return how many videos of each class count, and what became of the others.

    Args:
        classes: ``class_name``, ``videos``, ``support``, ``groups``, a column a status, and
            ``untagged``; statuses that no video has are left out. The last row is the sum.
    """
    others = [name for name in (*NOT_COUNTED, UNTAGGED) if classes[name].any()]
    table = pd.DataFrame(
        {
            "Video class": classes["class_name"].map(shown_class),
            "Videos": classes["videos"],
            "Counted": classes["support"],
            "Groups": classes["groups"],
            "Partial": classes["partial"],
            **{name.replace("_", " ").capitalize(): classes[name] for name in others},
        }
    )
    total = table.sum(numeric_only=True).to_frame().T.assign(**{"Video class": "All classes"})
    return pd.concat([table, total[list(table.columns)]], ignore_index=True)


def write_association_table(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write what `association_table` gave as ``associations.csv``, ``.md`` and ``.tex``.

    Where no level is known, Markdown and LaTeX go without that column.
    """
    shown = table if table[LEVEL_COLUMN].any() else table.drop(columns=LEVEL_COLUMN)
    longest = max(map(len, shown["Video class"]), default=0)
    first = "l" if longest <= _WIDEST_UNBROKEN else _paragraph(0.24)
    columns = [first, _paragraph(0.62 if first == "l" else 0.56), "l"]
    caption = f"Video classes and the {SHOWN} audio classes that go with each."
    latex = formats.to_latex(shown, columns[: len(shown.columns)], caption, "tab:associations")
    return [
        write_table(folder / "associations.csv", formats.to_csv(table)),
        write_table(folder / "associations.md", formats.to_markdown(shown)),
        write_table(folder / "associations.tex", latex),
    ]


def _paragraph(part: float) -> str:
    return rf">{{\raggedright\arraybackslash}}p{{{part}\linewidth}}"


def write_summary(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write what `summary_table` gave as ``summary.csv`` and ``.md``."""
    return [
        write_table(folder / "summary.csv", formats.to_csv(table)),
        write_table(folder / "summary.md", formats.to_markdown(table)),
    ]


def write_pairs(pairs: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the associations with all their measures as ``pairs.csv``, for spreadsheets."""
    return [write_table(folder / "pairs.csv", formats.to_csv(pairs))]


def write_class_table(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Write what `class_table` gave as ``classes.csv``, ``.md`` and ``.tex``."""
    columns = ["l"] + ["r"] * (len(table.columns) - 1)
    caption = "Videos of each class that count, and what became of the others."
    return [
        write_table(folder / "classes.csv", formats.to_csv(table)),
        write_table(folder / "classes.md", formats.to_markdown(table)),
        write_table(
            folder / "classes.tex", formats.to_latex(table, columns, caption, "tab:classes")
        ),
    ]


def write_table(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` atomically and return the path."""
    write_text(path, text)
    return path
