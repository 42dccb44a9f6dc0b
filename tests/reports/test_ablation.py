from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from cca_tools.errors import DataError
from cca_tools.reference.ucf51 import ucf51_levels
from cca_tools.reports.ablation import (
    AblationReport,
    ablation_path,
    ablation_table,
    class_gain_table,
    list_ablations,
    published_beside,
    read_ablation,
    seed_table,
    write_ablation,
    write_tables,
)
from cca_tools.reports.ablation_plots import (
    draw_accuracies,
    draw_differences,
    draw_evidence,
    draw_gains,
    write_pictures,
)
from cca_tools.workspace import Workspace

NAN = float("nan")
NOT = tuple(name for name, level in ucf51_levels().items() if level == "not")
MEASURES = {
    "seeds": 3, "classes": 21, "videos": 100, "groups": 20, "accuracy": 0.5, "accuracy_sd": 0.02,
    "accuracy_low": 0.4, "accuracy_high": 0.6, "top5": 0.8, "top5_sd": 0.01,
}  # fmt: skip
NO_COMPARISON = dict.fromkeys(
    ("paired_seeds", "difference", "runs_low", "runs_high", "p_runs", "p_runs_holm", "method_low",
     "method_high", "p_method", "p_method_holm", "detectable"), NAN,
)  # fmt: skip
COMPARED = {
    "paired_seeds": 3, "difference": 0.0412, "runs_low": 0.01, "runs_high": 0.07, "p_runs": 0.0001,
    "p_runs_holm": 0.0001, "method_low": -0.02, "method_high": 0.1, "p_method": 0.1234,
    "p_method_holm": 0.1234, "detectable": 0.08,
}  # fmt: skip


def report(split="not_correlated", name="within", **changes):
    place = {"split": split, "stratum": split}
    rows = [
        place | {"method": "baseline"} | MEASURES | NO_COMPARISON,
        place | {"method": "c|l_x", "accuracy": 0.5412} | {
            key: value for key, value in (MEASURES | COMPARED).items() if key != "accuracy"
        },
    ]  # fmt: skip
    seeds = [
        place | {"method": method, "seed": seed, "accuracy": 0.5 + seed / 100, "top5": 0.8,
                 "only_method": NAN, "only_baseline": NAN, "p_mcnemar": NAN}
        for method in ("baseline", "c|l_x") for seed in range(3)
    ]  # fmt: skip
    classes = [
        {"split": split, "method": "c|l_x", "class_name": cls, "level": level, "distilled": True,
         "audio_accuracy": n / 4, "videos": 5, "groups": 2, "seeds": 3, "baseline": 0.5,
         "accuracy": 0.6, "gain": n / 10, "gain_sd": 0.1, "gain_low": NAN, "gain_high": NAN}
        for n, (cls, level) in enumerate([("a_b", "not"), ("=c", "weakly"), ("d$", "unsure")])
    ]  # fmt: skip
    evidence = [
        {"split": split, "method": "c|l_x", "evidence": "audio_accuracy", "classes": 3,
         "rho": NAN, "rho_low": NAN, "rho_high": NAN, "p_value": NAN}
    ]  # fmt: skip
    frames = {"rows": rows, "seeds": seeds, "classes": classes, "evidence": evidence}
    given = {key: pd.DataFrame(value) for key, value in frames.items()} | changes
    return AblationReport({"name": name, "protocol": "within"}, **given)


def test_it_is_read_as_it_was_written(tmp_path):
    before = report(published={"not_correlated": {"ccl": 0.641}}, lacks=("this", "that"))
    path = ablation_path(Workspace(tmp_path), "within")
    write_ablation(before, path)
    assert "NaN" not in path.read_text()
    after = read_ablation(path)
    for name in ("rows", "seeds", "classes", "evidence"):
        pd.testing.assert_frame_equal(
            getattr(after, name), getattr(before, name), check_dtype=False
        )
    assert (after.about, after.published, after.lacks) == (
        before.about, before.published, before.lacks
    )  # fmt: skip
    (tmp_path / "ablation" / "within.json.provenance.json").write_text("{}")
    assert list_ablations(Workspace(tmp_path)) == [path]


