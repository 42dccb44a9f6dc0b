"""Does sound help a network on the demo dataset, and is it the sound that helps?

    python -m benchmarks.learning [--seeds 6] [--workspace FOLDER]

Generates the demo dataset with 48 videos a class, takes the five classes whose sound belongs to the
picture, and trains `tiny` on them by every method below, as a user would: ``cca-tools index``,
``tag-audio``, ``split``, ``prepare``, ``ablate``. Twice: with the labels as they are, and with two
of five training labels replaced by another class, drawn at random (test labels are always right):
then the sound knows what the label does not. Sounds exchanged among videos (``shuffled``) and
random vectors in their place tell what of a gain is the sound's.

Writes the section Learning of RESULTS.md. A workspace that is given is gone on with.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results import replace_section
from cca_tools.demo.generate import CLASS_TRUTH, VIDEOS, generate_demo
from cca_tools.reports.ablation import ablation_path, interval, p_value, percent, read_ablation
from cca_tools.workspace import Workspace

VIDEOS_PER_CLASS, WRONG = 48, 0.4
SPLIT = "highly_correlated"
ABLATE = (
    f"ablate --preset demo --split {SPLIT} --methods baseline,ccl,crd,labels-only,random-teacher "
    "--variant ccl-shuffled=ccl,data.audio_teacher=shuffled "
    "--variant crd-shuffled=crd,data.audio_teacher=shuffled "
    "--set optim.lr=0.005 --set optim.epochs=15 --set data.val_fraction=0 --name learning"
)


def with_wrong_labels(videos: pd.DataFrame, share: float, seed: int = 0) -> pd.DataFrame:
    """Return the videos with this share of the training labels replaced by another class."""
    rng = np.random.default_rng(seed)
    classes = np.unique(videos["class_name"].to_numpy(str))
    labels = np.searchsorted(classes, videos["class_name"].to_numpy(str))
    training = np.flatnonzero(videos["split"] == "train")
    wrong = rng.choice(training, round(share * len(training)), replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, len(classes), len(wrong))) % len(classes)
    return videos.assign(class_name=classes[labels])


def run(command: str, workspace: Path) -> None:
    """Run a command of cca-tools on the workspace."""
    code = "from cca_tools.cli.main import main; main()"
    arguments = [*shlex.split(command), "--workspace", str(workspace)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def study(demo: Path, workspace: Path, wrong: float, seeds: int) -> pd.DataFrame:
    """Go the whole way; return the rows of the ablation, one a method."""
    videos = pd.read_csv(demo / VIDEOS)
    truth = pd.read_csv(demo / CLASS_TRUTH)
    highly = truth.loc[truth["level"] == "highly", ["class_name", "level"]]
    videos = videos[videos["class_name"].isin(highly["class_name"])]
    listed, levels = demo / f"{workspace.name}.csv", demo / f"{workspace.name}-levels.csv"
    with_wrong_labels(videos, wrong).to_csv(listed, index=False)
    highly.to_csv(levels, index=False)
    if not (workspace / "splits.json").exists():
        run(f"index {shlex.quote(str(listed))} --layout table", workspace)
        run("tag-audio --keep embedding", workspace)
        run(f"labels import {shlex.quote(str(levels))} --annotator truth", workspace)
        run("split", workspace)
    run("prepare", workspace)
    run(f"{ABLATE} --seeds {seeds} --jobs 2", workspace)
    return read_ablation(ablation_path(Workspace(workspace), "learning")).rows


def table(rows: pd.DataFrame) -> str:
    """Return a study's rows in Markdown."""
    lines = [
        "| method | top-1 % (sd over seeds) | difference to baseline | 95 %, these runs | p "
        "| 95 %, any seed | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        lines.append(
            f"| {row['method']} | {percent(row['accuracy'])} ({percent(row['accuracy_sd'])}) "
            f"| {percent(row['difference'], sign=True)} "
            f"| {interval(row['runs_low'], row['runs_high'], sign=True)} "
            f"| {p_value(row['p_runs'])} "
            f"| {interval(row['method_low'], row['method_high'], sign=True)} "
            f"| {p_value(row['p_method'])} |"
        )
    return "\n".join(lines)


def report(found: dict[float, pd.DataFrame]) -> str:
    """Return the section of the results."""
    first = next(iter(found.values())).iloc[0]
    parts = [
        f"The demo dataset with {VIDEOS_PER_CLASS} videos a class, its {first['classes']} highly "
        f"correlated classes, {first['videos']} test videos, {first['seeds']} seeds, `tiny`, 15 "
        "epochs; chance is 20 %. `shuffled`: each video has the sound of another. p is not "
        "corrected for the number of methods."
    ]
    for wrong, rows in found.items():
        title = f"{wrong:.0%} of the training labels wrong" if wrong else "Labels as they are"
        parts.append(f"{title}:\n\n{table(rows)}")
    return "\n\n".join(parts)


def main() -> None:
    """Run both studies and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--workspace", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (options.workspace or Path(name)).resolve()
        demo = folder / "demo"
        if not (demo / CLASS_TRUTH).exists():
            generate_demo(demo, videos_per_class=VIDEOS_PER_CLASS)
        found = {
            wrong: study(demo, folder / f"wrong{wrong:.0%}".rstrip("%"), wrong, options.seeds)
            for wrong in (WRONG, 0.0)
        }
        text = report(found)
    print(text)
    replace_section("Learning", text)


if __name__ == "__main__":
    main()
