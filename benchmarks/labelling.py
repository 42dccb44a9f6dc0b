"""Speed of the labelling app on a study of VGGSound's size, in a real browser.

    python -m benchmarks.labelling [--demo WORKSPACE]

Generates 309 classes and 200,000 tagged videos (rows that share a few real clips), starts
``cca-tools label``, labels class after class by key, and writes the section Labelling of
RESULTS.md. The start is measured on the demo workspace where one is given.

A label page is timed from the key press, given as the browser's own input, until the next page
stands: its name, ten audio classes, answers, all posters loaded, the app idle, and two pictures of
the screen later, so that it is painted. A poll of 10 ms is part of it. Between pages somebody
looks for 4 s, in which the app cuts the previews of the next class, as it does for anyone (nobody
judges six videos sooner; who presses on after 0.7 s waits for the cutting, up to 1.6 s here). Then
the classes repeat a few real clips, whose previews lie in the cache. Videos load when played, and
playing is not part of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.associations import generate
from benchmarks.results import replace_section
from cca_tools import associate
from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.demo.generate import generate_demo
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.tagging.store import RunInfo
from cca_tools.workspace import Workspace, write_json

VIDEOS, PAGES = 200_000, 40
BROWSER = "/usr/bin/chromium"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip
OTHERS = 8  # annotators who have labelled everything
# from the key to the page that shows the next class, its sounds, its posters and its buttons
WAIT = """
([name, posters]) => {
  const now = document.querySelector('.cca-head h1')?.innerText;
  const state = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState;
  if (!now || now === name || state !== 'notRunning') return false;
  const shown = [...document.querySelectorAll('video')].filter(video => {
    const image = new Image();  // of the browser's memory when the video's is there
    image.src = video.poster;
    return image.complete && image.naturalWidth;
  });
  return shown.length >= posters && document.querySelectorAll('.cca-sound').length === 10;
}
"""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
POSTERS, LOOK_MS = 6, 4_000


def make_study(folder: Path) -> Workspace:
    """Write a manifest, tags, associations and the labels of others."""
    generate(folder, VIDEOS, 4)
    clips = generate_demo(folder / "clips", videos_per_class=4).videos
    manifest = read_manifest(folder / "manifest.parquet")
    real = clips.loc[clips["flaw"] == "", "path"].to_numpy()
    manifest["path"] = real[np.arange(len(manifest)) % len(real)]
    manifest["root"], manifest["duration_s"] = str(folder / "clips"), 3.0
    write_manifest(manifest, folder / "manifest.parquet")
    associate(folder, bootstrap=0, permutations=0, figures=False)
    workspace = Workspace(folder)
    run = RunInfo("yamnet", "a" * 64, {}, {"name": "audioset", "hash": ""}, 0, "2026-01-01")
    for shard in sorted(workspace.tags.glob("*.parquet")):  # as the bundled tagger names them
        shard.rename(shard.with_name(f"{run.name}-{shard.stem[-6:]}.parquet"))
    write_json(workspace.tags / f"_{run.name}.json", run.__dict__)
    names = sorted(manifest["class_name"].unique())
    with LabelStore.open(workspace) as store:
        for who in range(OTHERS):
            store.add([NewLabel(f"annotator {who}", Item("class", name), "not") for name in names])
    return workspace


@contextmanager
def app(workspace: Workspace) -> Iterator[tuple[str, float, psutil.Process]]:
    """Run the app; give its address, when it was started, and its process."""
    program = "from cca_tools.cli.main import main; main()"
    command = [sys.executable, "-c", program, "label", "-w", str(workspace.root), "--port", "0"]
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        yield url, started, psutil.Process(process.pid)
    finally:
        process.kill()


def first_page_s(workspace: Workspace, page: Page) -> tuple[float, float, float]:
    """Seconds from the command to a drawn label page; processor seconds of app and browser."""
    with app(workspace) as (url, started, process):
        before = busy_s(process)[1]
        page.goto(f"{url}?annotator=Bench")
        page.wait_for_function(WAIT, arg=["", 0])
        own, browser = busy_s(process)
        return time.monotonic() - started, own, browser - before


def busy_s(server: psutil.Process) -> tuple[float, float]:
    """Processor seconds of the app, not of what cuts previews, and of the whole browser."""
    family = psutil.Process().children(recursive=True)
    browser = [one for one in family if "chrom" in one.name()]
    return sum(server.cpu_times()[:2]), sum(sum(one.cpu_times()[:2]) for one in browser)


def label_pages_s(page: Page, server: psutil.Process, num_pages: int) -> list[tuple[float, ...]]:
    """Seconds from each key press to the next class being drawn; and as `busy_s`."""
    found = []
    for _ in range(num_pages):
        name = page.locator(".cca-head h1").inner_text()
        page.wait_for_timeout(LOOK_MS)
        started, before = time.monotonic(), busy_s(server)
        page.keyboard.press("n")
        page.wait_for_function(WAIT, arg=[name, POSTERS], polling=10)
        page.evaluate(PAINTED)
        wall = time.monotonic() - started
        found.append((wall, *(b - a for a, b in zip(before, busy_s(server), strict=True))))
    return found


def measure(study: Workspace, demo: Workspace | None) -> dict[str, Any]:
    """Measure both figures in one browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=SWITCHES)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        starts = [first_page_s(demo, page) for _ in range(3)] if demo else []
        large = first_page_s(study, page)
        with app(study) as (url, _, process):
            page.goto(f"{url}?annotator=Bench")
            page.wait_for_function(WAIT, arg=["", POSTERS])
            page.wait_for_timeout(15_000)  # the tagger that draws the timelines is loaded
            pages = label_pages_s(page, process, PAGES)
        browser.close()
    return {"starts": starts, "large": large, "pages": pages}