@pytest.mark.parametrize("text", ["", "[]", '{"about": {}}', "not json"])
def test_what_is_no_ablation_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match="is no ablation"):
        read_ablation(path)


def test_table_b_is_in_percent_with_published_rows_below():
    table = ablation_table(report(published={"not_correlated": {"baseline": 0.61, "ccl": 0.641}}))
    assert table["Method"].tolist() == [
        "baseline", "c|l_x", "baseline (published)", "ccl (published)"
    ]  # fmt: skip
    ours, theirs = table.iloc[1], table.iloc[3]
    assert ours["Top-1 (sd over seeds)"] == "54.1 (2.0)"
    assert ours["Difference to baseline"] == "+4.1"
    assert ours["95 % interval, these runs"] == "+1.0 to +7.0"
    assert ours["95 % interval, any seed"] == "-2.0 to +10.0"
    assert (ours["p, these runs"], ours["p, any seed"]) == ("< 0.001", "0.123")
    assert (ours["Detectable"], table.iloc[0]["Detectable"]) == ("8.0", "-")
    assert table.iloc[0]["p, any seed"] == "-"
    assert theirs["Top-1 (sd over seeds)"] == "64.1"
    assert theirs["Classes"] == "21"
    assert theirs["Difference to baseline"] == "-"


def test_published_figures_stand_only_where_the_classes_are_theirs():
    weak_or_high = tuple(name for name, level in ucf51_levels().items() if level != "not")
    found = published_beside({"mine": NOT, "x": weak_or_high, "other": NOT[:-1]})
    assert found == {
        "mine": {"baseline": 0.61, "crd": 0.615, "ccl": 0.641},
        "x": {"baseline": 0.553, "crd": 0.596, "ccl": 0.655},
    }
    assert (len(NOT), len(weak_or_high)) == (21, 30)


def test_tables_are_harmless_in_each_format(tmp_path):
    paths = {path.name: path for path in write_tables(report(), tmp_path)}
    suffixes = [".csv", ".md", ".tex", "-seeds.csv", "-seeds.md"]
    suffixes += ["-classes.csv", "-classes.md", "-classes.tex"]
    assert set(paths) == {f"ablation-within{suffix}" for suffix in suffixes}
    assert r"c\|l_x" in paths["ablation-within.md"].read_text()
    latex = paths["ablation-within-classes.tex"].read_text()
    assert r"a\_b" in latex
    assert r"d\$" in latex
    assert "'=c" in paths["ablation-within-classes.csv"].read_text()
    numbers = pd.read_csv(paths["ablation-within.csv"])
    assert numbers["accuracy"].tolist() == [0.5, 0.5412]
    assert math.isnan(numbers["difference"][0])


def test_every_run_stands_beside_the_baselines_of_its_seed():
    seeds = report().seeds
    seeds.loc[4, ["only_method", "only_baseline", "p_mcnemar"]] = [7, 1, 0.0703125]
    table = seed_table(report(seeds=seeds))
    assert table.iloc[4].tolist()[2:] == ["c|l_x", "1", "51.0", "80.0", "7", "1", "0.070"]
    assert table.iloc[0].tolist()[-3:] == ["-", "-", "-"]


def test_gains_of_classes_are_in_percent():
    table = class_gain_table(report())
    assert table["Gain"].tolist() == ["+0.0", "+10.0", "+20.0"]
    assert table["Audio alone"].tolist() == ["0.0", "25.0", "50.0"]
    assert table["95 % interval, these runs"].tolist() == ["-"] * 3


def dots(figure):
    return np.concatenate(
        [
            part.get_offsets()
            for axes in figure.axes
            for part in axes.collections
            if isinstance(part, PathCollection)
        ]
    )


