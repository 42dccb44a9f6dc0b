"""What a report is refused for, and what it says it cannot check."""

import json

import pandas as pd
import pytest

from cca_tools.errors import DataError
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.reports.study.build import ReportOptions, build_report
from cca_tools.reports.study.sections.classes import Sampling
from cca_tools.workspace import Provenance, provenance_path, sha256_of


def build(study, **options):
    """Return the page and what it lacks."""
    chosen = ReportOptions(sampling=Sampling(0), **options)
    built = build_report(study, chosen, "cca-tools report")
    return built.path.read_text(encoding="utf-8"), built.lacks


def write_run(study, name="baseline-none/all/seed0", **files):
    """Write a finished run as small as the report takes it."""
    folder = study.runs / name
    folder.mkdir(parents=True)
    metrics = {"top1": {"value": 0.5}}
    given = {
        "config.json": {"config": {"data": {"seed": 0}}},
        "evaluation.json": {"metrics": metrics, "sizes": {"videos": 4}},
        "metrics.jsonl": {"epoch": 1, "train_top1": 0.4},
    }
    for file, content in (given | files).items():
        (folder / file).write_text(json.dumps(content) + "\n")
    return folder


@pytest.mark.parametrize("text", ["{", "[1]", '{"inputs": [1]}', '{"parameters": null}'])
def test_a_damaged_sidecar_lets_nothing_pass(study, text):
    provenance_path(study.associations).write_text(text)
    with pytest.raises(DataError, match=r"associations.parquet.provenance.json is damaged"):
        build(study)


def test_an_artefact_that_was_edited_is_refused(study):
    Provenance("cca-tools associate", {}).write(study.associations)
    build(study)
    table = pd.read_parquet(study.associations)
    table.iloc[::-1].to_parquet(study.associations)
    with pytest.raises(DataError, match=r"associations.parquet was changed after it was made"):
        build(study)


def test_an_artefact_without_a_sidecar_is_named(study):
    provenance_path(study.associations).unlink()
    write_run(study)
    page, lacks = build(study)
    told = [line.split(":")[0] for line in lacks if "provenance.json" in line]
    assert told == [
        "associations.parquet has no associations.parquet.provenance.json",
        "runs/baseline-none/all/seed0/evaluation.json has no evaluation.json.provenance.json",
    ]
    assert told[0] in page


def test_inputs_that_are_gone_are_named(study):
    shard = study.root / "tags" / "other.parquet"
    shard.write_text("")
    Provenance("cca-tools associate", {}, [study.manifest, shard]).write(study.associations)
    assert not any("what is gone" in line for line in build(study)[1])
    shard.unlink()
    (line,) = (line for line in build(study)[1] if "what is gone" in line)
    assert line == f"associations.parquet was made from what is gone: {shard}."


def test_every_input_of_an_artefact_stands_in_the_page_with_its_run(study):
    inputs = []
    for seed in range(9):
        inputs.append(write_run(study, f"ccl-audio/all/seed{seed}") / "evaluation.json")
    Provenance("cca-tools associate", {"many": {"depth": 3}}, inputs).write(study.associations)
    page, _ = build(study)
    for path in inputs:
        assert f"{path.relative_to(study.root)} {sha256_of(path)[:12]}" in page
    assert "many.depth: 3" in page


@pytest.mark.parametrize(
    ("file", "told"),
    [("evaluation.json", "does not tell metrics"), ("config.json", "does not tell config"),
     ("metrics.jsonl", "cannot be read")],
)  # fmt: skip
def test_a_damaged_run_is_refused_by_name(study, file, told):
    write_run(study, **{file: {}})
    with pytest.raises(DataError, match=f"seed0/{file} {told}"):
        build(study)


def test_an_artefact_without_a_column_is_refused_by_name(study):
    pd.DataFrame({"class_name": ["RingingBell"]}).to_parquet(study.suggestions)
    with pytest.raises(DataError, match=r"suggestions.parquet has no column level"):
        build(study)


def test_curves_of_other_settings_are_not_averaged(study):
    write_run(study)
    other = {"config": {"data": {"seed": 0}, "optim": {"epochs": 2}}}
    write_run(study, "baseline-none/all/seed0-1234", **{"config.json": other})
    page, _ = build(study)
    assert "Curves of 2 methods" in page


def test_published_figures_of_table_c_stand_beside_runs_on_vggsound(study):
    about = {"config": {"data": {"seed": 0}}, "classes": [f"class {n}" for n in range(309)]}
    write_run(study, **{"config.json": about})
    assert "(published)" not in build(study)[0]
    sidecar = provenance_path(study.manifest)
    record = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(record | {"parameters": {"layout": "vggsound"}}))
    page, _ = build(study)
    row = page.split("ccl (published)</td>")[1].split("</tr>")[0]
    assert ">23.6<" in row
    assert ">60.2<" in row


def test_answers_of_another_database_are_not_said_to_be_of_the_workspace(study, tmp_path):
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    for database, level in ((None, "not"), (elsewhere, "highly")):
        with LabelStore.open(study, database) as store:
            store.add([NewLabel("Ada", Item("class", "RingingBell"), level)])
    page, _ = build(study, database=elsewhere)
    assert "another database" in page
    assert "labels.db" not in page
    assert "labels.db" in build(study)[0]


def test_suggestions_have_one_address_and_no_markup_in_latex(study):
    row = {"class_name": "<b>A & B</b>", "level": "not", "reasons": [], "p_not": 1.0}
    pd.DataFrame([row | {"p_weakly": 0.0, "p_highly": 0.0}]).to_parquet(study.suggestions)
    page, _ = build(study, latex=True)
    assert page.count('id="suggestions"') == 1
    latex = (study.tables / "report.tex").read_text(encoding="utf-8")
    row_of_it = r"\textless{}b\textgreater{}A \& B\textless{}/b\textgreater{} & not"
    assert row_of_it in latex
    assert "href" not in latex


def test_a_name_does_not_turn_the_direction_of_the_page(study):
    for path in (study.associations, study.associations.with_name("associations_classes.parquet")):
        frame = pd.read_parquet(path)
        frame["class_name"] = frame["class_name"].replace("RingingBell", "Ring\u202eing\x07")
        frame.to_parquet(path)
        Provenance("cca-tools associate", {}).write(path)
    page, _ = build(study)
    assert "Ringing</a>" in page
    assert "\u202e" not in page
    assert "\x07" not in page
