"""Does sound help a network on the demo dataset, and is it the sound that helps?

    python -m benchmarks.learning [--seeds 16] [--workspace FOLDER]

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
import json
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

VIDEOS_PER_CLASS, WRONG, JSD = 48, 0.4, 4
SPLIT = "highly_correlated"
ABLATE = (
    f"ablate --preset demo --split {SPLIT} --methods baseline,ccl,crd,labels-only,random-teacher "
    "--variant ccl-shuffled=ccl,data.audio_teacher=shuffled "
    "--variant crd-shuffled=crd,data.audio_teacher=shuffled "
    f"--variant ccl-jsd4=ccl,method.weights.jsd={JSD} "
    f"--variant ccl-jsd4-shuffled=ccl,method.weights.jsd={JSD},data.audio_teacher=shuffled "
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


def study(demo: Path, workspace: Path, wrong: float, seeds: int) -> tuple[pd.DataFrame, str]:
    """Go the whole way; return the rows of the ablation, and what its runs have in common."""
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
    rows = read_ablation(ablation_path(Workspace(workspace), "learning")).rows
    return rows, learned(Workspace(workspace))


def learned(workspace: Workspace) -> str:
    """Say what the runs have in common: that losses fall, and that retrieval beats chance."""
    falls, recalls, chance = [], [], 0.0
    for evaluation in sorted(workspace.runs.glob("*/*/seed*/evaluation.json")):
        r1 = json.loads(evaluation.read_text())["metrics"]["r1"]
        epochs = (evaluation.parent / "metrics.jsonl").read_text().splitlines()
        first, last = (json.loads(epochs[i])["terms"]["ce_video"] for i in (0, -1))
        falls.append(last / first)
        recalls.append(r1["value"])
        chance = r1["chance"]
    return (
        f"Over all {len(falls)} runs, the cross-entropy of the last epoch is {min(falls):.2f} to "
        f"{max(falls):.2f} of the first one's, and R@1 of test videos among training videos is "
        f"{percent(min(recalls))} to {percent(max(recalls))} % (chance {percent(chance)} %)."
    )


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


def report(found: dict[float, tuple[pd.DataFrame, str]]) -> str:
    """Return the section of the results."""
    first = next(iter(found.values()))[0].iloc[0]
    parts = [
        f"The demo dataset with {VIDEOS_PER_CLASS} videos a class, its {first['classes']} highly "
        f"correlated classes, {first['videos']} test videos, {first['seeds']} seeds, `tiny`, 15 "
        "epochs; chance is 20 %. `shuffled`: each video has the sound of another. `jsd4`: the "
        f"divergence has weight {JSD}, chosen with labels wrong, on four other seeds. p is not "
        "corrected for the number of methods."
    ]
    for wrong, (rows, common) in found.items():
        title = f"{wrong:.0%} of the training labels wrong" if wrong else "Labels as they are"
        parts.append(f"{title}:\n\n{table(rows)}\n\n{common}")
    return "\n\n".join(parts)


def main() -> None:
    """Run both studies and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=16)
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
