"""The videos of a class, each with its sound below it."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st
from streamlit import runtime

from apps.style import sound_picture
from apps.text import as_html
from cca_tools.labels.evidence import Evidence, EvidenceMaker
from cca_tools.labels.samples import ClassSamples, Sample
from cca_tools.tagging.rows import COUNTED

SHOWN = 6
_COLUMNS = 3
_LOOK_AGAIN_S = 1.0
_WORDS = {
    "silent": "silent",
    "no_audio_stream": "without sound",
    "missing_file": "missing",
    "untagged": "not tagged yet",
}


def describe_counts(samples: ClassSamples) -> str:
    """Return in words how many videos there are, and how many of them tell nothing.

    >>> describe_counts(ClassSamples("Bell", {"ok": 10, "silent": 2}, (), 6))
    '12 videos from 6 recordings: 10 heard, 2 silent'
    """
    heard = sum(samples.counts.get(status, 0) for status in COUNTED)
    others = {status: n for status, n in samples.counts.items() if status not in COUNTED}
    told = [f"{heard} heard"] if heard or not others else []
    for status in sorted(others, key=lambda status: -others[status]):
        told.append(f"{others[status]} {_WORDS.get(status, 'that cannot be read')}")
    recordings = f" from {samples.groups} recordings" if samples.groups != samples.videos else ""
    return f"{samples.videos} videos{recordings}: {', '.join(told)}"


def choose(
    maker: EvidenceMaker, samples: ClassSamples
) -> tuple[list[tuple[Sample, Evidence]], list[str]]:
    """Return the videos to show, and why others cannot be: the next in order take their place."""
    kept: list[tuple[Sample, Evidence]] = []
    failed: list[str] = []
    for sample in samples.samples:
        if len(kept) == SHOWN:
            break
        evidence = maker.ask(sample)
        if evidence.failure:
            failed.append(f"{sample.video_id}: {evidence.failure}")
        else:
            kept.append((sample, evidence))
    return kept, failed


def draw_videos(maker: EvidenceMaker, samples: ClassSamples, following: ClassSamples) -> None:
    """Draw up to six videos; while some are being made, look again by itself.

    Args:
        maker: Cuts and draws them.
        samples: Of the class shown.
        following: Of the class that is likely to come next: made when all of this one is there.
    """
    kept, _ = choose(maker, samples)
    ready = all(evidence.is_complete for _, evidence in kept)
    st.fragment(_draw, run_every=None if ready else _LOOK_AGAIN_S)(
        maker, samples, is_waiting=not ready
    )
    if ready:
        choose(maker, following)


def _draw(maker: EvidenceMaker, samples: ClassSamples, *, is_waiting: bool) -> None:
    kept, failed = choose(maker, samples)
    if is_waiting and all(evidence.is_complete for _, evidence in kept):
        st.rerun()
    with st.container(key="videos"):
        for start in range(0, len(kept), _COLUMNS):
            columns = st.columns(_COLUMNS, gap="small")
            for position, column in enumerate(columns[: len(kept) - start], start=start):
                with column, st.container(key=f"video_{position}"):
                    _draw_video(*kept[position], place=f"sample {position + 1}")
    if not kept:
        st.info("None of its videos can be heard.")
    if failed:
        count = f"{len(failed)} video{'s' * (len(failed) > 1)} could not be shown"
        with st.expander(count):
            st.html("<br>".join(as_html(reason) for reason in failed))


def _draw_video(sample: Sample, evidence: Evidence, place: str) -> None:
    if evidence.preview is None:
        st.html('<div class="cca-wait"><span>cutting the preview &hellip;</span></div>')
    else:
        st.html(player(evidence.preview, evidence.poster, place))
    if evidence.spectrogram is not None and evidence.timeline is not None:
        st.html(sound_picture(evidence.spectrogram, evidence.timeline))
        return
    waiting = evidence.sound_failure or "listening …"
    st.html(f'<div class="cca-wait cca-flat"><span>{html.escape(waiting)}</span></div>')


def player(preview: Path, poster: Path | None, place: str) -> str:
    """Return a player that loads nothing but its poster until it is played.

    With `st.video` the browser opens and decodes every video of a page before anybody asks.

    Args:
        preview: What it plays.
        poster: A frame of it; None for sound without picture.
        place: Which one of the page it is, for those who cannot see it.
    """
    kind = "audio/mp4" if poster is None else "video/mp4"
    source = f'src="{_media_url(preview, kind, place)}" aria-label="{place}"'
    if poster is None:
        return f'<audio controls preload="none" {source}></audio>'
    shown = _media_url(poster, "image/jpeg", f"{place} poster")
    plain = 'controlslist="nodownload noplaybackrate" disablepictureinpicture playsinline'
    return f'<video controls {plain} preload="none" poster="{shown}" {source}></video>'


def _media_url(path: Path, mimetype: str, place: str) -> str:
    """Return where the app serves a file as long as a page shows it at this place."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(str(path), mimetype, f"cca {place}")
