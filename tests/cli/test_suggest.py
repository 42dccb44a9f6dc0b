from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cca_tools.cli.main import app
from cca_tools.errors import DataError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.reference.ucf51_artefacts import write_ucf51
from cca_tools.suggestions import text
from cca_tools.workspace import Workspace, read_provenance

from ..suggestions.studies import CLASSES, TRUTH, write_study


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("made"))


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "w"))


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    rows = [f"{name},{level}" for name, level in TRUTH.items()]
    path.write_text("\n".join(["class_name,level", *rows]))
    return path


def run(study: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["suggest", "-w", str(study), *more], catch_exceptions=False)


def test_a_study_of_known_truth_with_everything(study: Path, truth: Path) -> None:
    done = run(study, "--against", str(truth), "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    frame = pd.read_parquet(study / "suggestions.parquet").set_index("class_name")
    assert sorted(frame.index) == sorted(CLASSES)
    assert report["families"] == ["meaning", "distinctiveness", "audio"]
    for row in report["suggestions"]:
        mine = frame.loc[row["class_name"]]
        assert row["level"] == mine["level"]
        chances = [row["p_highly"], row["p_weakly"], row["p_not"]]
        assert sum(chances) == pytest.approx(1)
        assert row["level"] == ("highly", "weakly", "not")[chances.index(max(chances))]
        assert row["reasons"] == list(mine["reasons"])
        assert len(row["reasons"]) == 3
    right = [frame.loc[name, "level"] == level for name, level in TRUTH.items()]
    assert report["against"]["accuracy"] == pytest.approx(sum(right) / 12)
    assert report["against"]["accuracy"] >= 0.75
    assert not ((frame["level"] == "not") & (frame.index.map(TRUTH) == "highly")).any()
    assert report["leave_one_class_out"]["published"]["accuracy"] >= 0.70
    assert all(Path(path).is_file() for path in report["files"])
    for name in ("suggestions.parquet", "audio_probe.parquet"):
        about = read_provenance(study / name)
        assert about["artefact"] == name
        inputs = {Path(path).name for path in about["inputs"]}
        assert {"associations.parquet", "manifest.parquet"} <= inputs
        assert any(path.startswith("efficientat-mn04") for path in inputs)
    table = (study / "tables/suggestions.md").read_text()
    assert all(name in table for name in CLASSES)


def test_without_encoder_and_audio_it_still_serves_and_says_so(study: Path) -> None:
    done = run(study, "--encoder", "none", "--audio", "none")
    assert done.exit_code == 0
    assert "meaning is not used: no text encoder was wanted" in done.stderr
    assert "audio is not used: it was not wanted" in done.stderr
    assert "learnt from 51 published labels; each left out: accuracy" in done.stdout
    frame = pd.read_parquet(study / "suggestions.parquet")
    assert all(list(used) == ["distinctiveness"] for used in frame["used"])
    assert all("Not used is what names mean" in " ".join(one) for one in frame["reasons"])
    assert not (study / "audio_probe.parquet").exists()


def test_without_the_extra_the_other_two_serve(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_LIBRARY", "no_such_library")
    done = run(study)
    assert done.exit_code == 0
    assert "pip install 'cca-tools[text]'" in done.stderr
    frame = pd.read_parquet(study / "suggestions.parquet")
    assert all(list(used) == ["distinctiveness", "audio"] for used in frame["used"])


def test_tags_without_embeddings_are_said_and_not_fatal(tmp_path: Path) -> None:
    study = write_study(tmp_path / "w", keep=())
    done = run(study, "--encoder", "none")
    assert done.exit_code == 0
    assert "--keep scores,embedding" in done.stderr
    with pytest.raises(DataError, match="--keep scores,embedding"):
        run(study, "--encoder", "none", "--audio", "split")


def test_a_class_that_nobody_hears_gets_the_frequency_of_the_levels(study: Path) -> None:
    path = study / "associations_classes.parquet"
    counted = pd.read_parquet(path)
    more = counted.iloc[[0]].assign(class_name="Silence", support=0)
    pd.concat([counted, more]).to_parquet(path)
    run(study, "--encoder", "none", "--audio", "none")
    frame = pd.read_parquet(study / "suggestions.parquet").set_index("class_name")
    assert frame.loc["Silence", "p_not"] == pytest.approx(22 / 54)
    assert frame.loc["Silence", "reasons"][0].startswith("Nothing is heard")


def test_own_labels_of_the_database_are_learnt_from(study: Path) -> None:
    with LabelStore.open(Workspace(study)) as store:
        store.add([NewLabel("ann", Item("class", name), level) for name, level in TRUTH.items()])
    options = ("--encoder", "none", "--learn-from", "labels", "--against", "labels", "--json")
    report = json.loads(run(study, *options).stdout)
    assert report["learnt_from"] == {"published": 51, "own": 12}
    assert report["against"]["classes"] == 12
    assert report["leave_one_class_out"]["own"]["accuracy"] == report["against"]["accuracy"]
    about = read_provenance(study / "suggestions.parquet")
    assert "labels.db" in {Path(path).name for path in about["inputs"]}


def test_labels_of_another_database_are_compared_with_and_learnt_from(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    with LabelStore.open(Workspace(study), url) as store:
        store.add([NewLabel("ann", Item("class", name), level) for name, level in TRUTH.items()])
    options = ("--encoder", "none", "--audio", "none", "--json")
    named = run(study, *options, "--database", url, "--against", "labels")
    assert json.loads(named.stdout)["against"]["classes"] == 12
    monkeypatch.setenv("CCA_LABELS_DATABASE", url)
    learnt = json.loads(run(study, *options, "--learn-from", "labels").stdout)
    assert learnt["learnt_from"] == {"published": 51, "own": 12}
    assert not (study / "labels.db").exists()
    about = read_provenance(study / "suggestions.parquet")
    assert "labels.db" not in {Path(path).name for path in about["inputs"]}
    assert "database" not in about["parameters"]  # an address may hold a password


def test_few_own_labels_are_not_learnt_from_and_that_is_said(study: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    few.write_text("class_name,level\nrain,highly\nYoga,not\nelsewhere,not\n")
    done = run(study, "--encoder", "none", "--audio", "none", "--learn-from", str(few))
    assert done.exit_code == 0
    assert "gives 2 classes of the workspace a level" in done.stderr


def test_wrong_use_is_one_line_each(study: Path, tmp_path: Path) -> None:
    for options, message in (
        (("--against", "labels", "--encoder", "none"), "labels.db is not there"),
        (("--against", str(tmp_path / "no.csv"), "--encoder", "none"), "cannot be read"),
        (("--tags", "nobody", "--encoder", "none"), "no tags are called"),
        (("--most-videos", "5"), "--most-videos must be at least 100"),
    ):
        done = CliRunner().invoke(app, ["suggest", "-w", str(study), *options])
        assert done.exit_code != 0
        assert message in str(done.exception)
    done = CliRunner().invoke(app, ["suggest", "-w", str(tmp_path / "empty")])
    assert "cca-tools associate" in str(done.exception)


def test_the_same_again_gives_the_same(study: Path) -> None:
    run(study, "--encoder", "none", "--seed", "3")
    first = pd.read_parquet(study / "suggestions.parquet")
    run(study, "--encoder", "none", "--seed", "3")
    pd.testing.assert_frame_equal(first, pd.read_parquet(study / "suggestions.parquet"))


def test_published_associations_in_place_of_the_workspaces_own(tmp_path: Path) -> None:
    write_ucf51(Workspace(tmp_path / "ucf51"))
    published = tmp_path / "ucf51" / "reference-ucf51" / "associations.parquet"
    more = ("--associations", str(published), "--encoder", "none", "--audio", "none")
    done = run(tmp_path / "ucf51", *more, "--json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["suggestions"]) == 51
    inputs = read_provenance(tmp_path / "ucf51" / "suggestions.parquet")["inputs"]
    assert list(inputs) == [str(published)]
