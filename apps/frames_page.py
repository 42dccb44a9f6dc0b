"""Figure B: frames of a class's videos, each marked as what one would expect to see, or not."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from apps.pages import Page, class_here, draw_person, go_to, open_page
from apps.saving import draw_pending, is_too_soon, save, saved_html, take_back
from apps.style import SHORT_WORDS, chip
from apps.text import as_attribute, as_html, as_markdown
from cca_tools.errors import CcaError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.previews import LENGTH_S
from cca_tools.labels.samples import Sample
from cca_tools.labels.session import NOTHING, Answer, marks

_AT = (0.25, 0.75)  # of a video's length
_VIDEOS = 6
_COLUMNS = 4
_LEVELS = ("highly", "weakly", "not")
_KEYS = {"highly": "h", "weakly": "w", "not": "n"}
_LOOK_AGAIN_S = 1.0


@dataclass(frozen=True)
class Frame:
    """One frame: where it stands, and its picture."""

    key: str
    picture: Path


def draw_frames_page() -> None:
    """Draw the page."""
    page = open_page()
    name = class_here(page)
    draw_person(page)
    draw_pending(page.study.store, page.memory)
    frames, waiting, failed = _frames(page, name)
    standing = _standing(page, name)
    _draw_head(page, name, frames, standing)
    if waiting:
        st.fragment(_look_again, run_every=_LOOK_AGAIN_S)(page, name)
    if not frames and not waiting:
        st.info("None of its videos has a picture that can be shown.")
        return
    current = min(int(st.session_state.get(_here(name), 0)), max(0, len(frames) - 1))
    with st.container(key="frames"):
        for start in range(0, len(frames), _COLUMNS):
            columns = st.columns(_COLUMNS, gap="small")
            for position, column in enumerate(columns, start=start):
                if position < len(frames):
                    with column:
                        _draw_frame(page, name, (frames, position, current), standing)
    for reason in failed:
        st.caption(f"Not shown: {as_markdown(reason)}")
    if frames:
        _draw_bar(page, name, (frames, current), standing)


def _here(name: str) -> str:
    return f"frame_{name}"


def _standing(page: Page, name: str) -> dict[str, Answer]:
    try:
        return marks(page.study.store, "frame", page.person.name, name)
    except CcaError:
        return {}


def _frames(page: Page, name: str) -> tuple[list[Frame], bool, list[str]]:
    """Return the frames that are there, whether others are still being cut, and why some fail.

    Where a video fails, the next in order takes its place.
    """
    frames: list[Frame] = []
    failed: list[str] = []
    kept, waiting = 0, False
    for sample in page.study.samples(name).samples:
        if kept == _VIDEOS:
            break
        if not sample.has_video:
            continue
        seconds = _seconds(sample)
        made = page.study.maker.ask_frames(sample, seconds)
        if isinstance(made, str):
            failed.append(f"{sample.video_id}: {made}")
            continue
        kept += 1
        if made is None:
            waiting = True
        else:
            keys = [f"{sample.video_id}@{at_s:.2f}" for at_s in seconds]
            frames += [Frame(key, path) for key, path in zip(keys, made, strict=True)]
    return frames, waiting, failed


def _seconds(sample: Sample) -> tuple[float, ...]:
    """Return where frames are taken: a quarter and three quarters into what is shown."""
    length_s = LENGTH_S if math.isnan(sample.length_s) else min(LENGTH_S, sample.length_s)
    return tuple(round(part * length_s, 2) for part in _AT)


def _look_again(page: Page, name: str) -> None:
    _, waiting, _ = _frames(page, name)
    st.html('<div class="cca-wait cca-flat"><span>cutting frames &hellip;</span></div>')
    if not waiting:
        st.rerun()


def _draw_head(page: Page, name: str, frames: list[Frame], standing: dict[str, Answer]) -> None:
    done = sum(1 for frame in frames if standing.get(frame.key, NOTHING).level)
    left, before, behind = st.columns([5, 1.2, 1.2], vertical_alignment="center")
    left.html(
        f'<div class="cca-head"><h1>{as_html(name)}</h1><span class="cca-where">{done} of '
        f"{len(frames)} frames marked</span></div>"
        '<div class="cca-facts">Does what the picture shows tell the class? '
        "Highly, weakly, or not at all.</div>"
    )
    before.button("", icon=":material/chevron_left:", key="class_before", shortcut="PageUp",
                  on_click=_step, args=(page, name, -1), width="stretch")  # fmt: skip
    behind.button("", icon=":material/chevron_right:", key="class_behind",
                  shortcut="PageDown", on_click=_step, args=(page, name, 1),
                  width="stretch")  # fmt: skip


def _step(page: Page, name: str, by: int) -> None:
    go_to(page.session.step(name, by))


def _draw_frame(
    page: Page,
    name: str,
    where: tuple[list[Frame], int, int],
    standing: dict[str, Answer],
) -> None:
    frames, position, current = where
    frame = frames[position]
    level = standing.get(frame.key, NOTHING).level
    kinds = ["cca-frame", *(["cca-now"] if position == current else [])]
    kinds += [f"cca-is-{level}"] if level else []
    st.html(
        f'<div class="{" ".join(kinds)}"><img alt="{as_attribute(frame.key)}" '
        f'src="data:image/jpeg;base64,{_encoded(str(frame.picture))}">'
        f"{chip(level) if level else ''}</div>"
    )
    with st.container(horizontal=True, gap="small", key=f"frame_row_{position}"):
        for one in _LEVELS:
            st.button(
                SHORT_WORDS[one],
                key=f"level_{one}_{'on' if one == level else 'off'}_frame_{position}",
                on_click=_mark,
                args=(page, name, frames, (position, one, standing.get(frame.key, NOTHING))),
                disabled=not page.person.may_label,
                width="stretch",
            )


@cache
def _encoded(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode("ascii")


def _mark(page: Page, name: str, frames: list[Frame], said: tuple[int, str, Answer]) -> None:
    """Save one mark over what the page showed, and go to the next frame when that is done."""
    if is_too_soon():
        return
    position, level, before = said
    label = NewLabel(page.person.name, Item("frame", name, frames[position].key), level)
    what = f"frame {position + 1}"
    if save(page.study.store, page.memory, label, before.event_id, what=what):
        st.session_state[_here(name)] = min(position + 1, len(frames) - 1)


def _draw_bar(
    page: Page, name: str, where: tuple[list[Frame], int], standing: dict[str, Answer]
) -> None:
    frames, current = where
    before = standing.get(frames[current].key, NOTHING)
    with st.bottom:
        st.html(saved_html())
        columns = st.columns([0.8, 2, 2, 2, 1.2, 0.8], gap="small")
        columns[0].button("", icon=":material/chevron_left:", key="frame_before", shortcut="Left",
                          on_click=_move, args=(name, current - 1, len(frames)),
                          width="stretch")  # fmt: skip
        for column, level in zip(columns[1:4], _LEVELS, strict=True):
            column.button(
                SHORT_WORDS[level],
                key=f"level_{level}_bar_{current}",
                shortcut=_KEYS[level],
                on_click=_mark,
                args=(page, name, frames, (current, level, before)),
                disabled=not page.person.may_label,
                width="stretch",
            )
        columns[4].button("Undo", key="undo_frame", shortcut="z", on_click=take_back,
                          args=(page.study.store, page.person.name), width="stretch")  # fmt: skip
        columns[5].button("", icon=":material/chevron_right:", key="frame_behind",
                          shortcut="Right", on_click=_move,
                          args=(name, current + 1, len(frames)), width="stretch")  # fmt: skip


def _move(name: str, position: int, total: int) -> None:
    st.session_state[_here(name)] = position % total
