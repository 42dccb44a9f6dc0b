"""What ``cca-tools benchmark`` makes of its trainings: numbers, text, pictures."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cca_tools.correspondence.results import NAME, QUESTIONS, TERM_VARIANTS, TERMS
from cca_tools.errors import DataError
from cca_tools.reports.ablation import ablation_path
from cca_tools.workspace import Provenance, Workspace, atomic_path, write_text

if TYPE_CHECKING:
    from cca_tools.correspondence.results import Results
    from cca_tools.correspondence.sizes import Size
    from cca_tools.correspondence.steps import Choices

# in a document's folder of images -> in the workspace's folder of pictures
_IMAGES = {
    "benchmark-scenes.png": "benchmark-scenes.png",
    "benchmark-recovery.png": "benchmark-recovery.png",
    "benchmark-accuracies.png": f"ablation-{NAME}-accuracies.png",
}


def gather(place: Workspace, choices: Choices, size: Size, *, with_terms: bool) -> Results:
    """Return what the trainings and the analysis of a workspace found.

    Raises:
        DataError: No training is done, or a step was not taken.
    """
    from cca_tools.correspondence.recovery import read_recovery
    from cca_tools.correspondence.results import Results
    from cca_tools.reports.ablation import read_ablation

    main = read_ablation(ablation_path(place, NAME))
    rows, pairs = main.rows, _pairs(place, main, QUESTIONS)
    about = {
        "sounds": choices.sounds.name if choices.sounds else "synthesised",
        "tagger": choices.tagger,
        "seed of the dataset": choices.data.seed,
        "videos a class": f"{choices.data.train} for training, {choices.data.test} for testing",
        "difficulty": asdict(choices.data.difficulty),
        "training runs a cell": size.seeds,
        "settings of training": " ".join(size.assignments),
    }
    if not with_terms:
        return Results(about, rows, pairs, read_recovery(place))
    terms = read_ablation(ablation_path(place, TERMS))
    asked = [(name, other) for name in TERM_VARIANTS for other in ("baseline", "labels-only")]
    return Results(
        about, rows, pairs, read_recovery(place), terms.rows, _pairs(place, terms, asked)
    )


def _pairs(place: Workspace, report: Any, asked: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the differences that are asked for; p is corrected over those of a stratum."""
    from ccl.ablation.comparison import Settings, add_holm
    from ccl.ablation.outcomes import read_outcomes
    from ccl.ablation.pairs import compare_pairs

    seeds = report.seeds[["split", "method", "seed"]]
    parts = []
    for split, runs in seeds.groupby("split", sort=False):
        predictions = {
            (str(method), int(seed)): pd.read_parquet(
                place.root
                / report.runs[f"{method} on {split}, seed {seed}"]
                / "predictions.parquet"
            )
            for _, method, seed in runs.itertuples(index=False)
        }
        pairs = add_holm(compare_pairs(read_outcomes(predictions), asked, Settings()))
        parts.append(pairs.assign(stratum=split))
    if not parts:
        raise DataError("no training run is done", "See what failed above, and run it again")
    return pd.concat(parts, ignore_index=True)


def write(
    place: Workspace, choices: Choices, results: Results, document: Path | None
) -> list[Path]:
    """Write numbers, text and pictures, fill in a document, and return the paths."""
    from cca_tools.correspondence.results import write_results
    from cca_tools.correspondence.text import markdown

    provenance = Provenance(choices.command, dict(results.about))
    path = write_results(results, place)
    found = [ablation_path(place, name) for name in (NAME, TERMS)]
    provenance.inputs = [place.suggestions, place.associations, place.splits]
    provenance.inputs += [one for one in found if one.is_file()]
    provenance.write(path)
    table = place.tables / "benchmark.md"
    write_text(table, markdown(results))
    files = [path, table, *_draw(place, choices, results)]
    return files if document is None else [*files, *_fill(document, place, results)]


def _fill(document: Path, place: Workspace, results: Results) -> list[Path]:
    """Fill in the marks of a document, and put the pictures into ``images`` beside it."""
    from cca_tools.correspondence.results import fill
    from cca_tools.correspondence.text import sections

    parts = {**sections(results), "picture": "![each run](images/benchmark-accuracies.png)"}
    write_text(document, fill(document.read_text(encoding="utf-8"), parts))
    files = [document]
    for name, source in _IMAGES.items():
        image = document.parent / "images" / name
        with atomic_path(image) as temporary:
            shutil.copyfile(place.figures / source, temporary)
        files.append(image)
    return files


def _draw(place: Workspace, choices: Choices, results: Results) -> list[Path]:
    from cca_tools.correspondence.generate import plan_of
    from cca_tools.correspondence.pictures import draw_recovery, draw_scenes
    from cca_tools.reports.figures import save_figure

    plan = plan_of(choices.data, choices.sounds)
    figures = {
        "benchmark-scenes": draw_scenes(plan, choices.data.difficulty),
        "benchmark-recovery": draw_recovery(results.recovery.classes),
    }
    return [
        path
        for name, figure in figures.items()
        for path in save_figure(figure, place.figures / name)
    ]
