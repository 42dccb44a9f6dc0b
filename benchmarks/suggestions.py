"""What suggestions are worth: leave-one-class-out on the 51 published labels.

    python -m benchmarks.suggestions ../shared            # the tables and pictures of the docs
    python -m benchmarks.suggestions ../shared --bundle   # the audio figures that ship

Needs the released audio embeddings and UCF101's split lists below ``data/ucf51`` of the folder.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cca_tools.reference.ucf51 import LEVELS, ucf51_levels
from cca_tools.reference.ucf51_artefacts import published_associations
from cca_tools.reports.figures import figure_style
from cca_tools.reports.formats import to_markdown
from cca_tools.suggestions.audio_probe import probe
from cca_tools.suggestions.evaluate import agreement
from cca_tools.suggestions.features import (
    FAMILIES,
    FEATURES,
    columns_of,
    feature_table,
    heard_classes,
    meanings,
)
from cca_tools.suggestions.model import fit_columns
from cca_tools.suggestions.pictures import COLOURS, draw_bars, draw_confusion
from cca_tools.suggestions.text import PROMPTS, load_encoder
from cca_tools.suggestions.training import ORDER, Training, labelled, published_audio
from cca_tools.workspace import write_json

BUNDLED = Path("cca_tools/suggestions/data/ucf51_audio.json")
DOCS = Path("docs/suggestions.md")
IMAGES = Path("docs/images")
# phrases around the names; which of them is chosen inside the left-out loop
ALL_PROMPTS = (
    PROMPTS,
    ("{}", "{}"),
    ("the sound of {}", "{}"),
    ("the sound of {}", "the sound of {}"),
)
RESAMPLES = 10_000


@dataclass(frozen=True)
class Released:
    """The released audio embeddings of UCF51: (N, 512), and of each its id, class and group."""

    values: NDArray[np.float32]
    ids: NDArray[np.str_]
    names: NDArray[np.str_]
    groups: NDArray[np.str_]


def released(shared: Path) -> Released:
    """Read the released features; a group is the class and the gNN of the video's name."""
    with np.load(shared / "data/ucf51/audio_features_cnn14_emb512.npz") as file:
        ids, names, values = file["video_id"], file["class_name"], file["embedding"]
    groups = np.array([video_id.rpartition("_c")[0] for video_id in ids])
    return Released(values, ids, names, groups)


def bundle(shared: Path) -> None:
    """Measure the audio-only accuracy of the published classes and write what ships of it."""
    data = released(shared)
    rows = probe(data.values, data.names, data.groups)
    classes = rows[["class_name", "videos", "correct", "ten_way"]].round({"ten_way": 6})
    about = (
        "Linear probe on the released CCL audio embeddings (PANNs Cnn14, 512 values, of "
        "yanbeic/CCL, Apache-2.0), five folds by recording: python -m benchmarks.suggestions "
        "--bundle. correct: top-1 among 51 classes; ten_way: expected accuracy among ten."
    )
    write_json(BUNDLED, {"about": about, "classes": classes.to_dict("records")})


def candidates() -> list[Training]:
    """Return the published classes with their features, once for each pair of prompts."""
    heard = heard_classes(published_associations())
    encode = load_encoder()
    tables = [
        feature_table(heard, meanings(heard, encode, prompts), published_audio())
        for prompts in ALL_PROMPTS
    ]
    return [labelled(table, ucf51_levels(), own=False) for table in tables]


