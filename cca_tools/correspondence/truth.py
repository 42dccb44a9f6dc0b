"""What is true of each video and class, as tables."""

from __future__ import annotations

import pandas as pd

from cca_tools.correspondence.plan import CLASS_DIGITS, SOUNDTRACKS, Plan, class_name


def video_truth(plan: Plan) -> pd.DataFrame:
    """Return one row a video: what the manifest takes, what is seen, and what is heard."""
    return pd.DataFrame(
        {
            "path": clip.path,
            "class_name": clip.class_name,
            "split": clip.scene.split,
            "group": clip.group,
            "level": SOUNDTRACKS[clip.soundtrack],
            "digit": clip.scene.digit,
            "form": clip.scene.form,
            "scan": clip.scene.scan,
            "scene": f"{clip.scene.split}_{clip.scene.digit}_{clip.scene.number:04d}",
            "kind": clip.recording.kind,
            "recording": clip.recording.name,
            "source": clip.recording.source,
        }
        for clip in plan.clips
    )


def class_truth(plan: Plan) -> pd.DataFrame:
    """Return one row a class: its level, its digit, and the kinds of its recordings."""
    return pd.DataFrame(
        {
            "class_name": class_name(digit, soundtrack),
            "level": level,
            "digit": digit,
            "kinds": ";".join(plan.kinds[class_name(digit, soundtrack)]),
        }
        for soundtrack, level in SOUNDTRACKS.items()
        for digit in CLASS_DIGITS
    )
