"""The whole way in a real browser: several people label, disagree, decide, and take it away."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from labelling import CLASSES, serving
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import expect

from cca_tools.labels.store import LabelStore

SAVED = ".cca-saved.cca-ok"


def begin(tab, url, name):
    """Open the app, say who one is, and wait for the first class."""
    tab.goto(url)
    tab.get_by_label("Your name").fill(name)
    tab.get_by_role("button", name="Begin").click()
    tab.locator(".cca-head h1").wait_for()
    settle(tab)


def shown(tab):
    """The class that the page shows."""
    return tab.locator(".cca-head h1").first.inner_text()


def last_event(tab):
    """The number of the event that the page shows as saved, 0 for none."""
    found = tab.locator(SAVED)
    return int(found.get_attribute("data-event")) if found.count() else 0


def settle(tab):
    """Wait until Streamlit has drawn the page."""
    tab.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')"
        "?.getAttribute('data-test-script-state') === 'notRunning'"
    )


def press(tab, key):
    """Press a key and wait until the page shows another event as saved."""
    until_saved(tab, lambda: tab.keyboard.press(key))


def until_saved(tab, answer):
    """Answer and wait until the page shows another event as saved.

    A key that meets a page while it is drawn anew may be lost, as for anyone who sees then that
    nothing was saved, and presses again.
    """
    settle(tab)
    before = last_event(tab)
    for patience_s in (15, 15, 60):
        tab.wait_for_timeout(350)  # nobody answers faster, and the app takes it for a bounce
        answer()
        with suppress(Late):
            tab.wait_for_function(
                "([sel, before]) => { const e = document.querySelector(sel);"
                " return e && Number(e.dataset.event) !== before; }",
                arg=[SAVED, before],
                timeout=1000 * patience_s,
            )
            break
    assert last_event(tab) != before
    settle(tab)


def visit(tab, name):
    """Go to another page of the app by its link, and wait until it is drawn."""
    tab.get_by_role("link", name=name).first.click()
    tab.wait_for_url(lambda url: urlsplit(url).path == f"/{name.lower()}")
    settle(tab)


def taken(download):
    """The text of a file that the browser took."""
    return Path(download.value.path()).read_text(encoding="utf-8")


def split(workspace):
    """The splits that ``cca-tools split`` makes of the labels of a workspace."""
    program = "from cca_tools.cli.main import main; main()"
    command = [sys.executable, "-c", program, "split", "-w", str(workspace.root)]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(workspace.splits.read_text(encoding="utf-8"))["splits"]


@pytest.fixture
def served(study):
    with serving(study) as server:
        yield server


def test_the_whole_way(served, open_tab, pictures):
    tab = open_tab()
    begin(tab, served.url, "Ann")
    order = []
    store = LabelStore.open(served.workspace)

    # a video is a poster until it is played by key, with its sound; a mark leaves it as it is
    tab.wait_for_function("() => document.querySelectorAll('video').length === 2")  # recordings
    tab.wait_for_function("() => document.querySelectorAll('.cca-heard').length === 2")
    poster = tab.locator("video").first.get_attribute("poster")
    assert any(url.endswith(poster) for url in tab.asked)
    video = tab.locator("video").first.get_attribute("src")
    assert not any(url.endswith(video) for url in tab.asked)
    assert tab.locator("video").first.get_attribute("aria-label") == "sample 1"
    tab.screenshot(path=pictures / "label_posters.png")
    tab.locator("video").first.focus()
    tab.keyboard.press("Space")
    tab.wait_for_function("() => document.querySelector('video').currentTime > 0.4")
    assert any(url.endswith(video) for url in tab.asked)
    tab.evaluate("() => { document.querySelector('video').isPlayed = true; }")
    sound = "() => document.querySelector('video').webkitAudioDecodedByteCount"
    assert tab.evaluate(sound) > 0
    assert tab.evaluate("() => document.querySelector('video').videoWidth") == 32
    tab.screenshot(path=pictures / "label.png")

    # an audio class is marked, the class labelled, by keys
    order.append(shown(tab))
    press(tab, "1")
    press(tab, "1")
    assert tab.evaluate("() => document.querySelector('video').isPlayed")
    marked = store.current("audio_class")
    assert marked["level"].tolist() == ["weakly"]
    assert marked["class_name"].tolist() == order
    press(tab, "h")
    order.append(shown(tab))
    assert order[1] != order[0]
    press(tab, "n")
    order.append(shown(tab))
    assert sorted(order) == sorted(CLASSES)

    # undo goes back to what is open again
    press(tab, "z")
    assert shown(tab) == order[1]
    levels = store.current("class").set_index("class_name")["level"]
    assert levels.to_dict() == {order[0]: "highly"}
    assert store.history()["kind"].tolist() == ["label", "label", "label", "label", "undo"]

    # a page loaded anew resumes at the first open class
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_function("name => document.querySelector('h1').innerText === name", arg=order[0])
    tab.reload()
    tab.locator(".cca-head h1").wait_for()
    assert shown(tab) == order[1]
    expect(tab.locator(".cca-person").first).to_contain_text("1 of 3 classes labelled")
    tab.get_by_placeholder("A note").fill("=1+1 <i>noise</i>\nsecond line")
    tab.get_by_placeholder("A note").blur()
    settle(tab)
    for key in "nw":
        press(tab, key)
    notes = store.current("class", annotator="Ann").set_index("class_name")["note"]
    assert notes[order[1]] == "=1+1 <i>noise</i>\nsecond line"

    # a second annotator, blind, disagrees on one class
    other = open_tab(width=1000)
    begin(other, served.url, "Bob O'Neil")
    said = {order[0]: "h", order[1]: "w", order[2]: "w"}
    for _ in CLASSES:
        assert "Ann" not in other.locator("[data-testid=stMain]").inner_text()
        press(other, said[shown(other)])
    own = store.current("class", annotator="Bob O'Neil")
    assert own.set_index("class_name")["level"].to_dict() == {
        order[0]: "highly", order[1]: "weakly", order[2]: "weakly",
    }  # fmt: skip
    assert own["hints"].map(len).sum() == 0
    assert sorted(own["position"]) == [0, 1, 2]
    other.set_viewport_size({"width": 700, "height": 1000})
    other.screenshot(path=pictures / "label_narrow.png")
    other.set_viewport_size({"width": 1000, "height": 1000})

    visit(other, "Agreement")
    other.get_by_text("Pair by pair").wait_for()
    other.get_by_text("Classes, the most disagreement first").wait_for()
    rows = other.locator(".cca-table").last.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text(order[1])
    other.screenshot(path=pictures / "agreement.png", full_page=True)

    # an adjudicator decides
    visit(other, "Adjudicate")
    other.locator(".cca-head h1", has_text=order[1]).wait_for()
    main = other.locator("[data-testid=stMain]")
    for text in ("=1+1 <i>noise</i> second line", "Ann", "Bob O'Neil"):
        expect(main).to_contain_text(text, use_inner_text=True)
    other.screenshot(path=pictures / "adjudicate.png")
    press(other, "w")
    other.get_by_text("Decided:").wait_for()
    decided = store.adjudicated().iloc[0]
    assert (decided["class_name"], decided["level"]) == (order[1], "weakly")

    # everything can be taken away
    visit(other, "Overview")
    other.get_by_text("Class by class").wait_for()
    with other.expect_download() as download:
        other.get_by_role("button", name="Levels, CSV").click()
    rows = csv.DictReader(io.StringIO(taken(download)))
    found = {row["class_name"]: row["level"] for row in rows}
    assert found == {order[0]: "highly", order[1]: "weakly", order[2]: "weakly"}
    with other.expect_download() as download:
        other.get_by_role("button", name="Answers, CSV").click()
    rows = csv.DictReader(io.StringIO(taken(download)))
    assert "'=1+1 <i>noise</i>\nsecond line" in {row["note"] for row in rows}
    with other.expect_download() as download:
        other.get_by_role("button", name="Splits, JSON").click()
    previewed = json.loads(taken(download))
    assert previewed["weakly_correlated"]["classes"] == sorted(order[1:])
    other.screenshot(path=pictures / "overview.png", full_page=True)

    visit(other, "Frames")
    other.wait_for_function("() => document.querySelectorAll('.cca-frame').length === 4")
    press(other, "h")
    press(other, "w")
    frames = store.current("frame")
    assert frames["level"].tolist() == ["highly", "weakly"]
    assert all(re.fullmatch(r"c\d_\d@\d\.\d\d", key) for key in frames["key"])
    assert set(frames["annotator"]) == {"Bob O'Neil"}
    other.screenshot(path=pictures / "frames.png")

    # the command makes the splits of what was said in the browser
    splits = split(served.workspace)
    assert {name: one["classes"] for name, one in splits.items()} == {
        "highly_correlated": [order[0]],
        "weakly_correlated": sorted(order[1:]),
        "not_correlated": [],
        "weak_or_high": sorted(order),
    }
    assert {name: one["classes"] for name, one in previewed.items()} == {
        name: one["classes"] for name, one in splits.items()
    }
    store.close()

    hosts = {urlsplit(url).hostname for one in (tab, other) for url in one.asked
             if not url.startswith(("data:", "blob:"))}  # fmt: skip
    assert hosts == {"127.0.0.1"}


def test_no_key_answers_by_accident(served, open_tab):
    tab = open_tab()
    begin(tab, served.url, "Ann")
    first = shown(tab)
    tab.get_by_placeholder("A note").press_sequentially("what now, hmm z1")
    tab.get_by_placeholder("A note").blur()
    settle(tab)
    assert shown(tab) == first
    assert last_event(tab) == 0
    press(tab, "u")
    with LabelStore.open(served.workspace) as store:
        assert store.history()[["level", "note"]].values.tolist() == [
            ["unsure", "what now, hmm z1"]
        ]

    # a key that is held answers once
    tab = open_tab()
    begin(tab, served.url, "Bob")
    until_saved(tab, lambda: [tab.keyboard.press("h") for _ in range(3)])
    with LabelStore.open(served.workspace) as store:
        assert len(store.history(annotator="Bob")) == 1

    # however long it is held
    tab = open_tab()
    begin(tab, served.url, "Cyd")
    until_saved(tab, lambda: (tab.keyboard.up("h"), tab.keyboard.down("h")))
    for _ in range(3):
        settle(tab)
        tab.wait_for_timeout(350)  # past what the app takes for a bounce
        tab.keyboard.down("h")
    tab.keyboard.up("h")
    press(tab, "u")
    with LabelStore.open(served.workspace) as store:
        assert store.history(annotator="Cyd")["level"].tolist() == ["highly", "unsure"]


def test_sigkill_loses_nothing_that_was_shown_as_saved(study, open_tab):
    with serving(study) as server:
        tab = open_tab()
        begin(tab, server.url, "Ann")
        seen = []
        for key in ("1", "h", "w"):
            press(tab, key)
            seen.append(last_event(tab))
        server.kill()
        with LabelStore.open(study) as store:
            assert store.history()["event_id"].tolist() == seen
        server.start()
        again = open_tab()
        again.goto(f"{server.url}?annotator={quote('Ann')}")
        again.locator(".cca-head h1").wait_for()
        expect(again.locator(".cca-person").first).to_contain_text("2 of 3 classes labelled")
        press(again, "n")
        with LabelStore.open(study) as store:
            levels = store.current("class")
        assert sorted(levels["class_name"]) == sorted(CLASSES)


def test_names_do_no_harm_in_the_browser(hostile, open_tab):
    with serving(hostile) as server:
        tab = open_tab()
        name = '<img src=x onerror="document.title=`hacked`"> $x$ :smile: **Eve**'
        begin(tab, server.url, name)
        seen = set()
        for key in "hw":
            seen.add(shown(tab))
            press(tab, key)
        assert any(one.startswith("=cmd|' /C calc'!A0 <img src=x onerror=") for one in seen)
        assert any(one.endswith("**b** $x^2$ :red[r] x") for one in seen)
        for page in ("Agreement", "Adjudicate", "Overview", "Frames"):
            visit(tab, page)
            assert tab.locator("img[src='x']").count() == 0, page
        visit(tab, "Overview")
        tab.get_by_text("Class by class").wait_for()
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Levels, CSV").click()
        assert "\"'=cmd|'" in taken(download)
        tab.get_by_text("Class by class").wait_for()
        tab.goto(server.url)  # a name that is known is offered as a button
        tab.get_by_text("Been here before?").wait_for()
        offered = tab.locator("[class*=st-key-who_0] button").inner_text()
        assert offered == name
        assert tab.title() == "cca-tools labels"
        assert tab.locator("img[src='x']").count() == 0
