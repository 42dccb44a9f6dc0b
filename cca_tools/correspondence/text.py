"""The sections of a benchmark's report, written from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cca_tools.correspondence.recovery import Recovery
from cca_tools.correspondence.results import Results
from cca_tools.reports.ablation import interval, p_value, percent
from cca_tools.reports.formats import to_markdown
from cca_tools.suggestions.evaluate import Agreement

LEVEL = 0.05


def sections(results: Results) -> dict[str, str]:
    """Return each section of the report in Markdown, by name.

    Args:
        results: The numbers; nothing else stands in the text.
    """
    return {
        "run": _run(results.about),
        "accuracy": to_markdown(accuracy_table(results.rows)),
        "questions": to_markdown(questions_table(results.pairs)),
        "answers": "\n".join(f"- {line}" for line in answers(results.pairs)) + "\n",
        "recovery": _recovery(results.recovery),
        "classes": to_markdown(_classes(results.recovery.classes)),
        "terms": _terms(results),
    }


def markdown(results: Results) -> str:
    """Return the report of a benchmark in Markdown."""
    titles = {
        "run": "The run",
        "accuracy": "Accuracy",
        "answers": "What it says",
        "questions": "Differences",
        "terms": "The terms of CCL",
        "recovery": "Recovery of the planted strata",
        "classes": "Class by class",
    }
    made = sections(results)
    parts = [f"## {title}\n\n{made[name]}" for name, title in titles.items()]
    return "# Benchmark: correspondence\n\n" + "\n".join(parts)


def _run(about: Mapping[str, Any]) -> str:
    lines = [f"- {name}: {value}" for name, value in about.items()]
    return "\n".join(lines) + "\n"


def accuracy_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies, a row a method and a column a stratum, in percent.

    Args:
        rows: ``stratum``, ``method``, ``accuracy``, ``accuracy_sd``.
    """
    cells = rows.assign(
        cell=[
            percent(mean) + ("" if pd.isna(sd) else f" ({100 * sd:.1f})")
            for mean, sd in zip(rows["accuracy"], rows["accuracy_sd"], strict=True)
        ]
    )
    table = cells.pivot(index="method", columns="stratum", values="cell")
    strata, methods = cells["stratum"].unique(), cells["method"].unique()
    return table.reindex(index=methods, columns=strata, fill_value="-").reset_index()


def questions_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the differences with their intervals and p-values, as text in percent points."""
    return pd.DataFrame(
        {
            "stratum": row["stratum"],
            "method": row["method"],
            "against": row["reference"],
            "difference": percent(row["difference"], sign=True),
            "95 % interval, any seed": interval(row["method_low"], row["method_high"], sign=True),
            "p": p_value(row["p_method"]),
            "p, Holm": p_value(row["p_method_holm"]),
            "p, these runs": p_value(row["p_runs"]),
            "detectable": percent(row["detectable"]),
        }
        for row in pairs.to_dict("records")
    )


def answers(pairs: pd.DataFrame) -> list[str]:
    """Return one sentence a stratum and question, as the corrected p of any seed has it."""
    return [
        f"{row['stratum']}: {row['method']} against {row['reference']}: {verdict(row)}"
        for row in pairs.to_dict("records")
    ]


def verdict(row: Mapping[Any, Any]) -> str:
    """Return what a difference with its corrected p allows to say.

    >>> verdict({"difference": 0.05, "p_method_holm": 0.01})
    'better by 5.0 points (p = 0.010 after Holm)'
    >>> verdict({"difference": 0.01, "p_method_holm": 0.8})
    'no difference shown (+1.0 points, p = 0.800 after Holm)'
    """
    p, difference = row["p_method_holm"], row["difference"]
    if pd.isna(p):
        return f"{percent(difference, sign=True)} points; fewer than three seeds tell no p"
    sign = "" if p < 0.0005 else "= "
    how = f"p {sign}{p_value(p)} after Holm"
    if p > LEVEL:
        return f"no difference shown ({percent(difference, sign=True)} points, {how})"
    side = "better" if difference > 0 else "worse"
    return f"{side} by {percent(abs(difference))} points ({how})"


def _recovery(found: Recovery) -> str:
    audio = pd.DataFrame(
        {
            "planted": row["level"],
            "classes": row["classes"],
            "audio alone, mean": percent(row["mean"]),
            "least": percent(row["least"]),
            "most": percent(row["most"]),
        }
        for row in found.audio.to_dict("records")
    )
    return "\n".join(
        [
            f"- Associations: {_agreement(found.associations)}.",
            f"- Suggestions: {_agreement(found.suggestions)}; they order "
            f"{percent(found.ordered_by_suggestions)} % of the pairs of classes of different "
            "levels rightly.",
            f"- Audio alone orders {percent(found.ordered)} % of these pairs rightly (chance: 50).",
            "",
            to_markdown(audio),
            "Suggestions (rows: planted, columns: suggested):",
            "",
            to_markdown(_confusion(found.suggestions)),
            "Associations (rows: planted, columns: found):",
            "",
            to_markdown(_confusion(found.associations)),
        ]
    )


def _agreement(one: Agreement) -> str:
    right = round(one.accuracy * one.classes) if one.classes else 0
    kappa = "undefined" if pd.isna(one.kappa) else f"{one.kappa:.2f}"
    return (
        f"{right} of {one.classes} levels right ({percent(one.accuracy)} %, 95 % interval "
        f"{interval(*one.accuracy_interval)}), quadratic weighted kappa {kappa}"
    )


def _confusion(one: Agreement) -> pd.DataFrame:
    return one.confusion.rename_axis("").reset_index()


def _classes(classes: pd.DataFrame) -> pd.DataFrame:
    shown = classes.assign(audio_accuracy=[percent(value) for value in classes["audio_accuracy"]])
    names = {
        "class_name": "class",
        "level": "planted",
        "by_associations": "by associations",
        "sound": "its sound",
        "audio_accuracy": "audio alone (%)",
    }
    return shown.rename(columns=names)


def _terms(results: Results) -> str:
    if results.terms.empty:
        return "Not run: `cca-tools benchmark correspondence --terms` ablates them.\n"
    return (
        to_markdown(accuracy_table(results.terms))
        + "\n"
        + to_markdown(questions_table(results.term_pairs))
    )
