"""The README that lies beside the dataset."""

from __future__ import annotations

import pandas as pd

_TEXT = """# Moving digits with sounds: a dataset whose truth is known

{num_videos} videos of {num_classes} classes, made by `cca-tools benchmark correspondence` with seed
{seed}. Each shows a scan of a handwritten digit that wanders through clutter; {scenes} scenes, each
with three soundtracks, so that the strata differ in nothing but the sound.

| class | level | kinds of recordings |
|---|---|---|
{rows}

- **own** (highly correlated): each digit has a kind of recordings to itself.
- **shared** (weakly): two or three digits share a kind.
- **any** (not): any recording at all, whatever the digit.

What is kept apart between `train` and `test`: the scans, the people who wrote them (by the form
they filled: {train_forms} forms for training, {test_forms} for testing; the scans are of 13 people
on 14 forms, so one person may have filled two), and the sources of the recordings.

The digits are scikit-learn's copy of the test set of the UCI "Optical Recognition of Handwritten
Digits" (E. Alpaydin, C. Kaynak; CC BY 4.0). {sounds}

| file | what it has |
|---|---|
| `train/CLASS/*.mp4`, `test/CLASS/*.mp4` | 64 x 64, 12 pictures a second, 2 s, 44.1 kHz mono |
| `videos.csv` | path, class_name, split, group (class and form) |
| `truth.csv` | each video: level, digit, form, scan, scene; kind, recording, source of its sound |
| `truth_classes.csv` | each class: level, digit, kinds of recordings |
"""
_RECORDED = "The sounds were cut from recordings; their licence and credits lie beside those."
_SYNTHESISED = "The sounds were synthesised and may be used freely."
_MOST_KINDS = 3


def readme_text(classes: pd.DataFrame, videos: pd.DataFrame, seed: int, recorded: bool) -> str:
    """Return the README.

    Args:
        classes: One row a class: class_name, level, kinds.
        videos: One row a video: scene, split, form.
        seed: What the dataset was made from.
        recorded: Whether the sounds are recordings.
    """
    rows = [
        f"| {name} | {level} | {_kinds(kinds)} |"
        for name, level, kinds in classes[["class_name", "level", "kinds"]].to_numpy().tolist()
    ]
    forms = videos.groupby("split")["form"].nunique()
    return _TEXT.format(
        num_videos=len(videos),
        num_classes=len(classes),
        seed=seed,
        scenes=videos["scene"].nunique(),
        rows="\n".join(rows),
        train_forms=forms["train"],
        test_forms=forms["test"],
        sounds=_RECORDED if recorded else _SYNTHESISED,
    )


def _kinds(kinds: str) -> str:
    names = kinds.split(";")
    return ", ".join(names) if len(names) <= _MOST_KINDS else f"(any of {len(names)})"
