"""What the overview lets one take away comes back by ``labels import``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from label_pages import draw
from streamlit.testing.v1 import AppTest

from cca_tools.cli.main import app
from cca_tools.labels.events import NewLabel
from cca_tools.labels.importing import import_labels
from cca_tools.labels.items import ITEM_KINDS, Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace


@pytest.fixture
def files(store, page, monkeypatch):
    """The texts that the page offers, by name."""
    store.add([NewLabel("Ann", Item("class", "Bell"), "highly", note='=1+1, "so"\nit is')])
    store.add([NewLabel("Bob", Item("class", "Bell"), "not", hints=("others",), position=2)])
    store.add([NewLabel("Ann", Item("audio_class", "Bell", "/m/1"), "weakly")])
    store.add([NewLabel("Ann", Item("frame", "Bell", "c0_1@0.38"), "not")])
    store.adjudicate([NewLabel("Dee", Item("class", "Bell"), "weakly")])
    store.undo("Bob")
    store.add([NewLabel("Bob", Item("class", "Rain"), "unsure", position=0)])
    offered = {}

    def keep(label, data, name, *others, **more):
        offered[name] = data

    monkeypatch.setattr("streamlit.download_button", keep)
    test = AppTest.from_function(draw, args=("overview",), default_timeout=60)
    test.query_params["annotator"] = "Bob"
    test.run()
    next(one for one in test.button if one.key == "show_results").click().run()
    assert not test.exception
    return offered


def test_the_history_comes_back(files, store, tmp_path):
    (tmp_path / "history.csv").write_bytes(files["history.csv"])
    with LabelStore.open(Workspace(tmp_path / "new")) as other:
        assert import_labels(other, str(tmp_path / "history.csv")).new == 7
        assert other.history().equals(store.history())


def test_the_answers_of_all_kinds_come_back(files, store, tmp_path):
    (tmp_path / "answers.csv").write_bytes(files["answers.csv"])
    kept = ["annotator", "class_name", "key", "level", "note", "hints", "position"]
    with LabelStore.open(Workspace(tmp_path / "new")) as other:
        assert import_labels(other, str(tmp_path / "answers.csv")).new == 4
        for kind in ITEM_KINDS:
            assert other.current(kind)[kept].equals(store.current(kind)[kept])
            assert len(other.current(kind))


def test_table_a_is_that_of_the_command(files, here):
    done = CliRunner().invoke(app, ["stats", "-w", str(here.root)], catch_exceptions=False)
    assert done.exit_code == 0
    ours = (here.tables / "table_a.md").read_text().splitlines()
    shown = [line.split("|", 2)[2] for line in ours if line.startswith("|")]  # without the dataset
    assert [line.split("|", 1)[1] for line in files["table_a.md"].decode().splitlines()] == shown
    assert any("33.3" in line for line in shown)
