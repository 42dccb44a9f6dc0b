"""``cca-tools features`` on the released features, and on damaged ones."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cca_tools.cli.main import app, main
from cca_tools.workspace import read_provenance


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def study(tmp_path):
    """A workspace whose manifest has three videos."""
    for name in ("one", "two", "three"):
        (tmp_path / "videos" / "c").mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / "c" / f"{name}.mp4").write_bytes(b"x")
    run("index", str(tmp_path / "videos"), "-w", str(tmp_path / "w"))
    return tmp_path / "w"


def save(path, ids, values):
    np.savez(path, video_id=np.array(ids), embedding=np.array(values, np.float32))
    return str(path)


def test_imports_and_lists(study, tmp_path):
    source = save(tmp_path / "f.npz", ["one", "two", "else"], [[1, 2], [3, 4], [5, 6]])
    done = run("features", "import", source, "--name", "cnn", "-w", str(study))
    assert not done.return_value
    assert "else" in done.stdout
    table = pd.read_parquet(study / "features" / "cnn.parquet").set_index("video_id")
    assert table["embedding"]["c/two"].tolist() == [3, 4]
    inputs = read_provenance(study / "features" / "cnn.parquet")["inputs"]
    assert set(inputs) == {source, str(study / "manifest.parquet")}
    (listed,) = json.loads(run("features", "list", "-w", str(study), "--json").stdout)
    assert (listed["name"], listed["videos"], listed["width"]) == ("cnn", 2, 2)
    assert "cnn" in run("features", "list", "-w", str(study)).stdout


def test_damaged_features_are_named_and_counted(study, tmp_path):
    source = save(tmp_path / "f.npz", ["one", "one", "two"], [[1, 2], [1, 3], [np.nan, 1]])
    done = run("features", "import", source, "--name", "cnn", "-w", str(study), "--json")
    assert done.return_value == 1
    report = json.loads(done.stdout)
    assert (report["imported"], report["duplicates"], report["not_finite"]) == (2, 1, 1)
    assert report["named"]["not_finite"] == ["c/two"]
    assert report["named"]["duplicates"] == ["c/one"]
    assert report["named"]["videos_without"] == ["c/three"]


@pytest.mark.parametrize(
    ("ids", "name", "said"),
    [(["x", "y"], "cnn", "none of the 2 features"), (["one", "two"], "tags", "cannot be called"),
     (["one", "two"], "../up", "cannot be called")],
)  # fmt: skip
def test_what_cannot_be_imported(study, tmp_path, capsys, ids, name, said):
    source = save(tmp_path / "f.npz", ids, [[1], [2]])
    with pytest.raises(SystemExit) as end:
        main(["features", "import", source, "--name", name, "-w", str(study)])
    assert end.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(study.glob("**/features/*.parquet"))


def test_nothing_imported_says_how(study):
    assert "features import" in run("features", "list", "-w", str(study)).stdout


def test_the_released_features(shared, tmp_path):
    """Into a manifest of UCF51 as its official lists name it."""
    (tmp_path / "videos").mkdir()
    place = str(tmp_path / "w")
    folder = shared / "data" / "ucf51"
    run(
        "index", str(tmp_path / "videos"), "--layout", "ucf101", "--subset", "ucf51", "-w", place,
        "--splits", str(folder / "ucfTrainTestlist"),
    )  # fmt: skip
    source = str(folder / "audio_features_cnn14_emb512.npz")
    done = run("features", "import", source, "--name", "cnn14", "-w", place, "--json")
    report = json.loads(done.stdout)
    assert not done.return_value
    assert (report["imported"], report["width"], report["unmatched"]) == (6837, 512, 0)
    assert report["videos_without"] == 8
