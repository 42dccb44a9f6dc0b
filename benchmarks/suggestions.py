"""What suggestions are worth: leave-one-class-out on the 51 published labels.

    python -m benchmarks.suggestions ../shared            # measures, writes docs/suggestions.md
    python -m benchmarks.suggestions ../shared --bundle   # writes the audio figures that ship

Needs the released audio embeddings and UCF101's split lists below ``data/ucf51`` of the folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from cca_tools.suggestions.audio_probe import probe
from cca_tools.workspace import write_json

BUNDLED = Path("cca_tools/suggestions/data/ucf51_audio.json")


def released(shared: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return embeddings, video ids, class names and groups of the released features."""
    with np.load(shared / "data/ucf51/audio_features_cnn14_emb512.npz") as file:
        ids, names, values = file["video_id"], file["class_name"], file["embedding"]
    groups = np.array([video_id.rpartition("_c")[0] for video_id in ids])
    return values, ids, names, groups


def bundle(shared: Path) -> None:
    """Measure the audio-only accuracy of the published classes and write what ships of it."""
    values, _, names, groups = released(shared)
    rows = probe(values, names, groups)
    classes = rows[["class_name", "videos", "correct", "ten_way"]].round({"ten_way": 6})
    about = (
        "Linear probe on the released CCL audio embeddings (PANNs Cnn14, 512 values, of "
        "yanbeic/CCL, Apache-2.0), five folds by recording: python -m benchmarks.suggestions "
        "--bundle. correct: top-1 among 51 classes; ten_way: expected accuracy among ten."
    )
    write_json(BUNDLED, {"about": about, "classes": classes.to_dict("records")})


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--bundle", action="store_true")
    options = parser.parse_args()
    if options.bundle:
        bundle(options.shared)


if __name__ == "__main__":
    main()