def report(found: dict[str, Any]) -> str:
    """Return the section."""
    pages = pd.DataFrame(found["pages"], columns=["wall", "app", "browser"])
    starts = pd.DataFrame(found["starts"], columns=["wall", "app", "browser"])
    large = found["large"]
    load, processors = os.getloadavg()[0], len(os.sched_getaffinity(0))
    rows = [
        ("label page, median", *pages.median()),
        ("label page, 95th percentile (limit 0.5)", *pages.quantile(0.95)),
        ("label page, slowest", *pages.max()),
        ("first start at this size, the index of samples is made", *large),
    ]
    if len(starts):
        rows.append(("start on the demo (limit 5), median of 3", *starts.median()))
    lines = [
        f"`cca-tools label` on 309 classes and {VIDEOS:,} tagged videos, {OTHERS} annotators done, "
        "in Chromium by `python -m benchmarks.labelling`. A page: from the key that labels a class "
        "to the next class painted with its six posters, the label synced to the disk in between; "
        f"{len(pages)} pages. A start: from the command to the first page.",
        "",
        f"The load of the machine was {load:.0f} on {processors} processors at the end: other work "
        "took its part, and the seconds hold the waiting for a processor. The processor seconds do "
        "not; those of the browser are of all its processes, which draw without a graphics card.",
        "",
        "| what | seconds | processor seconds, app | browser |",
        "|---|---|---|---|",
        *(
            f"| {what} | {wall:.2f} | {own:.2f} | {browser:.2f} |"
            for what, wall, own, browser in rows
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Generate, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, help="A workspace made by `make demo`.")
    parser.add_argument("--keep", type=Path, help="Where the generated study is kept, and reused.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        is_made = (place / "associations.parquet").exists()
        study = Workspace(place) if is_made else make_study(place)
        found = measure(study, Workspace(arguments.demo) if arguments.demo else None)
        text = report(found)
        print(text)
        replace_section("Labelling", text)


if __name__ == "__main__":
    main()
