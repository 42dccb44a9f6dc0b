"""What the tool itself would have said of each class, beside the labels."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix

from cca_tools.associations.table import shown_class
from cca_tools.reference.ucf51 import LEVELS as ORDINAL
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, Section, TableBlock
from cca_tools.reports.study.standing import Levels, anchor


def suggestions_section(study: Study, levels: Levels) -> Section:
    """Show suggestions, and how they agree with the labels where both are known."""
    section = Section("suggestions", "Suggested levels")
    frame = study.suggestions
    if frame is None:
        section.lacks.append("There are no suggestions: run cca-tools suggest.")
        return section
    both = frame.assign(label=[levels.of(name) for name in frame["class_name"]])
    both = both[both["label"].isin(ORDINAL) & both["level"].isin(ORDINAL)]
    if len(both):
        section.blocks += [
            Paragraph(_agreement(both)),
            TableBlock(
                "suggested-confusion",
                "Number of classes by label (rows) and by suggestion (columns).",
                _confusion(both),
                (study.workspace.suggestions, *levels.sources),
            ),
        ]
    else:
        section.lacks.append("No class has both a suggestion and a label to compare it with.")
    section.blocks.append(
        TableBlock(
            "suggested-levels",
            "The level that is suggested for each class, with its probability.",
            _table(frame, levels),
            (study.workspace.suggestions,),
            filterable=True,
            note="The reasons stand on the class pages.",
        )
    )
    return section


def _agreement(both: pd.DataFrame) -> str:
    same = accuracy_score(both["label"], both["level"])
    text = f"Suggestion and label are the same for {same:.0%} of {len(both)} classes"
    if both["label"].nunique() > 1 or both["level"].nunique() > 1:
        kappa = cohen_kappa_score(
            both["label"], both["level"], labels=list(ORDINAL), weights="quadratic"
        )
        return f"{text}; quadratic weighted kappa {kappa:.2f}."
    return f"{text}; kappa is undefined, since all are of one level."


def _confusion(both: pd.DataFrame) -> pd.DataFrame:
    counts = confusion_matrix(both["label"], both["level"], labels=list(ORDINAL))
    table = pd.DataFrame(counts, columns=[f"suggested {level}" for level in ORDINAL])
    table.insert(0, "Label", list(ORDINAL))
    return table


def _table(frame: pd.DataFrame, levels: Levels) -> pd.DataFrame:
    link = Markup('<a href="#{}">{}</a>')
    rows = {
        "Video class": [link.format(anchor(n), shown_class(n)) for n in frame["class_name"]],
        "Suggested": frame["level"].tolist(),
        **{level: [f"{p:.0%}" for p in frame[f"p_{level}"]] for level in ORDINAL},
        "Label": [levels.of(name) for name in frame["class_name"]],
    }
    if not levels.known:
        del rows["Label"]
    return pd.DataFrame(rows, dtype=object)
