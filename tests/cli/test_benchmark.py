import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cca_tools.cli.main import main
from cca_tools.correspondence import sizes
from cca_tools.correspondence.generate import DataSettings
from cca_tools.splits import read_splits
from cca_tools.tagging.store import list_runs, read_tags
from cca_tools.workspace import Workspace, read_provenance, sha256_of

STRATA = ["highly_correlated", "weakly_correlated", "not_correlated"]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["benchmark", "correspondence", *arguments])
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    """The whole pipeline, once, at the least size: real videos, tags, labels and trainings."""
    with pytest.MonkeyPatch.context() as patch:
        least = replace(sizes.SIZES["smoke"], data=DataSettings(train=3, test=1))
        patch.setitem(sizes.SIZES, "smoke", least)
        root = tmp_path_factory.mktemp("benchmark") / "study"
        document = root.parent / "doc.md"
        document.write_text(
            "# Mine\n\n<!-- benchmark: accuracy -->\n<!-- end -->\n"
            "<!-- benchmark: picture -->\nNot yet.\n<!-- end -->\n"
        )
        assert run("--smoke", "-w", str(root), "--jobs", "2", "--docs", str(document)) == 0
    return Workspace(root)


def test_every_step_left_its_artefact(place: Workspace) -> None:
    assert len(pd.read_parquet(place.manifest)) == 21 * 4
    (tags,) = list_runs(place.tags)
    assert set(read_tags(place.tags, tags.name, ["status"])["status"]) == {"ok"}
    splits = read_splits(place.splits).splits
    assert [len(splits[name].classes) for name in STRATA] == [7, 7, 7]
    for path in (place.associations, place.suggestions, place.labels, place.root / "report.html"):
        assert path.exists(), path


def test_every_cell_was_trained(place: Workspace) -> None:
    record = json.loads((place.root / "benchmark.json").read_text())
    cells = {(row["stratum"], row["method"]) for row in record["rows"]}
    assert cells == {(stratum, method) for stratum in STRATA for method in ("baseline", "ccl")}
    assert {(pair["method"], pair["reference"]) for pair in record["pairs"]} == {
        ("ccl", "baseline")
    }
    assert record["about"]["sounds"] == "synthesised"
    provenance = read_provenance(place.root / "benchmark.json")
    assert str(place.splits) in provenance["inputs"]


def test_the_pictures_are_equal_so_the_baselines_are(place: Workspace) -> None:
    """What differs between strata is the sound alone, which the baseline never meets."""
    runs = place.runs / "baseline-none"
    frames = [
        pd.read_parquet(runs / stratum / "seed0" / "predictions.parquet").sort_values("video_id")
        for stratum in STRATA
    ]
    first, *others = ([list(probs) for probs in frame["probs"]] for frame in frames)
    for other in others:
        assert other == first


def test_the_document_is_filled_by_the_program(place: Workspace) -> None:
    text = (place.root.parent / "doc.md").read_text()
    assert "![each run](images/benchmark-accuracies.png)" in text
    assert (place.root.parent / "images" / "benchmark-accuracies.png").is_file()
    assert text.startswith("# Mine\n\n<!-- benchmark: accuracy -->\n| method | highly_correlated")
    assert "| ccl |" in text
    images = {path.name for path in (place.root.parent / "images").iterdir()}
    assert images == {f"benchmark-{what}.png" for what in ("scenes", "recovery", "accuracies")}


def test_nothing_is_done_twice(place: Workspace, monkeypatch, capsys) -> None:
    least = replace(sizes.SIZES["smoke"], data=DataSettings(train=3, test=1))
    monkeypatch.setitem(sizes.SIZES, "smoke", least)
    before = {path: path.stat().st_mtime_ns for path in place.runs.rglob("*.pt")}
    assert len(before) == 2 * 6
    assert run("--smoke", "-w", str(place.root), "--json") == 0
    assert before == {path: path.stat().st_mtime_ns for path in place.runs.rglob("*.pt")}
    out, err = capsys.readouterr()
    assert json.loads(out)["recovery"]["suggestions"]["classes"] == 21
    for step in ("generate", "index", "tag-audio", "associate", "suggest", "label", "split"):
        assert f"{step} ..." not in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--methods", "ccl"], "no baseline"),
        (["--methods", "baseline,magic"], "magic"),
        (["--sounds", "nowhere"], "nowhere"),
        (["--seed", "-1"], "makes no dataset"),
        (["--tagger", "ear"], "ear"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, capsys, arguments: list[str], says: str) -> None:
    place = str(tmp_path / "study")
    assert run("--smoke", "-w", place, *arguments) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_the_report_tells_the_figures_of_the_ablation(place: Workspace) -> None:
    page = (place.root / "report.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    (path,) = (path for path in (place.root / "ablation").glob("*.json") if "prov" not in path.name)
    for row in json.loads(path.read_text())["rows"]:
        accuracy = f"{100 * row['accuracy']:.1f}"
        assert f"{row['stratum']} 7 {row['method']} {row['seeds']} {accuracy}" in text
    for stratum in STRATA:
        run = place.runs / "ccl-audio" / stratum / "seed0"
        top1 = json.loads((run / "evaluation.json").read_text())["metrics"]["top1"]["value"]
        assert f"{stratum} ccl-audio 1 7 {100 * top1:.1f}" in text
        assert f'id="curves-{stratum}"' in page
    artefacts = page[page.index('id="artefacts"') :]
    for run in place.runs.glob("*/*/*/evaluation.json"):
        assert str(run.relative_to(place.root)) in artefacts
        assert sha256_of(run)[:12] in artefacts


def test_a_report_over_a_run_of_other_splits_is_refused(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Workspace(tmp_path / "study")
    shutil.copytree(place.root, other.root, ignore=shutil.ignore_patterns("frames", "videos"))
    (other.root / "report.html").unlink()
    record = json.loads(other.splits.read_text())
    record["levels_rule"] = "by hand"
    other.splits.write_text(json.dumps(record))
    with pytest.raises(SystemExit, match="2"):
        main(["report", "-w", str(other.root), "--samples", "0"])
    line = capsys.readouterr().err
    assert "evaluation.json was made from another splits.json" in line
    assert not (other.root / "report.html").exists()
