from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from cca_tools.errors import UsageError
from cca_tools.labels.events import LabelConflictError, NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.standing import rebuild
from cca_tools.labels.store import LabelStore
from cca_tools.workspace import Workspace


@pytest.fixture
def store(tmp_path: Path, address: str | None):
    with LabelStore.open(Workspace(tmp_path / "w"), address) as opened:
        yield opened


def label(annotator: str, name: str, level: str, **more: object) -> NewLabel:
    return NewLabel(annotator, Item("class", name), level, **more)


def standing(store: LabelStore, **which: str) -> list[tuple[str, str, str]]:
    frame = store.current(**which)
    return list(frame[["annotator", "class_name", "level"]].itertuples(index=False, name=None))


def test_the_current_label_is_the_last_one(store):
    store.add([label("Ada", "Dog", "highly"), label("Bob", "Dog", "not")])
    store.add([label("Ada", "Dog", "weakly", note="barks off screen", hints=("others",))])
    assert standing(store) == [("Ada", "Dog", "weakly"), ("Bob", "Dog", "not")]
    assert standing(store, annotator="Bob") == [("Bob", "Dog", "not")]
    row = store.current(annotator="Ada").iloc[0]
    assert (row["note"], row["hints"], row["event_id"]) == ("barks off screen", ("others",), 3)
    assert store.annotators() == ["Ada", "Bob"]
    assert list(store.history()["event_id"]) == [1, 2, 3]


def test_undo_is_an_event_and_goes_back_step_by_step(store):
    store.add([label("Ada", "Dog", "highly")])
    store.add([label("Ada", "Dog", "weakly")])
    store.add([label("Bob", "Dog", "not")])
    undo = store.undo("Ada")
    assert (undo.kind, undo.undoes, undo.level) == ("undo", 2, "weakly")
    assert standing(store, annotator="Ada") == [("Ada", "Dog", "highly")]
    assert store.undo("Ada").undoes == 1
    assert standing(store) == [("Bob", "Dog", "not")]
    assert store.undo("Ada") is None
    assert list(store.history()["kind"]) == ["label", "label", "label", "undo", "undo"]


def test_an_answer_to_what_has_changed_is_not_written(store):
    (first,) = store.add([label("Ada", "Dog", "highly")], expected=0)
    store.add([label("Ada", "Dog", "not")], expected=first.id)
    with pytest.raises(LabelConflictError, match=r"'Ada' said not at .* \(event 2\)") as caught:
        store.add([label("Ada", "Dog", "weakly"), label("Ada", "Cat", "not")], expected=first.id)
    assert caught.value.newer.id == 2
    assert standing(store) == [("Ada", "Dog", "not")]


def test_a_mark_that_was_cleared_counts_as_none(store):
    mark = Item("audio_class", "Dog", "/m/0bt9lr")
    store.add([NewLabel("Ada", mark, "highly")])
    (cleared,) = store.add([NewLabel("Ada", mark, "")], expected=1)
    assert store.current("audio_class").empty
    store.undo("Ada")
    assert store.current("audio_class")["level"].tolist() == ["highly"]
    with pytest.raises(LabelConflictError):
        store.add([NewLabel("Ada", mark, "weakly")], expected=cleared.id)
    store.add([NewLabel("Ada", mark, "")], expected=1)
    store.add([NewLabel("Ada", mark, "not")], expected=0)
    assert store.current("audio_class", class_name="Dog")["level"].tolist() == ["not"]
    assert store.current("audio_class", class_name="Cat").empty


def test_an_answer_that_was_taken_back_is_a_conflict_too(store):
    (first,) = store.add([label("Ada", "Dog", "highly")])
    store.undo("Ada")
    with pytest.raises(LabelConflictError, match="it was taken back") as caught:
        store.add([label("Ada", "Dog", "not")], expected=first.id)
    assert caught.value.newer is None


def test_what_another_decided_meanwhile_is_never_overwritten(store):
    store.adjudicate([label("Eve", "Dog", "highly")], expected=0)
    with pytest.raises(LabelConflictError, match="'Eve' said highly"):
        store.adjudicate([label("Joe", "Dog", "not")], expected=0)
    assert store.adjudicated()[["annotator", "level"]].to_numpy().tolist() == [["Eve", "highly"]]
    store.adjudicate([label("Joe", "Dog", "not")], expected=1)
    assert store.undo("Eve").undoes == 1  # hers; what stands is still Joe's
    assert store.adjudicated()[["annotator", "level"]].to_numpy().tolist() == [["Joe", "not"]]
    store.undo("Joe")
    assert store.adjudicated().empty
    assert store.current().empty


def test_nothing_of_a_page_is_kept_where_one_label_cannot_be(store):
    store.list_person("Ada", "label")
    with pytest.raises(UsageError, match="'Bob' is not listed as one who may label"):
        store.add([label("Ada", "Dog", "not"), label("Bob", "Dog", "not")])
    assert store.history().empty


