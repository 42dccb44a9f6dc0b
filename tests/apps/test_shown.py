"""What pages show of files that are damaged, hostile or incomplete."""

from __future__ import annotations

import shutil
import time

import pandas as pd
import pytest
from label_pages import button, shown, text_of
from labelling import CLASSES

from apps.style import chip, sound_row
from apps.text import as_markdown
from apps.videos import player
from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.labels.agreement import agreement
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item

HOSTILE_ID = "![x](http://host.example/a.png) <b>"


@pytest.fixture
def frames(here, page, tmp_path, monkeypatch):
    """The frames of Rain, of which one video cannot be read and has a hostile name."""
    manifest = read_manifest(here.manifest)
    manifest["root"] = str(tmp_path / "clips")
    source = read_manifest(here.manifest)["root"].iloc[0]
    shutil.copytree(source, tmp_path / "clips")
    rain = manifest["class_name"] == "Rain"
    manifest.loc[rain, "group"] = manifest.loc[rain, "video_id"]  # each may be shown
    extra = manifest[rain].head(1).copy()
    extra["video_id"], extra["group"] = HOSTILE_ID, "another"
    extra["path"] = "broken.mp4"
    write_manifest(pd.concat([manifest, extra], ignore_index=True), here.manifest)
    for shard in here.tags.glob("*.parquet"):
        shard.unlink()  # without tags, what has sound is shown

    def show(videos):
        monkeypatch.setattr("apps.frames_page._VIDEOS", videos)
        test = page(name="frames")
        test.session_state["class_name"] = "Rain"
        for _ in range(40):
            test.run()
            if not any("cutting frames" in one.body for one in test.html):
                break
            time.sleep(0.5)
        return test

    return show


def images(test):
    return sum(one.body.count("<img") for one in test.html)


def test_a_failed_video_is_told_as_text_and_the_next_takes_its_place(frames):
    test = frames(4)  # five are there, one of which cannot be read
    samples = test.session_state["page"].study.samples("Rain").samples
    assert len(samples) == 5
    assert HOSTILE_ID in [one.video_id for one in samples[:4]]
    assert images(test) == 8
    (told,) = (one.value for one in test.caption if one.value.startswith("Not shown"))
    assert as_markdown(HOSTILE_ID) in told
    assert "![" not in told
    assert "bdi" not in told


def test_a_key_that_is_held_marks_one_frame(frames, store):
    test = frames(6)
    button(test, "level_highly_bar").click().run()
    for _ in range(3):
        test.session_state["saved_at"] = time.monotonic() + 60  # however slow this machine is
        button(test, "level_highly_bar").click().run()
    assert store.current("frame")["level"].tolist() == ["highly"]
    assert len(store.history()) == 1


def test_frames_marked_in_another_tab_are_not_overwritten(frames, store):
    test = frames(6)
    first = next(one.body for one in test.html if "cca-now" in one.body)
    key = first.partition('alt="')[2].partition('"')[0]
    store.add([NewLabel("Ann", Item("frame", "Rain", key), "not")])
    button(test, "level_highly_bar").click().run()
    assert store.current("frame")["level"].tolist() == ["not"]
    assert "Not saved" in test.error[0].value


def test_agreement_is_that_of_the_command(page, store):
    for who, wanted in (("Ann", ("not", "weakly", "highly")), ("Bob", ("not", "not", "highly"))):
        for name, level in zip(CLASSES, wanted, strict=True):
            hints = ("others",) if (who, name) == ("Bob", "Bell") else ()
            store.add([NewLabel(who, Item("class", name), level, hints=hints)])
    test = page(name="agreement")
    expected = agreement(store.current())
    assert expected.notes
    told = [one.value for one in test.caption]
    for note in expected.notes:
        assert as_markdown(note) in told
    assert any("hints shown" in one for one in told)
    interval = f"{expected.alpha_low:.2f} to {expected.alpha_high:.2f}"
    assert any(interval in one for one in told)


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", None])
def test_damaged_suggestions_and_associations_are_told(page, store, here, content):
    for path in (here.suggestions, here.associations):
        if content is None:
            pd.DataFrame({"class_name": ["Bell"], "other": [1]}).to_parquet(path)
        else:
            path.write_bytes(content)
    test = page()
    assert "associations" in text_of(test)
    assert "are damaged" in text_of(test)
    test.toggle(key="hints").set_value(True).run()
    assert not test.exception
    assert "cca\\-tools suggest" in text_of(test)
    assert shown(test) in CLASSES


def test_a_level_of_a_file_is_no_markup(page, here):
    evil = '"><img src=x onerror=alert(1)>'
    rows = [{"class_name": name, "level": evil, "reasons": [evil]} for name in CLASSES]
    pd.DataFrame(rows).to_parquet(here.suggestions)
    test = page()
    test.toggle(key="hints").set_value(True).run()
    assert not test.exception
    assert "<img src=x" not in text_of(test)
    assert "&lt;img src=x" in text_of(test)
    assert 'class="cca-chip cca-is-open"' in chip(evil)
    assert 'class="cca-chip cca-is-highly"' in chip("highly")


def test_figures_that_are_missing_are_dashes():
    row = sound_row("Bell", float("nan"), float("nan"), 3.0)
    assert "nan" not in row
    assert row.count("–") == 3


def test_nothing_is_loaded_before_it_is_played(tmp_path):
    film = player(tmp_path / "a.mp4", tmp_path / "a.jpg", "sample 1")
    sound = player(tmp_path / "a.mp4", None, "sample 2")
    assert film.startswith("<video controls ")
    assert sound.startswith("<audio controls ")
    for html, name in ((film, "sample 1"), (sound, "sample 2")):
        assert 'preload="none"' in html
        assert f'aria-label="{name}"' in html
        assert "autoplay" not in html
