"""What a benchmark found: one file of numbers, and the text that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cca_tools.correspondence.recovery import Recovery
from cca_tools.errors import DataError
from cca_tools.reports.ablation import records_of
from cca_tools.workspace import Workspace, write_json

# method, reference: what a benchmark is asked, in each stratum
QUESTIONS = (
    ("crd", "baseline"),
    ("cmc", "baseline"),
    ("ccl", "baseline"),
    ("ccl-released", "baseline"),
    ("labels-only", "baseline"),
    ("random-teacher", "baseline"),
    ("random-teacher-class", "baseline"),
    ("ccl", "crd"),
    ("ccl-released", "crd"),
    ("ccl", "labels-only"),
    ("ccl-released", "labels-only"),
    ("ccl", "random-teacher"),
    ("ccl-released", "random-teacher"),
)
NAME = "correspondence"
TERMS = "correspondence-terms"

# The terms of CCL as printed, beside the cross-entropy of the student: which of them are left.
TERM_VARIANTS = {
    "ccl": (),
    "only-nce-audio": ("nce_composed", "jsd", "ce_composed"),
    "only-nce-composed": ("nce_teacher", "jsd", "ce_composed"),
    "only-jsd": ("nce_teacher", "nce_composed", "ce_composed"),
    "nce-and-ce-composed": ("nce_teacher", "jsd"),
    "jsd-and-ce-composed": ("nce_teacher", "nce_composed"),
}


@dataclass(frozen=True)
class Results:
    """What a benchmark found.

    Attributes:
        about: Size, sounds, tagger, seeds, videos, settings of training.
        rows: One a (stratum, method): the table of the ablation.
        pairs: One a (stratum, method, reference), with Holm's correction over those of a stratum.
        recovery: What the analysis found of the planted strata.
        terms: Rows of the ablation of CCL's terms; empty where it was not made.
        term_pairs: Their differences to the baseline and to the controls.
    """

    about: Mapping[str, Any]
    rows: pd.DataFrame
    pairs: pd.DataFrame
    recovery: Recovery
    terms: pd.DataFrame = field(default_factory=pd.DataFrame)
    term_pairs: pd.DataFrame = field(default_factory=pd.DataFrame)


def results_path(workspace: Workspace) -> Path:
    """Return where the numbers lie."""
    return workspace.root / "benchmark.json"


def variants(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return CCL with some of its terms left out, as ``cca-tools ablate --variant`` takes it.

    >>> variants(("only-jsd",))[0].split(",")[1]
    'method.weights.nce_teacher=0'
    """
    return tuple(
        ",".join([f"{name}=ccl", *(f"method.weights.{term}=0" for term in TERM_VARIANTS[name])])
        for name in names
    )


def write_results(results: Results, workspace: Workspace) -> Path:
    """Write the numbers as JSON and return the path."""
    found = results.recovery
    record = {
        "about": dict(results.about),
        "rows": records_of(results.rows),
        "pairs": records_of(results.pairs),
        "terms": records_of(results.terms),
        "term_pairs": records_of(results.term_pairs),
        "recovery": {
            "classes": records_of(found.classes),
            "audio": records_of(found.audio),
            "ordered": found.ordered,
            "ordered_by_suggestions": found.ordered_by_suggestions,
            **{
                name: {**asdict(one), "confusion": one.confusion.to_dict("index")}
                for name, one in (
                    ("suggestions", found.suggestions),
                    ("associations", found.associations),
                )
            },
        },
    }
    path = results_path(workspace)
    write_json(path, json.loads(json.dumps(record, default=float).replace("NaN", "null")))
    return path


def fill(text: str, sections: Mapping[str, str]) -> str:
    r"""Return a document with what stands between its marks replaced.

    A part begins with a line ``<!-- benchmark: NAME -->`` and ends with ``<!-- end -->``.

    Raises:
        DataError: A mark names no section, or is not closed.

    >>> fill("<!-- benchmark: a -->\nold\n<!-- end -->\n", {"a": "new"}).split("\n")[1]
    'new'
    """
    out: list[str] = []
    inside = ""
    for line in text.splitlines():
        if line.startswith("<!-- benchmark:"):
            inside = line.removeprefix("<!-- benchmark:").removesuffix("-->").strip()
            if inside not in sections:
                raise DataError(
                    f"the document has the mark {inside!r}", f"Known are {', '.join(sections)}"
                )
            out += [line, sections[inside].rstrip("\n")]
        elif line == "<!-- end -->":
            inside = ""
        if not inside:
            out.append(line)
    if inside:
        raise DataError(f"the mark {inside!r} is not closed", "Add a line <!-- end -->")
    return "\n".join(out) + "\n"
