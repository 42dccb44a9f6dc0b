from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from cca_tools.cli.main import main
from cca_tools.errors import CcaError
from cca_tools.labels import database
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

from ..labels.postgres import postgres_server
from .label_study import ANSWERS, make_study, run, write_labels


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make_study(tmp_path / "w")


def test_the_published_labels_come_in_once(tmp_path):
    first = run("labels", "import", "published-ucf51", "-w", str(tmp_path))
    assert first.stdout == "published-ucf51: 51 labels on 51 classes, 51 of them new\n"
    second = run("labels", "import", "published-ucf51", "-w", str(tmp_path), "--json")
    assert json.loads(second.stdout) == {
        "form": "published-ucf51", "read": 51, "new": 0, "classes": 51,
    }  # fmt: skip


def test_vggsounder_comes_in_by_the_thresholds_given(tmp_path, shared):
    file = shared / "data" / "annotations" / "vggsounder+background-music.csv"
    arguments = ("labels", "import", str(file), "-w", str(tmp_path))
    assert "309 labels on 309 classes, 309 of them new" in run(*arguments).stdout
    run(*arguments, "--annotator", "stricter", "--highly-from", "0.9", "--weakly-from", "0.5")
    rows = json.loads(run("labels", "list", "-w", str(tmp_path), "--json").stdout)
    assert len(rows) == 618
    levels = {name: {} for name in ("vggsounder", "stricter")}
    for row in rows:
        levels[row["annotator"]][row["class_name"]] = row["level"]
    assert levels["vggsounder"]["dog barking"] == "highly"  # AV share 0.777
    assert levels["stricter"]["dog barking"] == "weakly"
    wrong = run(*arguments, "--highly-from", "0.2")
    assert "the thresholds are 0.2 for highly and 0.333" in str(wrong.exception)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_what_goes_out_comes_in(study, tmp_path, suffix):
    file = tmp_path / f"labels{suffix}"
    done = run("labels", "export", str(file), "-w", str(study))
    assert done.stdout == f"{file}: 11 rows\n"
    other = tmp_path / "other"
    assert "history: 11 events on 4 classes, 11 of them new" in run(
        "labels", "import", str(file), "-w", str(other)
    ).stdout  # fmt: skip
    histories = [run("labels", "history", "-w", str(w), "--json").stdout for w in (study, other)]
    assert histories[0] == histories[1]


def test_current_labels_go_out_and_come_in_too(study, tmp_path):
    file = tmp_path / "current.csv"
    run("labels", "export", str(file), "-w", str(study), "--what", "current")
    run("labels", "import", str(file), "-w", str(tmp_path / "o"))
    shown = [run("labels", "list", "-w", str(w)).stdout for w in (study, tmp_path / "o")]
    assert shown[0] == shown[1]


def test_final_levels_serve_as_levels(study, tmp_path):
    file = tmp_path / "final.csv"
    run("labels", "export", str(file), "-w", str(study), "--what", "final")
    with file.open() as lines:
        levels = {row["class_name"]: row["level"] for row in csv.DictReader(lines)}
    assert levels == {"Bus": "unsure", "Cat": "weakly", "Dog": "highly", "Sea": "weakly"}
    table = json.loads(run("stats", "-w", str(study), "--levels", str(file), "--json").stdout)
    assert [row["classes"] for row in table["table_a"]] == [1, 2, 0, 1]


@pytest.mark.parametrize("name", ["=cmd", "two\nlines", 'a"b, c', "\x0b\u2028", "'tis"])
def test_final_levels_of_any_name_serve_as_levels(tmp_path, name):
    with LabelStore.open(Workspace(tmp_path)) as store:
        store.add([NewLabel("Ada", Item("class", f"x{name}x"), "not"),
                   NewLabel("Ada", Item("class", name.strip() or "y"), "weakly")])  # fmt: skip
    file, own = tmp_path / "final.csv", ("-w", str(tmp_path), "--json")
    run("labels", "export", str(file), *own[:2], "--what", "final")
    found = json.loads(run("split", *own, "--levels", str(file)).stdout)["levels"]
    assert found == json.loads(run("split", *own).stdout)["levels"]


def test_an_unknown_suffix_is_refused_before_anything_is_read(tmp_path):
    done = run("labels", "export", str(tmp_path / "labels.xlsx"), "-w", str(tmp_path))
    assert "End it in .csv, .parquet, .json" in str(done.exception)


