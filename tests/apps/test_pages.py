"""The pages' logic, without a browser: what is saved, what is kept, what is shown to whom."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from label_pages import answer, button, draw, levels, shown, text_of
from labelling import CLASSES, HOSTILE
from privileges import obey_permissions
from streamlit.testing.v1 import AppTest

from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.schema import HEAD
from cca_tools.labels.store import LabelStore


def test_a_name_is_asked_for_and_kept(page, store):
    test = page(annotator=None)
    test.text_input(key="who_name").input("  Ann \n Lee ")
    next(one for one in test.button if one.label == "Begin").click().run()
    assert test.session_state["annotator"] == "Ann Lee"
    assert test.query_params["annotator"] in ("Ann Lee", ["Ann Lee"])
    assert shown(test) == store.order("Ann Lee", CLASSES)[0]


def test_labels_follow_the_recorded_order_and_resume(page, store):
    order = store.order("Ann", CLASSES)
    test = page()
    assert shown(test) == order[0]
    answer(test, "highly")
    assert shown(test) == order[1]
    answer(test, "unsure")
    assert levels(store) == {order[0]: "highly", order[1]: "unsure"}
    assert store.current("class")["position"].tolist() == [
        order.index(name) for name in sorted(order[:2])
    ]
    assert shown(page()) == order[2]


def test_what_is_counted_is_told_and_silent_ones_are_not_shown(page, store, here):
    test = page()
    while shown(test) != "Bell":
        button(test, "next").click().run()
    facts = next(one.body for one in test.html if "cca-facts" in one.body)
    assert "6 videos from 4 recordings: 4 heard" in facts
    assert "1 silent" in facts
    assert "1 that cannot be read" in facts
    samples = test.session_state["page"].study.samples("Bell")
    assert len(samples.samples) == 2
    assert {one.video_id[:2] for one in samples.samples} == {"c0"}


def test_marks_go_round_and_are_saved_at_once(page, store):
    test = page()
    name = shown(test)
    for expected in (["highly"], ["weakly"], [], ["highly"]):
        button(test, "mark_").click().run()
        assert not test.error
        assert store.current("audio_class")["level"].tolist() == expected
    assert store.current("audio_class")["class_name"].tolist() == [name]


def test_a_second_tab_of_ones_own_is_not_overwritten(page, store):
    test = page()
    name = shown(test)
    store.add([NewLabel("Ann", Item("class", name), "not", note="from another tab")])
    answer(test, "highly")
    assert levels(store) == {name: "not"}
    assert shown(test) == name
    assert "Not saved" in test.error[0].value
    assert "'Ann' said not" in test.error[0].value.replace("\\", "")
    assert button(test, "level_highly_on").key  # the answer stays on the screen
    button(test, "over_").click().run()
    assert levels(store) == {name: "highly"}
    assert store.history()["level"].tolist() == ["not", "highly"]


def test_what_stands_can_be_kept(page, store):
    test = page()
    name = shown(test)
    store.add([NewLabel("Ann", Item("class", name), "not")])
    answer(test, "highly")
    button(test, "keep_").click().run()
    assert levels(store) == {name: "not"}
    assert not test.error


def test_anothers_label_that_arrives_meanwhile_stands_beside(page, store):
    test = page()
    name = shown(test)
    store.add([NewLabel("Bob", Item("class", name), "not")])
    answer(test, "highly")
    assert levels(store) == {name: "highly"}
    assert levels(store, "Bob") == {name: "not"}


def test_a_locked_database_loses_no_answer(page, store, here):
    test = page()
    name = shown(test)
    test.text_area(key=f"note_{name}").input("listen to the second").run()
    with closing(sqlite3.connect(here.labels, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer(test, "weakly")
        assert "is locked by another program" in test.error[0].value
        assert shown(test) == name
        assert button(test, "level_weakly_on").key
        other.execute("ROLLBACK")
    button(test, "again_").click().run()
    assert not test.error
    frame = store.current("class")
    assert frame[["level", "note"]].values.tolist() == [["weakly", "listen to the second"]]


def test_a_database_that_is_gone_loses_no_answer(page, store, here, tmp_path):
    test = page()
    name = shown(test)
    here.labels.rename(tmp_path / "elsewhere.db")
    answer(test, "weakly")
    told = [one.value for one in test.error]
    assert all("is gone" in one and "\n" not in one for one in told)
    assert any("Not saved" in one for one in told)
    (tmp_path / "elsewhere.db").rename(here.labels)
    button(test, "again_").click().run()
    assert levels(store) == {name: "weakly"}


def test_a_database_of_a_newer_version_loses_no_answer(page, store, here):
    test = page()
    name = shown(test)
    with closing(sqlite3.connect(here.labels)) as other, other:
        other.execute("UPDATE label_store_version SET version_num = '9999'")
    answer(test, "weakly")
    assert "newer than" in test.error[0].value
    with closing(sqlite3.connect(here.labels)) as other, other:
        other.execute(f"UPDATE label_store_version SET version_num = '{HEAD}'")
    button(test, "again_").click().run()
    assert levels(store) == {name: "weakly"}


def test_a_database_that_is_read_only_loses_no_answer(here, store):
    """As root everything may be written: the page is run by somebody who obeys permissions."""
    store.add([NewLabel("Bob", Item("class", "Bell"), "not")])
    store.order("Bob", CLASSES)
    store.close()
    with closing(sqlite3.connect(here.labels)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    here.labels.chmod(0o444)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from apps_test_page import press_in_a_read_only_place as press\n"
        "print(press())\n"
    )
    helper = Path(__file__).with_name("apps_test_page.py")
    done = subprocess.run(
        [sys.executable, "-c", code, str(helper.parent), str(helper.parents[2])],
        preexec_fn=obey_permissions, capture_output=True, text=True, check=False,
    )  # fmt: skip
    here.labels.chmod(0o644)
    assert "read-only for you" in done.stdout.replace("\\", ""), done.stdout + done.stderr
    assert "Not saved" in done.stdout
    with LabelStore.open(here) as again:
        assert len(again.history()) == 1


def test_what_was_shown_is_recorded_with_every_label(page, store):
    test = page()
    store.add([NewLabel("Bob", Item("class", shown(test)), "not", note="a drum machine")])
    first = shown(test)
    assert "a drum machine" not in text_of(test)
    test.toggle(key="hints").set_value(True).run()
    assert "a drum machine" in text_of(test)
    test.toggle(key="hints").set_value(False).run()
    answer(test, "highly")
    answer(test, "highly")
    frame = store.current("class", annotator="Ann").set_index("class_name")["hints"]
    assert tuple(frame[first]) == ("others", "suggestion")
    assert [tuple(hints) for name, hints in frame.items() if name != first] == [()]


def test_results_are_shown_to_the_blind_only_if_they_ask(page, store):
    first = store.order("Ann", CLASSES)[0]
    store.add([NewLabel("Bob", Item("class", first), "not", note="a drum machine")])
    test = page(name="adjudicate")
    assert "a drum machine" not in text_of(test)
    button(test, "show_results").click().run()
    labelling = answer(page(), "highly")
    assert tuple(store.current("class", annotator="Ann")["hints"].iloc[0]) == ("results",)
    assert shown(labelling) != first


def test_undo_takes_back_and_goes_there(page, store):
    test = page()
    first = shown(test)
    answer(test, "highly")
    button(test, "undo").click().run()
    assert shown(test) == first
    assert levels(store) == {}
    button(test, "undo").click().run()
    assert "nothing to take back" in test.warning[0].value


def test_only_listed_people_may_label_and_adjudicate(page, store):
    store.list_person("Bob", "label", "adjudicate")
    test = page()
    assert all(one.disabled for one in test.button if (one.key or "").startswith("level_"))
    assert "not listed" in test.warning[0].value
    assert not any(one.disabled for one in page("Bob").button if one.key.startswith("level_"))
    first = store.order("Bob", CLASSES)[0]
    store.list_person("Cy", "label")
    for name, level in (("Bob", "not"), ("Cy", "highly")):
        store.add([NewLabel(name, Item("class", first), level)])
    decide = page("Ann", "adjudicate")
    assert not [one for one in decide.button if (one.key or "").startswith("level_")]
    assert any("not listed" in one.value for one in decide.info)


def test_two_adjudicators_do_not_overwrite_each_other(page, store):
    for name, level in (("Bob", "not"), ("Cy", "highly")):
        store.add([NewLabel(name, Item("class", "Bell"), level)])
    for name in CLASSES[1:]:
        store.add([NewLabel("Ann", Item("class", name), "not")])
    store.add([NewLabel("Ann", Item("class", "Bell"), "not")])
    test = page("Ann", "adjudicate")
    store.adjudicate([NewLabel("Dee", Item("class", "Bell"), "weakly")])
    button(test, "level_not").click().run()
    assert "'Dee' said weakly" in test.error[0].value.replace("\\", "")
    assert store.adjudicated()["level"].tolist() == ["weakly"]


def test_agreement_says_what_is_not_defined(page, store):
    for name in CLASSES:
        store.add([NewLabel("Ann", Item("class", name), "not")])
    test = page(name="agreement")
    assert [one.value for one in test.metric] == ["–", "–", "0"]
    assert any("needs two annotators" in one.value for one in test.caption)


def test_the_overview_counts_every_class(page, store):
    test = page(name="overview")
    button(test, "show_results").click().run()
    store.add([NewLabel("Ann", Item("class", "Bell"), "highly")])
    test.run()
    table = next(one.body for one in test.html if "correlation" in one.body)
    assert "33.3%" in table
    assert "66.7%" in table  # open


def test_nothing_but_the_manifest_is_shown(page, here, store):
    test = page()
    test.session_state["class_name"] = "../../etc/passwd"
    test.run()
    assert shown(test) in CLASSES
    study = test.session_state["page"].study
    assert study.samples("../../etc/passwd").samples == ()
    assert study.samples("x' OR 1=1 --").samples == ()


def test_a_missing_manifest_is_told_in_a_line(here, monkeypatch, tmp_path):
    monkeypatch.setenv("CCA_LABEL_WORKSPACE", str(tmp_path / "nowhere"))
    test = AppTest.from_function(draw, args=("label",), default_timeout=60).run()
    assert not test.exception
    assert "cca\\-tools index" in test.error[0].value


def test_names_of_all_kinds_are_text(hostile, here, monkeypatch):
    monkeypatch.setenv("CCA_LABEL_WORKSPACE", str(hostile.root))
    with LabelStore.open(hostile) as store:
        evil = "<script>alert(1)</script> $x$ :red[r]"
        for who, level in ((evil, "not"), ("=cmd", "highly")):
            for name in ("Bell", HOSTILE):
                store.add([NewLabel(who, Item("class", name), level, note=HOSTILE)])
        store.list_person("x")
        for name in ("label", "agreement", "adjudicate", "overview"):
            test = AppTest.from_function(draw, args=(name,), default_timeout=60)
            test.query_params["annotator"] = evil
            test.run()
            assert not test.exception
            for element in test.html:
                assert "<script" not in element.body
                assert "<img src=x" not in element.body
            for element in test.markdown:
                assert ":red[r]" not in element.value
