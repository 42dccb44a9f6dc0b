"""A page for every video class: its audio classes, its level, and what its sound looks like."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cca_tools.associations.table import shown_class
from cca_tools.labels.pictures import spectrogram
from cca_tools.labels.samples import Sample as Video
from cca_tools.labels.samples import SampleIndex
from cca_tools.media.audio import Span, decode_audio
from cca_tools.media.guard import GuardedPool
from cca_tools.reports.study.artefacts import Study
from cca_tools.reports.study.blocks import Bar, ClassPage, Sample, Section
from cca_tools.reports.study.pictures import image_address
from cca_tools.reports.study.standing import Levels, anchor
from cca_tools.reports.tables import SHOWN

RATE = 16_000
LENGTH_S = 10.0
_QUALITY = 70  # of WebP
_BAR_COLUMNS = ("class_name", "mid", "tag", "share", "base_share", "log_odds_z")


@dataclass(frozen=True)
class Sampling:
    """Which videos the class pages show, and how they are decoded.

    Args:
        each: Spectrograms a class; 0 for none.
        seed: Of the drawing.
        workers: Processes that decode.
        timeout_s: After which a video is given up.
    """

    each: int = 2
    seed: int = 0
    workers: int = 2
    timeout_s: float = 30.0


def classes_section(
    study: Study,
    levels: Levels,
    sampling: Sampling,
    advance: Callable[[int], object] = lambda _: None,
) -> Section:
    """Make the class pages.

    Args:
        study: With associations.
        levels: Where known.
        sampling: Of the spectrograms.
        advance: Called with 1 after each class.
    """
    section = Section("classes", "Class by class")
    if study.pairs is None or study.classes is None:
        section.lacks.append("There are no associations: run cca-tools associate.")
        return section
    tops = {name: rows for name, rows in study.pairs.groupby("class_name")}
    counts = study.classes.set_index("class_name")
    sources = _sources(study, levels)
    for name, samples, missing in _spectrograms(study, sampling, list(counts.index)):
        top = tops.get(name)
        section.blocks.append(
            ClassPage(
                anchor(name),
                shown_class(name),
                levels.of(name),
                _facts(study, name, counts.loc[name]),
                _bars(top, levels) if top is not None else (),
                samples,
                missing,
                sources,
            )
        )
        advance(1)
    return section


def _sources(study: Study, levels: Levels) -> tuple[Path, ...]:
    known = {study.workspace.suggestions: study.suggestions, study.probe_path: study.probe}
    more = [path for path, frame in known.items() if frame is not None]
    return (study.workspace.associations, study.classes_path, *more, *levels.sources)


def _facts(study: Study, name: str, row: Any) -> tuple[str, ...]:
    facts = [
        f"{row['support']:,} of {row['videos']:,} videos count, from {row['groups']:,} recordings."
    ]
    suggestions, probe = study.suggestions, study.probe
    if suggestions is not None:
        own = suggestions[suggestions["class_name"] == name]
        if len(own):
            chance = own.iloc[0][f"p_{own.iloc[0]['level']}"]
            reasons = " ".join(map(str, own.iloc[0]["reasons"]))
            facts.append(f"Suggested: {own.iloc[0]['level']} ({chance:.0%}). {reasons}")
    if probe is not None:
        own = probe[probe["class_name"] == name]
        if len(own) and np.isfinite(own.iloc[0]["accuracy"]):
            facts.append(f"Told by its sound alone: {own.iloc[0]['accuracy']:.0%} of its videos.")
    return tuple(facts)


def _bars(top: pd.DataFrame, levels: Levels) -> tuple[Bar, ...]:
    rows = top[top["rank"] <= SHOWN].sort_values("rank")
    return tuple(
        Bar(tag, share, base, z, levels.mark(name, mid))
        for name, mid, tag, share, base, z in zip(
            *(rows[column] for column in _BAR_COLUMNS), strict=True
        )
    )


def _spectrograms(
    study: Study, sampling: Sampling, names: list[str]
) -> Iterator[tuple[str, tuple[Sample, ...], str]]:
    if not sampling.each:
        yield from ((name, (), "") for name in names)
        return
    index = SampleIndex.open(study.workspace, study.tag_run.name if study.tag_run else None)
    with GuardedPool(sampling.workers, sampling.timeout_s) as pool:
        waiting: dict[str, list[tuple[Video, Any]]] = {}
        ahead = max(1, 4 * sampling.workers // sampling.each)
        for position, name in enumerate(names):
            for later in names[position : position + ahead]:
                if later not in waiting:
                    drawn = index.of_class(later, sampling.seed).samples[: sampling.each]
                    waiting[later] = [(video, pool.submit(draw, *_what(video))) for video in drawn]
            done = [(video, task.result()) for video, task in waiting.pop(name)]
            samples = tuple(
                Sample(video.video_id, image_address(outcome.value, "webp"))
                for video, outcome in done
                if outcome.value
            )
            lost = [video.video_id for video, outcome in done if not outcome.value]
            yield name, samples, _missing(lost, len(done))


def _what(video: Video) -> tuple[str, Span]:
    begin_s = video.span.start_s
    end_s = begin_s + LENGTH_S
    if video.span.end_s is not None:
        end_s = min(end_s, video.span.end_s)
    return str(video.path), Span(begin_s, end_s)


def draw(path: str, span: Span) -> bytes:
    """Return the spectrogram of a span as WebP; empty where there is no sound."""
    sound = decode_audio(path, RATE, span)
    if not len(sound.samples):
        return b""
    content = io.BytesIO()
    spectrogram(sound.samples, RATE).save(content, "WEBP", quality=_QUALITY)
    return content.getvalue()


def _missing(lost: list[str], drawn: int) -> str:
    if not drawn:
        return "No video of this class can be heard."
    if lost:
        return f"Could not be read any more: {', '.join(lost)}."
    return ""