def test_the_picture_of_accuracies_shows_each_seed_and_what_was_published():
    figure = draw_accuracies(report(published={"not_correlated": {"baseline": 0.61}}))
    heights = sorted(float(y) for y in dots(figure)[:, 1])
    assert [y for y in (50, 51, 52) if heights.count(y) == 2] == [50, 51, 52]
    assert any(abs(y - 61) < 1e-9 for y in heights)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["baseline", "c|l_x"]


def test_the_picture_of_differences_shows_both_intervals():
    figure = draw_differences(report())
    ends = sorted(
        float(x) for part in figure.axes[0].collections if hasattr(part, "get_segments")
        for segment in part.get_segments() for x, _ in segment
    )  # fmt: skip
    assert ends == pytest.approx([-2, 1, 7, 10])


def test_the_pictures_of_gains_and_evidence_show_every_class():
    gains = dots(draw_gains(report()))
    assert sorted(gains[:, 0]) == pytest.approx([0, 10, 20])
    evidence = dots(draw_evidence(report()))
    assert {(round(float(x), 6), round(float(y), 6)) for x, y in evidence} == {
        (0, 0), (25, 10), (50, 20)
    }  # fmt: skip


def test_without_audio_accuracy_levels_are_drawn():
    gains = report().classes.assign(audio_accuracy=NAN)
    figure = draw_evidence(report(classes=gains))
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["not", "weakly", "highly"]
    assert draw_evidence(report(classes=gains.assign(level=""))) is None


def test_an_ablation_without_runs_or_comparisons_draws_what_it_has(tmp_path):
    empty = report(rows=pd.DataFrame(columns=report().rows.columns),
                   classes=pd.DataFrame(columns=report().classes.columns))  # fmt: skip
    assert write_pictures(empty, tmp_path) == []
    alone = report(rows=report().rows.head(1), seeds=report().seeds.head(3), classes=empty.classes)
    stems = {path.stem for path in write_pictures(alone, tmp_path)}
    assert stems == {"ablation-within-accuracies"}
    assert write_tables(empty, tmp_path)[0].is_file()


def test_pictures_of_before_do_not_stay(tmp_path):
    write_pictures(report(), tmp_path)
    assert (tmp_path / "ablation-within-gains.png").is_file()
    write_pictures(report(classes=pd.DataFrame(columns=report().classes.columns)), tmp_path)
    assert not (tmp_path / "ablation-within-gains.png").exists()
    assert (tmp_path / "ablation-within-accuracies.png").is_file()


def test_of_many_classes_the_extremes_are_drawn():
    one = report().classes.iloc[0].to_dict()
    many = pd.DataFrame([one | {"class_name": f"k{n:03}", "gain": n / 1000} for n in range(200)])
    shown = dots(draw_gains(report(classes=many)))[:, 0]
    assert len(shown) == 60
    assert sorted(shown) == pytest.approx([n / 10 for n in [*range(30), *range(170, 200)]])


def test_the_json_is_plain(tmp_path):
    path = tmp_path / "a.json"
    write_ablation(report(), path)
    row = json.loads(path.read_text())["rows"][0]
    assert row["difference"] is None
    assert row["seeds"] == 3


def test_an_ablation_without_a_finished_run_is_read_and_told(tmp_path):
    empty = report(**{name: pd.DataFrame() for name in ("rows", "seeds", "classes", "evidence")})
    write_ablation(empty, path := tmp_path / "a.json")
    after = read_ablation(path)
    tables = (ablation_table(after), seed_table(after), class_gain_table(after))
    assert [len(table) for table in tables] == [0, 0, 0]
    assert draw_accuracies(after) is None
    assert draw_gains(after) is None


def test_an_ablation_that_lacks_a_column_is_refused_by_name(tmp_path):
    write_ablation(report(), path := tmp_path / "a.json")
    record = json.loads(path.read_text())
    for row in record["rows"]:
        del row["p_runs"]
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"a.json is no ablation: .*without p_runs"):
        read_ablation(path)
