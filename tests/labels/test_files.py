from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cca_tools.errors import DataError, UsageError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.files import quote_formula, unquote_formula, write_table
from cca_tools.labels.importing import import_labels
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
HOSTILE = [
    *(f"{sign}cmd|' /C calc'!A0" for sign in FORMULAS),
    *(f"'{sign}1" for sign in FORMULAS),
    " =1+1", "\n=1+1", "''=1", "'tis", "a\rb", "a\r\nb", "a\nb", '"', '"=1"', ",", ";=1", "",
    " lead and trail ", "<script>alert(1)</script>", "[x](javascript:alert(1))", "NA", "nan",
    "None", "007", "1e5", "🎻", "\ufeff", "null", "[]",
]  # fmt: skip
text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


def is_safe(cell: str) -> bool:
    return not cell.lstrip().startswith(FORMULAS) and not cell.startswith(("\t", "\r"))


@given(st.one_of(text, st.sampled_from(HOSTILE), st.tuples(st.just("'"), text).map("".join)))
@settings(max_examples=300, deadline=None)
def test_quoting_is_safe_and_can_be_taken_back(value):
    assert is_safe(quote_formula(value))
    assert unquote_formula(quote_formula(value)) == value


def fill(store: LabelStore) -> None:
    """Every kind of event, with text that does its best to break a file."""
    for number, nasty in enumerate(HOSTILE):
        name = nasty if nasty.strip() else "Dog"
        item = Item("audio_class", name, nasty or "/m/1") if number % 3 else Item("class", name)
        level = ("highly", "weakly", "not", "unsure", "")[number % 5]
        hints = (nasty, "others") if number % 2 else ()
        store.add([NewLabel(name, item, level, nasty, hints, number if number % 4 else None)])
    store.add([NewLabel("Ada", Item("frame", "Dog", "v@1.5"), "weakly")])
    store.undo("Ada")
    store.adjudicate([NewLabel("Eve", Item("class", "Dog"), "not", "=1")])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_a_history_goes_out_and_in_without_loss(tmp_path, suffix, address):
    with LabelStore.open(Workspace(tmp_path / "a"), address) as store:
        fill(store)
        history, current = store.history(), store.current()
        file = tmp_path / f"history{suffix}"
        write_table(history, file)
    with LabelStore.open(Workspace(tmp_path / "b")) as other:
        done = import_labels(other, str(file))
        assert (done.form, done.read, done.new) == ("history", len(history), len(history))
        pd.testing.assert_frame_equal(other.history(), history)
        pd.testing.assert_frame_equal(other.current(), current)
        assert import_labels(other, str(file)).new == 0
        pd.testing.assert_frame_equal(other.history(), history)
        write_table(other.history(), tmp_path / f"again{suffix}")
    assert (tmp_path / f"again{suffix}").read_bytes() == file.read_bytes()


