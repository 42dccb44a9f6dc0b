"""The dataset, and what was left out of it."""

from __future__ import annotations

import pandas as pd

from cca_tools.associations.counting import UNTAGGED
from cca_tools.associations.table import shown_class
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Paragraph, Section, TableBlock
from cca_tools.tagging.rows import NOT_COUNTED

_MEANINGS = {
    "silent": "all of it below -60 dBFS",
    "no_audio_stream": "the file has no sound track",
    "decode_error": "the sound track cannot be decoded",
    "decoder_crash": "the decoder died of it",
    "timeout": "decoding took too long",
    "missing_file": "the file is not there",
    UNTAGGED: "not tagged yet",
}


def dataset_section(study: Study) -> Section:
    """Tell how many videos there are, and of which the sound could not be counted."""
    section = Section("dataset", "The dataset")
    manifest = study.manifest
    section.blocks.append(Paragraph(_sentence(manifest)))
    section.blocks.append(
        TableBlock(
            "videos",
            "Videos, recordings and hours by split.",
            _by_split(manifest),
            (study.workspace.manifest,),
            note="Clips of one group are cut from one recording.",
        )
    )
    if study.classes is None:
        section.lacks.append("No sound was counted yet: run cca-tools tag-audio and associate.")
        return section
    left_out = _left_out(study.classes)
    counted = int(study.classes["support"].sum())
    videos = int(study.classes["videos"].sum())
    section.blocks.append(
        Paragraph(
            f"The sound of {counted:,} of {videos:,} videos could be scored and counts.",
            (study.classes_path,),
        )
    )
    if len(left_out):
        section.blocks.append(
            TableBlock(
                "left-out", "Videos that do not count, by reason.", left_out, (study.classes_path,)
            )
        )
    return section


def _sentence(manifest: pd.DataFrame) -> str:
    classes = manifest["class_name"].nunique()
    silent = int((~manifest["has_audio"]).sum())
    without = f"; {silent:,} of them have no sound track" if silent else ""
    return f"{len(manifest):,} videos in {classes:,} classes{without}."


def _by_split(manifest: pd.DataFrame) -> pd.DataFrame:
    length_s = (manifest["end_s"] - manifest["start_s"]).where(
        manifest["end_s"].notna() & manifest["start_s"].notna(), manifest["duration_s"]
    )
    table = manifest.assign(
        length_s=length_s,
        group=manifest["group"].where(manifest["group"] != "", manifest["video_id"]),
    )
    rows = []
    for split in ("train", "val", "test", ""):
        part = table[table["split"] == split]
        if len(part):
            rows.append(_row(split or "(no split)", part))
    if len(rows) > 1:
        rows.append(_row("all", table))
    return pd.DataFrame(rows)


def _row(name: str, part: pd.DataFrame) -> dict[str, object]:
    return {
        "Split": name,
        "Videos": len(part),
        "Groups": part.groupby("class_name")["group"].nunique().sum(),
        "With sound": int(part["has_audio"].sum()),
        "Hours": f"{part['length_s'].sum() / 3600:.2f}",
    }


def _left_out(classes: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for status in (*NOT_COUNTED, UNTAGGED):
        concerned = classes.loc[classes[status] > 0].sort_values(status, ascending=False)
        if len(concerned):
            most = concerned.iloc[0]
            rows.append(
                {
                    "Reason": status.replace("_", " "),
                    "Meaning": _MEANINGS[status],
                    "Videos": int(concerned[status].sum()),
                    "Classes": len(concerned),
                    "Most of them in": f"{shown_class(most['class_name'])} ({most[status]})",
                }
            )
    return pd.DataFrame(rows)
