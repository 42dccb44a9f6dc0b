"""A study to label, made once; the app on a copy of it; a real browser."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from label_pages import draw
from labelling import HOSTILE, make_study
from streamlit.testing.v1 import AppTest

from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

WAIT_S = 0.3  # for a lock, in place of the 15 s of a person's patience


@pytest.fixture(scope="session")
def _study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def _hostile(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("hostile"), ("Bell", HOSTILE), clips=2)


@pytest.fixture
def study(_study, tmp_path):
    """A workspace of three classes that nobody has labelled; previews made by others are kept."""
    return copy_of(_study, tmp_path)


@pytest.fixture
def hostile(_hostile, tmp_path):
    """The same with a class whose name is all that a name should not be."""
    return copy_of(_hostile, tmp_path / "hostile")


def copy_of(workspace: Workspace, folder: Path) -> Workspace:
    copy = Workspace(folder / "out")
    shutil.copytree(workspace.root, copy.root, ignore=shutil.ignore_patterns("labels.db*"))
    cache = workspace.root / ".cache"
    cache.mkdir(exist_ok=True)
    shutil.rmtree(copy.root / ".cache", ignore_errors=True)
    (copy.root / ".cache").symlink_to(cache)
    return copy


@pytest.fixture(autouse=True)
def _own_main():
    """A page run by AppTest puts itself in place of the program: later child processes trip."""
    program = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = program


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where the tests leave a screenshot of each page: CCA_SCREENSHOTS, or the run's folder."""
    folder = Path(os.environ.get("CCA_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_tab(browser):
    """Give a function that opens a tab of its own; whatever it asks of other hosts is an error."""
    contexts = []

    def new(width: int = 1280, scheme: str = "light"):
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(90_000)
        tab = context.new_page()
        tab.asked = []
        tab.on("request", lambda request: tab.asked.append(request.url))
        return tab

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def here(study, monkeypatch, _forget):
    """The study that the pages look at."""
    monkeypatch.setenv("CCA_LABEL_WORKSPACE", str(study.root))
    monkeypatch.setattr("cca_tools.labels.database.WAIT_S", WAIT_S)
    return study


@pytest.fixture
def store(here):
    with LabelStore.open(here) as opened:
        yield opened


@pytest.fixture
def page(here):
    """Give a function that opens a page as somebody."""

    def new(annotator="Ann", name="label"):
        test = AppTest.from_function(draw, args=(name,), default_timeout=60)
        if annotator:
            test.query_params["annotator"] = annotator
        test.run()
        assert not test.exception, test.exception
        return test

    return new


@pytest.fixture
def _forget(study):
    """What Streamlit keeps for a server belongs to one test."""
    import streamlit as st

    yield
    st.cache_resource.clear()
    st.cache_data.clear()
    shutil.rmtree(study.root, ignore_errors=True)