def test_no_cell_of_a_csv_is_a_formula(tmp_path):
    with LabelStore.open(Workspace(tmp_path)) as store:
        fill(store)
        write_table(store.history(), tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(HOSTILE) + 4
    assert all(is_safe(cell) for row in rows for cell in row)


def test_other_files_hold_the_text_itself(tmp_path):
    with LabelStore.open(Workspace(tmp_path)) as store:
        store.add([NewLabel("Ada", Item("class", "=Dog"), "not", "=1", ("others",))])
        for suffix in (".json", ".parquet"):
            write_table(store.history(), tmp_path / f"h{suffix}")
    (row,) = json.loads((tmp_path / "h.json").read_text())
    assert (row["class_name"], row["hints"], row["undoes"]) == ("=Dog", ["others"], None)
    frame = pd.read_parquet(tmp_path / "h.parquet")
    assert frame["note"].tolist() == ["=1"]


def test_two_histories_go_into_one_store(tmp_path):
    """Ids that are taken are given anew, and undos follow the events that they take back."""
    with LabelStore.open(Workspace(tmp_path / "a")) as store:
        store.add([NewLabel("Ada", Item("class", "Dog"), "not")])
        store.add([NewLabel("Ada", Item("class", "Dog"), "highly")])
        store.undo("Ada")
        write_table(store.history(), tmp_path / "a.json")
    with LabelStore.open(Workspace(tmp_path / "b")) as other:
        other.add([NewLabel("Bob", Item("class", "Dog"), "weakly")])
        import_labels(other, str(tmp_path / "a.json"))
        history = other.history()
        assert history["event_id"].tolist() == [1, 2, 3, 4]
        assert history["undoes"].dropna().tolist() == [3]
        assert other.current()[["annotator", "level"]].to_numpy().tolist() == [
            ["Ada", "not"], ["Bob", "weakly"],
        ]  # fmt: skip


def test_what_both_stores_took_back_is_taken_back_once(tmp_path):
    dog = NewLabel("Ada", Item("class", "Dog"), "not")
    with (
        LabelStore.open(Workspace(tmp_path / "a")) as first,
        LabelStore.open(Workspace(tmp_path / "b")) as second,
    ):
        first.add([dog])
        write_table(first.history(), tmp_path / "a.json")
        import_labels(second, str(tmp_path / "a.json"))
        first.undo("Ada")
        second.undo("Ada")
        first.add([replace(dog, level="highly")])
        write_table(first.history(), tmp_path / "a.json")
        assert import_labels(second, str(tmp_path / "a.json")).new == 1
        assert second.history()["kind"].tolist() == ["label", "undo", "label"]
        assert second.current()["level"].tolist() == ["highly"]
        assert import_labels(second, str(tmp_path / "a.json")).new == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"undoes": 1}, "an undo, and only an undo"),
        ({"kind": "undo"}, "an undo, and only an undo"),
        ({"created_at": "yesterday"}, "row 1 is no label"),
        ({"app_version": None}, "stands where text should"),
    ],
)
def test_events_that_no_store_wrote_are_refused(tmp_path, wrong, said):
    with LabelStore.open(Workspace(tmp_path)) as store:
        store.add([NewLabel("Ada", Item("class", "Dog"), "not")])
        write_table(store.history(), tmp_path / "h.json")
        (event,) = json.loads((tmp_path / "h.json").read_text())
        (tmp_path / "h.json").write_text(json.dumps([event | wrong]))
        with pytest.raises(DataError, match=said):
            import_labels(store, str(tmp_path / "h.json"))
        assert len(store.history()) == 1


def test_two_answers_of_one_person_to_one_question_are_refused(tmp_path):
    """Taken in turn, each import of the file would leave another of the two standing."""
    with pytest.raises(DataError, match="says of 'Dog' both highly and not, in the name of 'Ada'"):
        importing(tmp_path, "class_name,level\nDog,highly\nDog,not\n", annotator="Ada")
    done, _ = importing(tmp_path, "class_name,level\nDog,not\nDog,not\n", annotator="Ada")
    assert (done.read, done.new) == (1, 1)


def test_rows_without_a_level_are_passed_over(tmp_path):
    rows = [{"class_name": "Dog", "level": "not"}, {"class_name": "Cat"},
            {"class_name": "Bat", "level": None}, {"class_name": "Owl", "level": " "}]  # fmt: skip
    done, current = importing(tmp_path, json.dumps(rows), "x.json", annotator="Ada")
    assert (done.read, done.new, current["class_name"].tolist()) == (1, 1, ["Dog"])


def test_whole_numbers_may_be_written_as_pandas_does(tmp_path):
    _, current = importing(
        tmp_path,
        '[{"class_name": "Dog", "level": "not", "annotator": "A", "position": 3.0},'
        ' {"class_name": "Cat", "level": "not", "annotator": "A", "position": NaN}]',
        "x.json",
    )
    assert current["position"].tolist() == [pd.NA, 3]


