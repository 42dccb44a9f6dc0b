"""The README that lies beside the demo dataset."""

from __future__ import annotations

import pandas as pd

_TEXT = """# Demo dataset of cca-tools

{num_videos} short videos of {num_classes} classes, painted and synthesised by
`cca-tools demo-data` with seed {seed}; nothing in it was recorded, so it may be used freely.

| class | level | own or typical sound | heard as (AudioSet) |
|---|---|---|---|
{rows}

- **highly**: the sound follows the picture: it rings when the clapper strikes.
- **weakly**: two thirds of the recordings have the typical sound of the class, the others the
  sound of another weakly correlated class; neither follows the picture.
- **not**: the sound of each recording is drawn from one pool, whatever the class.

Each class has {num_groups} recordings (`group`), cut into clips that share colours, size, light,
voice, room and microphone; no recording is in both `train` and `test`.
{num_flawed} clips have flaws, as in real collections: silent, or without an audio stream
(`truth.csv`, column `flaw`).

| file | what it has |
|---|---|
| `train/CLASS/*.mp4`, `test/CLASS/*.mp4` | 160 x 120, 12 pictures a second, 44.1 kHz mono |
| `videos.csv` | path, class_name, split, group |
| `truth.csv` | each video: level, sound, intended audio classes, flaw |
| `truth_classes.csv` | each class: level, sound and how often it is heard, intended audio classes |

{commands}
"""
_COMMANDS = """To the table of what each class sounds like (only the CSV knows the recordings):

    cca-tools index videos.csv --layout table      # or: cca-tools index . --layout folder
    cca-tools tag-audio
    cca-tools associate"""


def readme_text(classes: pd.DataFrame, videos: pd.DataFrame, seed: int) -> str:
    """Return the README.

    Args:
        classes: One row a class: class_name, level, sound, intended.
        videos: One row a video: group, flaw.
        seed: What the dataset was made from.
    """
    columns = ["class_name", "level", "sound", "intended"]
    rows = [
        f"| {name} | {level} | {sound or '(any)'} | {intended.replace(';', ' · ')} |"
        for name, level, sound, intended in classes[columns].to_numpy().tolist()
    ]
    return _TEXT.format(
        num_videos=len(videos),
        num_classes=len(classes),
        num_groups=videos["group"].nunique() // len(classes),
        num_flawed=int((videos["flaw"] != "").sum()),
        seed=seed,
        rows="\n".join(rows),
        commands=_COMMANDS,
    )