def test_roles(store):
    assert store.allowed("anyone", "label")
    assert not store.allowed("anyone", "label", listed_only=True)
    store.list_person("Ada", "label")
    store.list_person("Eve", "label", "adjudicate")
    assert store.people() == {"Ada": ("label",), "Eve": ("adjudicate", "label")}
    assert [store.allowed(name, "adjudicate") for name in ("Ada", "Eve", "Joe")] == [
        False, True, False,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="'Ada' is not listed as one who may adjudicate"):
        store.adjudicate([label("Ada", "Dog", "not")])
    with pytest.raises(UsageError, match="no role"):
        store.allowed("Ada", "rule")
    store.list_person("Eve")
    store.list_person("Ada")
    assert store.allowed("anyone", "label")
    for nobody in ("", " ", "\0", "x" * 801):  # listed, it would lock everyone out
        with pytest.raises(UsageError):
            store.list_person(nobody, "label")
    assert store.people() == {}


def test_every_annotator_has_an_order_of_his_own_that_stays(store):
    classes = [f"class {number}" for number in range(30)]
    first = store.order("Ada", classes)
    assert sorted(first) == sorted(classes)
    assert first != classes
    assert store.order("Bob", classes) != first
    assert store.order("Ada", classes[::-1]) == first
    more = store.order("Ada", [*classes, "a new one", "another"])
    assert more[:30] == first
    assert set(more[30:]) == {"a new one", "another"}
    assert store.order("Ada", ["another", *classes[:5]]) == [
        name for name in more if name in {"another", *classes[:5]}
    ]
    assert store.order("Ada", []) == []


HOSTILE = "<b>*x*</b> =cmd|' /C calc'!A0 \"';DROP TABLE events;--\r\n\tüñ 🎻 \u202e %s :a {}"


def test_text_is_kept_to_the_letter(store):
    item = Item("frame", HOSTILE, "v_a/b@12.5")
    (event,) = store.add([NewLabel(HOSTILE, item, "weakly", HOSTILE, (HOSTILE, ""), 3)])
    assert (event.item, event.annotator, event.note) == (item, HOSTILE, HOSTILE)
    assert event.hints == (HOSTILE, "")
    row = store.current("frame", annotator=HOSTILE).iloc[0]
    assert row["class_name"] == row["note"] == row["annotator"] == HOSTILE
    assert (row["hints"], row["position"]) == ((HOSTILE, ""), 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: label("", "Dog", "not"), "no annotator"),
        (lambda: label("Ada", "", "not"), "no class name"),
        (lambda: label("Ada", "Dog", "very"), "'very' is no level"),
        (lambda: label("Ada", "Dog", "not", note="a\0b"), "no database keeps"),
        (lambda: label("Ada", "Dog\udce9", "not"), "no database keeps"),
        (lambda: label("Ada", "D" * 801, "not"), "has 801 bytes"),
        (lambda: NewLabel("Ada", Item("class", "Dog", "/m/1"), "not"), "A class has no key"),
        (lambda: NewLabel("Ada", Item("frame", "Dog"), "not"), "has the key ''"),
        (lambda: NewLabel("Ada", Item("sound", "Dog", "x"), "not"), "audio_class, frame"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        wrong()


def test_the_longest_names_fit_into_every_database(store):
    longest = ["".join(chr(0x100 + (7 * n + 31 * k) % 400) for n in range(400)) for k in range(3)]
    store.add([NewLabel(longest[0], Item("frame", longest[1], longest[2]), "not")])
    assert store.current("frame")["key"].tolist() == [longest[2]]


def naive(history, kind: str, scope: str) -> dict[tuple[str, str, str], tuple[str, int]]:
    """What stands, by walking the events: the last of each that is not taken back."""
    undone = set(history["undoes"].dropna())
    found: dict[tuple[str, str, str], tuple[str, int]] = {}
    for row in history.itertuples():
        if row.kind == scope and row.item_kind == kind and row.event_id not in undone:
            who = row.annotator if scope == "label" else ""
            found[who, row.class_name, row.key] = (row.level, row.event_id)
    return {key: value for key, value in found.items() if value[0]}


def shown(frame, by_annotator: bool) -> dict[tuple[str, str, str], tuple[str, int]]:
    return {
        (row.annotator if by_annotator else "", row.class_name, row.key): (row.level, row.event_id)
        for row in frame.itertuples()
    }


def test_what_stands_is_what_the_events_say(store):
    """A long random walk of labels, marks, clearings, undos and decisions."""
    rng = np.random.default_rng(7)
    items = [
        *(Item("class", name) for name in "abc"),
        *(Item("audio_class", name, mid) for name in "ab" for mid in ("/m/1", "/m/2")),
    ]
    for _ in range(150):
        person, item = "PQR"[rng.integers(3)], items[rng.integers(len(items))]
        made = NewLabel(person, item, ("highly", "weakly", "not", "unsure", "")[rng.integers(5)])
        action = rng.integers(6)
        if action < 3:
            store.add([made, NewLabel(person, items[0], "not")][: 1 + action % 2])
        elif action < 4:
            store.adjudicate([made])
        else:
            store.undo(person)
    history = store.history()
    assert set(history["kind"]) == {"label", "undo", "adjudication"}
    assert history["undoes"].dropna().is_unique
    for kind in ("class", "audio_class"):
        assert shown(store.current(kind), True) == naive(history, kind, "label")
        assert shown(store.adjudicated(kind), False) == naive(history, kind, "adjudication")
    before = shown(store.current(), True)
    with store._database.writing() as connection:
        rebuild(connection)
    assert shown(store.current(), True) == before


def test_history_can_be_asked_for_a_class_or_a_person(store):
    store.add([label("Ada", "Dog", "not"), label("Bob", "Dog", "not"), label("Bob", "Cat", "not")])
    assert store.history("Dog")["event_id"].tolist() == [1, 2]
    assert store.history(annotator="Bob")["event_id"].tolist() == [2, 3]
    assert store.history("Dog", "Bob")["event_id"].tolist() == [2]
    with pytest.raises(UsageError, match="class, audio_class, frame"):
        store.current("sound")


def test_what_is_kept_is_there_after_closing(tmp_path, address):
    workspace = Workspace(tmp_path / "w")
    with LabelStore.open(workspace, address) as store:
        store.add([label("Ada", "Dog", "not")])
    with LabelStore.open(workspace, address) as store:
        assert standing(store) == [("Ada", "Dog", "not")]


def test_several_threads_may_use_one_store(store):
    def work(number: int) -> None:
        for name in "abcde":
            store.add([label(f"thread {number}", name, "not")])
            assert len(store.current(annotator=f"thread {number}")) >= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(store.current()) == 40
    assert store.history()["event_id"].tolist() == list(range(1, 41))


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"annotator": "Ada"},
        {"kind": "audio_class", "class_name": "Dog"},
        {"kind": "audio_class", "annotator": "Ada", "class_name": "Dog"},
    ],
)
def test_pages_ask_one_query_that_walks_no_table(tmp_path, which):
    """What a page costs must not grow with the history: every step is a search in an index."""
    with LabelStore.open(Workspace(tmp_path)) as store:
        for number in range(60):
            store.add([label(name, f"class {number}", "not") for name in ("Ada", "Bob")])
        asked: list[tuple[str, object]] = []
        engine = store._database._engine
        event.listen(
            engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3]))
        )
        store.current(**which)
        store.adjudicated()
        queries = [query for query in asked if not query[0].startswith("BEGIN")]
        assert len(queries) == 2
        with store._database.reading() as connection:
            for query, values in queries:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
                steps = [row[-1] for row in plan]
                assert steps
                assert all(step.startswith("SEARCH") and "USING" in step for step in steps), steps