def test_the_list_can_be_narrowed(study):
    shown = run("labels", "list", "-w", str(study), "--annotator", "Ada", "--class", "Dog").stdout
    assert shown.splitlines()[1].split() == ["Dog", "Ada", "highly"]
    assert len(shown.splitlines()) == 2
    nothing = run("labels", "list", "-w", str(study), "--kind", "frame")
    assert (nothing.stdout, nothing.stderr) == ("", "none\n")
    still_open = run("labels", "list", "-w", str(study), "--open", "--json")
    assert json.loads(still_open.stdout) == [{"class_name": "Bus", "level": "unsure"}]


def test_a_long_note_hides_no_other_column(tmp_path):
    with LabelStore.open(Workspace(tmp_path)) as store:
        store.add([NewLabel("Ada", Item("class", "Dog"), "not", note="word " * 40_000)])
    for command in ("list", "history"):
        lines = run("labels", command, "-w", str(tmp_path)).stdout.splitlines()
        assert "Dog" in lines[1]
        assert "Ada" in lines[1]
        assert len(lines[1]) < 250
    whole = json.loads(run("labels", "list", "-w", str(tmp_path), "--json").stdout)
    assert len(whole[0]["note"]) == 200_000


def test_labels_of_classes_that_the_study_lacks_are_told(study, tmp_path):
    file = tmp_path / "more.csv"
    file.write_text('class_name,level\nDog,not\ndog,not\n"two\nlines",not\n')
    done = run("labels", "import", str(file), "-w", str(study), "--annotator", "Joe")
    assert done.stderr == (
        "note: 2 labelled classes are not among the 4 of the manifest: dog, 'two\\nlines'\n"
    )


@pytest.mark.parametrize("wrong", [("--resamples", "0"), ("--seed", "-1")])
def test_a_bootstrap_that_cannot_be_is_refused(study, wrong):
    done = run("labels", "agreement", "-w", str(study), *wrong)
    assert "is not in the range" in str(done.exception)


def test_undo_is_seen_in_the_history(study):
    done = run("labels", "undo", "-w", str(study), "--annotator", "Bob")
    assert done.stdout == "took back event 8: not for 'Bus'\n"
    lines = run("labels", "history", "-w", str(study), "--class", "Bus").stdout.splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["label", "label", "undo"]
    nobody = run("labels", "undo", "-w", str(study), "--annotator", "Zoe")
    assert "'Zoe' has nothing to take back" in nobody.stderr
    assert nobody.return_value == 1


def test_agreement_in_words_and_in_json(study):
    done = run("labels", "agreement", "-w", str(study))
    report = json.loads(run("labels", "agreement", "-w", str(study), "--json").stdout)
    assert f"alpha (ordinal)   {report['alpha']:.3f}" in done.stdout
    # pairs: Dog 3 equal of 3, Cat 1 of 3, Sea 1 of 3, Bus 0 of 1
    assert report["raw"] == pytest.approx(5 / 10)
    assert [row["class_name"] for row in report["by_class"]] == ["Bus", "Cat", "Sea", "Dog"]
    assert report["by_class"][0]["disagreement"] == 1
    assert {(row["annotator_a"], row["annotator_b"]) for row in report["kappas"]} == {
        ("Ada", "Bob"), ("Ada", "Cyd"), ("Bob", "Cyd"),
    }  # fmt: skip
    assert "Bus" in done.stdout


def test_agreement_of_blind_answers_alone(study):
    with LabelStore.open(Workspace(study)) as store:
        store.add([NewLabel("Bob", Item("class", "Bus"), "highly", hints=("others",))])
    done = run("labels", "agreement", "-w", str(study))
    assert "note: 1 of 11 answers were given with hints shown, not blind" in done.stderr
    arguments = ("labels", "agreement", "-w", str(study), "--json")
    assert json.loads(run(*arguments).stdout)["raw"] == 6 / 10
    blind = json.loads(run(*arguments, "--blind-only").stdout)
    assert blind["raw"] == 5 / 9
    assert not any("hints" in note for note in blind["notes"])
    seeded = [json.loads(run(*arguments, "--seed", seed).stdout) for seed in "11"]
    assert seeded[0] == seeded[1]