def left_out(choices: Sequence[Training], columns: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    """Return (51, 3) probabilities of classes that were left out, and which choice each fold made.

    Everything is decided without the left-out class: which of ``choices``, penalty, scaling,
    effects and thresholds.
    """
    probs, chosen = [], []
    for place in range(len(choices[0])):
        keep = np.arange(len(choices[0])) != place
        fits = [fit_columns(training.only(keep), columns) for training in choices]
        best = int(np.argmin([choice.loss for _, choice in fits]))
        row = choices[best].features.iloc[[place]][list(columns)].to_numpy()
        probs.append(fits[best][0].probs(row)[0])
        chosen.append(best)
    return np.array(probs), chosen


def scores(training: Training, probs: np.ndarray) -> dict[str, str]:
    """Return accuracy, kappa with intervals, and log-loss of left-out predictions."""
    found = agreement(_levels(training.names, probs.argmax(axis=1)), ucf51_levels())
    loss = -np.log(probs[np.arange(len(training)), training.levels]).mean()
    return {
        "accuracy": _with_ends(found.accuracy, found.accuracy_interval),
        "quadratic kappa": _with_ends(found.kappa, found.kappa_interval),
        "log-loss": f"{loss:.2f}",
    }


def _levels(names: Sequence[str], places: np.ndarray) -> dict[str, str]:
    return {str(name): ORDER[place] for name, place in zip(names, places, strict=True)}


def _with_ends(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.3f} [{ends[0]:.2f}, {ends[1]:.2f}]"


def compare(choices: Sequence[Training]) -> tuple[pd.DataFrame, pd.DataFrame, list[int]]:
    """Return the table of models and baselines, the full model's predictions, and its choices."""
    first, bare = choices[0], choices[1]
    rows = [{"what": "most frequent level", **scores(first, majority(first))}]
    for name in FEATURES:
        probs, _ = left_out([first], [name])
        rows.append({"what": f"`{name}` alone", **scores(first, probs)})
    probs, _ = left_out([bare], ["similarity"])
    rows.append({"what": "`similarity` of bare names alone", **scores(first, probs)})
    for left in FAMILIES:
        families = [name for name in FAMILIES if name != left]
        probs, _ = left_out([first], columns_of(families))
        rows.append({"what": f"without {left}", **scores(first, probs)})
    probs, _ = left_out([first], FEATURES)
    rows.append({"what": "all four, prompts given", **scores(first, probs)})
    probs, chosen = left_out(choices, FEATURES)
    rows.append({"what": "**all four, prompts chosen inside**", **scores(first, probs)})
    frame = pd.DataFrame(
        {
            "class_name": first.names,
            "level": [ORDER[place] for place in probs.argmax(axis=1)],
            **{f"p_{level}": probs[:, ORDER.index(level)] for level in LEVELS},
        }
    )
    return pd.DataFrame(rows), frame, chosen


def majority(training: Training) -> np.ndarray:
    """Return the frequency of the levels among the other classes, for each class."""
    counts = np.bincount(training.levels, minlength=3)
    others = counts - np.eye(3, dtype=int)[training.levels]
    return others / others.sum(axis=1, keepdims=True)


def audio_by_level(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the audio-only accuracy per level by several held-out sets, and per class in folds."""
    data = released(shared)
    folds = probe(data.values, data.names, data.groups)
    results = {"five folds by recording": folds}
    for number in (1, 2, 3):
        test = _split(shared / f"data/ucf51/ucfTrainTestlist/testlist{number:02}.txt")
        train = ~np.isin(data.ids, list(test))
        results[f"official split {number}"] = probe(data.values, data.names, data.groups, train)
    return pd.DataFrame([_level_row(name, rows) for name, rows in results.items()]), folds


def _split(path: Path) -> set[str]:
    return {Path(line.split()[0]).stem for line in path.read_text().splitlines() if line.strip()}


def _level_row(name: str, rows: pd.DataFrame) -> dict[str, str]:
    rng = np.random.default_rng(0)
    level = rows["class_name"].map(ucf51_levels())
    means = {}
    for one in LEVELS:
        values = rows.loc[level == one, "accuracy"].to_numpy()
        means[one] = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    cells = {one: _percent(rows.loc[level == one, "accuracy"].mean(), means[one]) for one in LEVELS}
    gap = means["highly"] - means["not"]
    middle = (
        rows.loc[level == "highly", "accuracy"].mean() - rows.loc[level == "not", "accuracy"].mean()
    )
    return {
        "held out": name,
        "videos tested": f"{rows['videos'].sum():,}",
        **cells,
        "highly - not": _percent(middle, gap),
    }


def _percent(value: float, resampled: np.ndarray) -> str:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return f"{100 * value:.1f} [{100 * low:.0f}, {100 * high:.0f}]"


def draw(frame: pd.DataFrame, known: Mapping[str, str]) -> Figure:
    """Draw the confusion matrix beside the probabilities of each class."""
    with figure_style():
        figure = Figure(figsize=(8.6, 7.6), layout="constrained", dpi=130)
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.7])
        names = frame["class_name"]
        draw_confusion(left, agreement(dict(zip(names, frame["level"], strict=True)), known))
        draw_bars(right, frame, known, font_size=6)
    return figure


def draw_audio(folds: pd.DataFrame, known: Mapping[str, str]) -> Figure:
    """Draw the audio-only accuracy of each class, by level, with its interval."""
    with figure_style():
        figure = Figure(figsize=(8.6, 3.4), layout="constrained", dpi=130)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        start, ticks = 0, []
        for level in LEVELS:
            rows = folds[folds["class_name"].map(known) == level].sort_values("accuracy")
            at = start + np.arange(len(rows))
            value = rows["accuracy"].to_numpy()
            ends = [value - rows["accuracy_low"], rows["accuracy_high"] - value]
            axes.errorbar(
                at, value, yerr=np.maximum(ends, 0), fmt="o", ms=4, color=COLOURS[level],
                ecolor="0.6", elinewidth=0.8, markeredgecolor="0.3", label=level,
            )  # fmt: skip
            axes.hlines(value.mean(), at[0] - 0.4, at[-1] + 0.4, colors=COLOURS[level], lw=2)
            ticks += list(zip(at, rows["class_name"], strict=True))
            start += len(rows) + 1
        axes.set_xticks([at for at, _ in ticks], [name for _, name in ticks], rotation=90)
        axes.tick_params(axis="x", labelsize=6, length=0)
        axes.set_ylim(0, 1)
        axes.set_ylabel("told by audio alone, among 51 classes")
        axes.legend(frameon=False, ncols=3, loc="upper right")
    return figure


def fill(name: str, body: str) -> None:
    """Put ``body`` between the marks of ``name`` in the docs."""
    text = DOCS.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{DOCS} has no place for {name!r}")
    DOCS.write_text(pattern.sub(rf"\g<1>{body}\g<2>", text), encoding="utf-8")


def _unescaped(markdown: str) -> str:
    """Return a table whose cells are Markdown already."""
    return re.sub(r"\\([`*\[\]])", r"\1", markdown)


def main() -> None:
    """Measure, and write the tables and pictures of the docs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--bundle", action="store_true", help="Write the figures that ship.")
    options = parser.parse_args()
    if options.bundle:
        bundle(options.shared)
        return
    choices = candidates()
    table, frame, chosen = compare(choices)
    named = [f"*{ALL_PROMPTS[one][0]}* / *{ALL_PROMPTS[one][1]}* {chosen.count(one)} times"
             for one in sorted(set(chosen))]  # fmt: skip
    known = ucf51_levels()
    wrong = frame[frame["level"] != frame["class_name"].map(known)]
    levels, folds = audio_by_level(options.shared)
    print(table.to_string(), named, levels.to_string(), wrong.to_string(), sep="\n")
    fill("models", _unescaped(to_markdown(table)))
    fill("prompts", f"Chosen in the 51 left-out fits: {'; '.join(named)}.\n")
    fill("levels", _unescaped(to_markdown(levels)))
    errors = wrong.assign(label=wrong["class_name"].map(known)).round(2)
    fill(
        "wrong", to_markdown(errors[["class_name", "label", "level", *(f"p_{x}" for x in LEVELS)]])
    )
    draw(frame, known).savefig(IMAGES / "suggestions.png")
    draw_audio(folds, known).savefig(IMAGES / "suggestions_audio.png")


if __name__ == "__main__":
    main()