def test_what_was_shown_joins_every_label_after_it(store, tmp_path, address):
    store.add([label("Ada", "Dog", "not")])
    store.look("Ada", ("suggestion", "others"), "Dog")
    with LabelStore.open(Workspace(tmp_path / "w"), address) as another:
        another.add([label("Ada", "Dog", "highly", hints=("others",)), label("Ada", "Cat", "not")])
        another.add([label("Bob", "Dog", "weakly"), NewLabel("Ada", _MARK, "weakly")])
        another.look("Ada", ("results",))
        another.look("Ada", ("results",))
    store.add([label("Ada", "Cat", "weakly"), label("Ada", "Dog", "weakly")])
    told = store.history()[["annotator", "class_name", "hints"]].to_numpy().tolist()
    assert told == [
        ["Ada", "Dog", ()],
        ["Ada", "Dog", ("others", "suggestion")],
        ["Ada", "Cat", ()],
        ["Bob", "Dog", ()],
        ["Ada", "Dog", ("others", "suggestion")],
        ["Ada", "Cat", ("results",)],
        ["Ada", "Dog", ("others", "results", "suggestion")],
    ]
    assert store.seen("Ada") == {"results"}
    assert store.seen("Bob", "Dog") == set()
    store.add_imported([label("Ada", "Dog", "unsure")])  # an import is as it was
    assert store.current(annotator="Ada")["hints"].tolist() == [("results",), ()]


_MARK = Item("audio_class", "Dog", "/m/0bt9lr")


def test_undo_asks_for_the_role_of_what_it_takes_back(store):
    store.adjudicate([label("Ada", "Dog", "not")])
    for roles in ((), ("label",)):
        with pytest.raises(UsageError, match="may adjudicate"):
            store.undo("Ada", roles)
    assert len(store.history()) == 1
    assert store.undo("Ada", ("adjudicate",)).undoes == 1
    store.add([label("Ada", "Dog", "not")])
    with pytest.raises(UsageError, match="may label"):
        store.undo("Ada", ("adjudicate",))
    assert store.undo("Ada").undoes == 3