def test_a_locked_database_is_one_line_and_exit_code_1(study, monkeypatch, capsys):
    monkeypatch.setattr(database, "WAIT_S", 0.1)
    with sqlite3.connect(study / "labels.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SystemExit) as stopped:
            main(["labels", "undo", "--annotator", "Ada", "-w", str(study)])
        other.execute("ROLLBACK")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == (
        f"cca-tools: the label database {study / 'labels.db'} is locked by another program. "
        "Close the other program or wait, then try again.\n"
    )


def test_agreement_that_is_not_defined_says_so(tmp_path):
    run("labels", "import", "published-ucf51", "-w", str(tmp_path))
    done = run("labels", "agreement", "-w", str(tmp_path))
    assert "note: only 'published-ucf51' has labelled" in done.stderr
    assert "alpha (ordinal)   not defined" in done.stdout
    report = json.loads(run("labels", "agreement", "-w", str(tmp_path), "--json").stdout)
    assert report["alpha"] is None


def test_both_rules_are_reported_and_nothing_is_written(study):
    done = run("labels", "adjudicate", "-w", str(study))
    assert done.stdout.splitlines()[1].split() == ["majority", "1", "2", "1"]
    assert done.stdout.splitlines()[2].startswith("dawid-skene")
    assert len(json.loads(run("labels", "history", "-w", str(study), "--json").stdout)) == 11


def test_a_rule_decides_the_disputed_classes_once(study):
    done = run("labels", "adjudicate", "-w", str(study), "--by", "Eve")
    assert "2 classes decided by majority, in the name of 'Eve'" in done.stdout  # Bus is a tie
    again = run("labels", "adjudicate", "-w", str(study), "--by", "Eve")
    assert "0 classes decided" in again.stdout
    report = json.loads(run("labels", "adjudicate", "-w", str(study), "--json").stdout)
    decided = {row["class_name"]: row["decided"] for row in report["classes"]}
    assert decided == {"Bus": "", "Cat": "weakly", "Dog": "", "Sea": "weakly"}
    assert report["levels"]["majority"] == {"weakly": 2, "unsure": 1, "highly": 1}


def test_people_are_listed_and_taken_off(study):
    assert run("labels", "people", "-w", str(study)).stderr == "none\n"
    run("labels", "people", "ada@x.org", "--may", "label", "--may", "adjudicate", "-w", str(study))
    listed = json.loads(run("labels", "people", "-w", str(study), "--json").stdout)
    assert listed == [{"name": "ada@x.org", "may": "adjudicate, label"}]
    stranger = run("labels", "adjudicate", "-w", str(study), "--by", "Eve")
    assert "'Eve' is not listed as one who may adjudicate" in str(stranger.exception)
    run("labels", "people", "ada@x.org", "--remove", "-w", str(study))
    assert run("labels", "people", "-w", str(study)).stderr == "none\n"
    for wrong in (
        ("--remove",),
        ("--may", "label"),
        ("ada",),
        ("ada", "--may", "label", "--remove"),
    ):
        assert isinstance(run("labels", "people", *wrong, "-w", str(study)).exception, CcaError)


@pytest.mark.parametrize(
    "command", ["list", "history", "agreement", "adjudicate", "undo", "export"]
)
def test_looking_never_makes_a_database(tmp_path, command):
    more = {"undo": ["--annotator", "A"], "export": [str(tmp_path / "x.csv")]}.get(command, [])
    done = run("labels", command, *more, "-w", str(tmp_path))
    assert "Run `cca-tools label" in str(done.exception)
    assert list(tmp_path.iterdir()) == []
    address = f"sqlite:///{tmp_path / 'typo.db'}"
    done = run("labels", command, *more, "-w", str(tmp_path), "--database", address)
    assert "typo.db is not there. Check the address" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_labels_of_a_server_by_the_environment(tmp_path, monkeypatch):
    with postgres_server() as server:
        address = server.address()
        write_labels(Workspace(tmp_path), address)
        monkeypatch.setenv("CCA_LABELS_DATABASE", address)
        rows = json.loads(run("labels", "list", "-w", str(tmp_path), "--json").stdout)
    assert len(rows) == sum(map(len, ANSWERS.values()))
    assert not Workspace(tmp_path).labels.exists()
