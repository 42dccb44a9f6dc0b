"""The published labels and VGGSounder's, as they come into a store and out as splits."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from cca_tools.errors import DataError, UsageError
from cca_tools.labels.importing import import_labels
from cca_tools.labels.store import LabelStore
from cca_tools.labels.study import LevelSource, split_study, study_levels
from cca_tools.labels.table_a import table_a
from cca_tools.labels.vggsounder import Thresholds, vggsounder_levels
from cca_tools.workspace import Workspace


def test_the_published_labels_give_the_published_splits_and_table(tmp_path, address):
    workspace = Workspace(tmp_path)
    with LabelStore.open(workspace, address) as store:
        done = import_labels(store, "published-ucf51")
        assert (done.read, done.new, done.classes) == (51, 51, 51)
        assert import_labels(store, "published-ucf51").new == 0
    study = study_levels(workspace, LevelSource(address))
    splits = split_study(workspace, study, tags=None, allow_incomplete=False).splits
    assert len(splits["weak_or_high"].classes) == 30
    assert len(splits["not_correlated"].classes) == 21
    table = table_a(study.levels)
    assert table["classes"].tolist() == [15, 15, 21]
    assert [f"{100 * share:.1f}" for share in table["share"]] == ["29.4", "29.4", "41.2"]


def test_the_published_levels_are_those_of_the_supplement(tmp_path, shared):
    with (shared / "paper" / "ucf51_tables_d_e_f.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with LabelStore.open(Workspace(tmp_path)) as store:
        import_labels(store, "published-ucf51")
        current = store.current()
    found = dict(zip(current["class_name"], current["level"], strict=True))
    assert found == {row["video_class"]: row["correlation"] for row in rows}


def test_vggsounder_gives_every_class_with_its_counts(tmp_path, shared):
    file = shared / "data" / "annotations" / "vggsounder+background-music.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        counts = Counter((row["label"], row["modality"]) for row in csv.DictReader(lines))
    names = {name for name, _ in counts}
    table = vggsounder_levels(file)
    assert len(table) == len(names) == 309
    for row in table.to_dict("records"):
        a, v, av = (counts[row["class_name"], modality] for modality in ("A", "V", "AV"))
        assert (row["a"], row["v"], row["av"], row["clips"]) == (a, v, av, a + v + av)
        share = av / (a + v + av)
        assert row["share_av"] == share
        assert row["share_a"] + row["share_v"] + row["share_av"] == pytest.approx(1)
        assert row["level"] == (
            "highly" if share >= 2 / 3 else "weakly" if share >= 1 / 3 else "not"
        )
    with LabelStore.open(Workspace(tmp_path)) as store:
        done = import_labels(store, str(file))
        assert (done.form, done.new, done.classes) == ("vggsounder", 309, 309)
        notes = store.current().set_index("class_name")["note"]
    assert notes["wind noise"] == (
        f"{sum(n for (name, _), n in counts.items() if name == 'wind noise')} clips: "
        f"A {counts['wind noise', 'A']}, V {counts['wind noise', 'V']}, "
        f"AV {counts['wind noise', 'AV']}; AV share 0.057 (highly from 0.667, weakly from 0.333)"
    )


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["video_id,label,modality", *rows]) + "\n", encoding="utf-8")
    return path


def test_thresholds_are_those_given_and_the_bounds_belong_above(tmp_path):
    rows = [f"v{n},half,{modality}" for n, modality in enumerate(("A", "AV"))]
    rows += [f"v{n},most,{modality}" for n, modality in enumerate(("V", "AV", "AV", "AV"))]
    rows += ["v1,never,V"]
    file = write(tmp_path / "v.csv", *rows)

    def levels(**thresholds: float) -> dict[str, str]:
        table = vggsounder_levels(file, Thresholds(**thresholds))
        return dict(zip(table["class_name"], table["level"], strict=True))

    assert levels() == {"half": "weakly", "most": "highly", "never": "not"}
    assert levels(highly_from=0.5) == {"half": "highly", "most": "highly", "never": "not"}
    assert levels(highly_from=0.75, weakly_from=0.5)["most"] == "highly"
    assert levels(highly_from=0.76, weakly_from=0.51) == {
        "half": "not", "most": "weakly", "never": "not",
    }  # fmt: skip
    assert levels(weakly_from=0.0)["never"] == "weakly"


@pytest.mark.parametrize("wrong", [(0.3, 0.5), (1.2, 0.5), (0.5, -0.1), (float("nan"), 0.1)])
def test_thresholds_that_make_no_sense(wrong):
    with pytest.raises(UsageError, match="the thresholds are"):
        Thresholds(*wrong)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["v1,dog,X"], "line 2: the modality is 'X'"),
        (["v1,dog,A", "v1,dog,AV"], "'dog' of v1 twice"),
        (["v1,,A"], "or an empty one"),
        ([], "has no labels"),
    ],
)
def test_a_file_that_is_not_vggsounders_says_so(tmp_path, rows, said):
    with pytest.raises(DataError, match=said):
        vggsounder_levels(write(tmp_path / "v.csv", *rows))


def test_a_class_that_is_called_na_is_a_class(tmp_path):
    file = write(tmp_path / "v.csv", "v1,NA,AV", "v2,null,A")
    assert vggsounder_levels(file)["class_name"].tolist() == ["NA", "null"]