def test_half_a_history_is_refused_whole(tmp_path):
    with LabelStore.open(Workspace(tmp_path / "a")) as store:
        store.add([NewLabel("Ada", Item("class", "Dog"), "not")])
        store.undo("Ada")
        write_table(store.history().tail(1), tmp_path / "half.csv")
    with LabelStore.open(Workspace(tmp_path / "b")) as other:
        with pytest.raises(DataError, match="event 2 takes back event 1"):
            import_labels(other, str(tmp_path / "half.csv"))
        assert other.history().empty


def importing(tmp_path: Path, content: str, name: str = "labels.csv", **options: str):
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with LabelStore.open(Workspace(tmp_path / "w")) as store:
        return import_labels(store, str(file), **options), store.current()


def test_a_table_of_labels(tmp_path):
    done, current = importing(
        tmp_path, "class_name,level,annotator,note\nDog,highly,Ada,loud\nCat,,Ada,\nDog,not,Bob,\n"
    )
    assert (done.form, done.read, done.new, done.classes) == ("labels", 2, 2, 1)
    assert current[["annotator", "level", "note"]].to_numpy().tolist() == [
        ["Ada", "highly", "loud"], ["Bob", "not", ""],
    ]  # fmt: skip
    done, current = importing(
        tmp_path, "class_name,level,annotator,note\nDog,weakly,Ada,loud\nDog,not,Bob,\n"
    )
    assert (done.new, current["level"].tolist()) == (1, ["weakly", "not"])


def test_a_table_without_names_needs_one(tmp_path):
    with pytest.raises(UsageError, match="Give --annotator NAME"):
        importing(tmp_path, "class_name,level\nDog,not\n")
    _, current = importing(tmp_path, "\ufeffclass,level\nDog,not\n", annotator="Ada")
    assert current["annotator"].tolist() == ["Ada"]


def _row(**more: object) -> str:
    return json.dumps([{"class_name": "Dog", "level": "not", "annotator": "Ada", **more}])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "class_name,level,annotator\nDog,very,Ada\n", "row 1: 'very' is no level"),
        ("x.csv", "class_name,level,annotator\nDog,not,Ada\n,not,Ada\n", "row 2: an item has no"),
        ("x.csv", "class_name,level,annotator\nDog,not\n", "line 2 has more or fewer cells"),
        ("x.csv", "video,level\nDog,not\n", "has the columns level, video"),
        ("x.csv", "", "has no rows"),
        ("x.csv", 'class_name,level\n"Dog,not\n', "cannot be read"),
        ("x.json", "[1, 2]", "cannot be read"),
        ("x.json", '{"a": ', "cannot be read"),
        ("x.json", '[{"class_name": 3, "level": "not", "annotator": "A"}]', "row 1 is no label"),
        (
            "x.csv",
            "class_name,level,annotator\nDog,,Ada\nCat,very,Ada\n",
            "row 2: 'very' is no level",
        ),
        ("x.json", "[" * 100_000, "cannot be read"),
        ("x.json", _row(position="abc"), "row 1 is no label"),
        ("x.json", _row(position=1.5), "1.5 is no whole number"),
        ("x.json", _row(position=10**30), "the position is 1000"),
        ("x.json", _row(position=-1), "the position is -1"),
        ("x.json", _row(note=["a"]), "stands where text should"),
        ("x.json", _row(hints="others"), "the hints are 'others'"),
        ("x.json", _row(hints=[1]), "1 stands where text should"),
        ("x.parquet", "class_name", "cannot be read"),
        ("x.txt", "class_name,level", "End it in .csv, .parquet, .json"),
    ],
)
def test_what_is_no_table_of_labels_says_so_and_leaves_nothing(tmp_path, name, content, said):
    with pytest.raises((DataError, UsageError), match=said):
        importing(tmp_path, content, name)
    with LabelStore.open(Workspace(tmp_path / "w")) as store:
        assert store.history().empty


def test_a_file_that_is_not_there_says_so(tmp_path):
    with (
        LabelStore.open(Workspace(tmp_path)) as store,
        pytest.raises(DataError, match=r"nowhere\.csv cannot be read"),
    ):
        import_labels(store, str(tmp_path / "nowhere.csv"))
