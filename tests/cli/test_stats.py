from __future__ import annotations

import json

from .label_study import make_study, run


def test_table_a_of_the_published_labels_to_the_digit(tmp_path):
    run("labels", "import", "published-ucf51", "-w", str(tmp_path / "ucf51"))
    done = run("stats", "-w", str(tmp_path / "ucf51"))
    rows = [line.split()[:4] for line in done.stdout.splitlines()[1:4]]
    assert rows == [
        ["ucf51", "highly", "15", "29.4"],
        ["ucf51", "weakly", "15", "29.4"],
        ["ucf51", "not", "21", "41.2"],
    ]
    for name in ("tables/table_a.csv", "tables/table_a.md", "tables/table_a.tex",
                 "figures/table_a.png", "figures/table_a.pdf"):  # fmt: skip
        assert (tmp_path / "ucf51" / name).stat().st_size > 0
        assert name in done.stdout


def test_several_datasets_stand_in_one_table(tmp_path, shared):
    file = shared / "data" / "annotations" / "vggsounder+background-music.csv"
    run("labels", "import", "published-ucf51", "-w", str(tmp_path / "ucf51"))
    run("labels", "import", str(file), "-w", str(tmp_path / "vggsound"))
    done = run("stats", "-w", str(tmp_path / "ucf51"), "-w", str(tmp_path / "vggsound"), "--json")
    table = json.loads(done.stdout)["table_a"]
    assert [row["dataset"] for row in table] == ["ucf51"] * 3 + ["vggsound"] * 3
    assert sum(row["classes"] for row in table[3:]) == 309
    assert all(row["share_low"] <= row["share"] <= row["share_high"] for row in table)


def test_open_and_unsure_classes_have_their_rows(tmp_path):
    study = make_study(tmp_path / "w")
    table = json.loads(run("stats", "-w", str(study), "--json").stdout)["table_a"]
    assert [(row["level"], row["classes"]) for row in table] == [
        ("highly", 1), ("weakly", 2), ("not", 0), ("unsure", 1),
    ]  # fmt: skip


def test_folders_of_one_name_are_told_apart(tmp_path):
    first, second = make_study(tmp_path / "a" / "w"), make_study(tmp_path / "b" / "w")
    table = json.loads(run("stats", "-w", str(first), "-w", str(second), "--json").stdout)[
        "table_a"
    ]
    assert {row["dataset"] for row in table} == {str(first), str(second)}


def test_one_database_is_not_taken_for_two_studies(tmp_path):
    done = run("stats", "-w", "a", "-w", "b", "--levels", "published-ucf51")
    assert "Give one --workspace" in str(done.exception)


def test_a_file_of_levels_gives_its_name(tmp_path):
    done = run("stats", "-w", str(tmp_path), "--levels", "published-ucf51", "--json")
    assert json.loads(done.stdout)["table_a"][2]["dataset"] == "published-ucf51"
