from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from cca_tools.errors import CcaError
from cca_tools.splits import read_splits
from cca_tools.workspace import Workspace, read_provenance

from ..associations.study import random_study, write_study
from .label_study import make_study, run, write_labels, write_manifest_of


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make_study(tmp_path / "w")


def test_a_class_that_is_open_or_unsure_is_refused_and_named(study):
    done = run("split", "-w", str(study))
    assert isinstance(done.exception, CcaError)
    assert "1 of 4 classes have no level: Bus. " in str(done.exception)
    assert "--allow-incomplete" in str(done.exception)
    assert not Workspace(study).splits.exists()


def test_it_can_be_told_to_leave_them_out(study):
    done = run("split", "-w", str(study), "--allow-incomplete")
    assert done.exit_code == 0
    assert "note: 1 classes are in no split: Bus" in done.stderr
    content = read_splits(study / "splits.json")
    assert {name: split.classes for name, split in content.splits.items()} == {
        "highly_correlated": ("Dog",),
        "weakly_correlated": ("Cat", "Sea"),
        "not_correlated": (),
        "weak_or_high": ("Cat", "Dog", "Sea"),
    }
    assert content.levels == {"Bus": "unsure", "Cat": "weakly", "Dog": "highly", "Sea": "weakly"}


def test_a_decision_closes_the_class(study):
    run("labels", "adjudicate", "-w", str(study), "--rule", "dawid-skene", "--by", "Eve")
    done = run("split", "-w", str(study), "--json")
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert record["levels_rule"] == "adjudicated, else majority"
    assert record["levels"]["Bus"] in ("highly", "not")
    by_majority = run(
        "split", "-w", str(study), "--rule", "majority", "--allow-incomplete", "--json"
    )
    assert json.loads(by_majority.stdout)["levels"]["Bus"] == "unsure"


def test_it_says_what_it_was_made_of(tmp_path, study):
    first = json.loads(run("split", "-w", str(study), "--allow-incomplete", "--json").stdout)
    manifest = hashlib.sha256((study / "manifest.parquet").read_bytes()).hexdigest()
    assert first["manifest_hash"] == manifest
    assert first["tags_hash"] == ""
    about = read_provenance(study / "splits.json")
    assert about["parameters"]["labels_hash"] == first["labels_hash"]
    assert about["inputs"] == {str(study / "manifest.parquet"): manifest}
    # the same answers in another database have the same hash, other answers another
    second = tmp_path / "second"
    make_study(second)
    again = json.loads(run("split", "-w", str(second), "--allow-incomplete", "--json").stdout)
    assert again["labels_hash"] == first["labels_hash"]
    run("labels", "undo", "-w", str(second), "--annotator", "Cyd")
    changed = json.loads(run("split", "-w", str(second), "--allow-incomplete", "--json").stdout)
    assert changed["labels_hash"] != first["labels_hash"]


def test_the_hash_of_the_tags_is_that_of_their_files(tmp_path):
    study = write_study(tmp_path / "w", random_study(np.random.default_rng(0)))
    about = next(study.glob("tags/_*.json"))
    run_of_tags = json.loads(about.read_text()) | {"embedding_dim": 0, "started_utc": "2026"}
    about.write_text(json.dumps(run_of_tags))
    first = study / "levels.csv"
    first.write_text("class_name,level\nclass 0,highly\n")
    arguments = ("split", "-w", str(study), "--levels", str(first), "--allow-incomplete", "--json")
    record = json.loads(run(*arguments).stdout)
    assert len(record["tags_hash"]) == 64
    assert json.loads(run(*arguments).stdout)["tags_hash"] == record["tags_hash"]
    shard = next(study.glob("tags/*.parquet"))
    shard.write_bytes(shard.read_bytes() + b" ")
    assert json.loads(run(*arguments).stdout)["tags_hash"] != record["tags_hash"]
    wrong = run(*arguments, "--tags", "nobody")
    assert "no tags are called 'nobody'" in str(wrong.exception)


def test_labels_without_videos_are_left_out_and_named(tmp_path):
    workspace = Workspace(tmp_path)
    write_manifest_of(workspace, "Dog", "Cat")
    write_labels(workspace)
    done = run("split", "-w", str(tmp_path))
    assert done.exit_code == 0
    assert "these classes have labels and no video: Bus, Sea" in done.stderr
    assert set(read_splits(workspace.splits).levels) == {"Dog", "Cat"}


def test_the_published_levels_need_no_labels(tmp_path):
    done = run("split", "-w", str(tmp_path), "--levels", "published-ucf51")
    assert done.exit_code == 0
    counts = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:5]}
    assert (counts["weak_or_high"], counts["not_correlated"]) == ("30", "21")


def test_without_labels_it_names_the_command_that_makes_them(tmp_path):
    done = run("split", "-w", str(tmp_path))
    assert "Run `cca-tools label" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_many_missing_classes_are_named_as_far_as_a_line_goes(tmp_path):
    names = [f"class {n:03}" for n in range(100)]
    write_manifest_of(Workspace(tmp_path), *names)
    write_labels(Workspace(tmp_path))
    done = run("split", "-w", str(tmp_path))
    assert "class 039 and 60 more, see `cca-tools labels list --open`" in str(done.exception)
    listed = run("labels", "list", "-w", str(tmp_path), "--open")
    assert all(name in listed.stdout for name in names)
