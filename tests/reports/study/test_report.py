"""The report as a user makes it: complete where things are there, plain about what is not."""

import json
import re

import pandas as pd
import pytest

from cca_tools.cli.main import main
from cca_tools.labels.events import NewLabel
from cca_tools.labels.items import Item
from cca_tools.labels.store import LabelStore
from cca_tools.reports.levels import read_levels
from cca_tools.workspace import Workspace, provenance_path, read_provenance, sha256_of


def make(study, *arguments):
    """Run the command; return its exit code and the page."""
    code = 0
    try:
        main(["report", "--workspace", str(study.root), *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    path = study.root / "report.html"
    return code, path.read_text(encoding="utf-8") if path.exists() else ""


def label_all(study, truth, annotators=("Ada", "Ben")):
    """Everyone gives the true level, but the last annotator errs on the first class."""
    levels = read_levels(str(truth))
    with LabelStore.open(study) as store:
        for name in annotators:
            given = dict(levels)
            if name == annotators[-1]:
                first = next(iter(given))
                given[first] = "not" if given[first] != "not" else "highly"
            store.add([NewLabel(name, Item("class", c), level) for c, level in given.items()])


def written_anew(artefact):
    """Let its sidecar say that the artefact was written as it is now."""
    sidecar = provenance_path(artefact)
    record = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(record | {"sha256": sha256_of(artefact)}))


def text_of(page):
    """The words of a page, tags and data addresses left out."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_without_labels_it_tells_the_sounds_and_what_is_lacking(study, capsys):
    code, page = make(study, "--samples", "1")
    assert code == 0
    pairs = pd.read_parquet(study.associations)
    text = text_of(page).replace("&#39;", "'")
    for name in pairs["class_name"].unique():
        assert name in text
    shown = capsys.readouterr()
    assert shown.out == f"wrote {study.root / 'report.html'}\n"
    for command in ("label", "suggest", "split", "ablate"):
        assert f"cca-tools {command}" in shown.err
    assert page.count("data:image/webp") == 15  # one spectrogram a class


def test_every_table_names_its_sources_with_their_hashes(study, truth):
    label_all(study, truth)
    _, page = make(study, "--samples", "0")
    assert sha256_of(study.associations)[:12] in page
    assert sha256_of(study.manifest)[:12] in page
    known = set(re.findall(r'id="([^"]+)"', page))
    linked = set(re.findall(r'href="#([^"]+)"', page))
    assert linked <= known
    tables = re.findall(r'<figure class="table" id="([^"]+)">(.*?)</figure>', page, re.DOTALL)
    assert len(tables) >= 5
    for name, content in tables:
        assert name == "artefacts" or "Source: " in content, name
    assert str(study.associations) in read_provenance(study.root / "report.html")["inputs"]


def test_levels_and_agreement_are_those_of_the_labels(study, truth):
    label_all(study, truth)
    _, page = make(study, "--samples", "0")
    text = text_of(page)
    assert "93% of pairs of answers are equal" in text  # 14 of 15 classes
    assert "Ada and Ben 15" in text
    row = re.search(r'<tr><th scope="row">weakly</th>(.*?)</tr>', page, re.DOTALL).group(1)
    assert ">5</td>" in row  # of fifteen classes
    assert "33.3" in row


def test_marked_audio_classes_are_red_and_green_and_said_in_words(study, truth):
    label_all(study, truth)
    top = pd.read_parquet(study.associations).query("class_name == 'RingingBell'")
    first, second = (top.sort_values("rank")[c].tolist()[:2] for c in ("mid", "tag"))
    with LabelStore.open(study) as store:
        store.add(
            [
                NewLabel("Ada", Item("audio_class", "RingingBell", first[0]), "highly"),
                NewLabel("Ada", Item("audio_class", "RingingBell", first[1]), "weakly"),
            ]
        )
    _, page = make(study, "--samples", "0", "--latex")
    assert f'<mark class="highly">{second[0]}<span class="unseen"> (highly related)' in page
    assert f'<mark class="weakly">{second[1]}<span class="unseen"> (weakly related)' in page
    latex = (study.tables / "report.tex").read_text(encoding="utf-8")
    assert rf"\textcolor{{red}}{{{second[0]}}}" in latex
    assert rf"\textcolor{{green!50!black}}{{{second[1]}}}" in latex


def test_names_with_markup_do_no_harm(study, truth, tmp_path):
    pairs = pd.read_parquet(study.associations)
    name = '<script>alert(1)</script>"&'
    for path in (study.associations, study.associations.with_name("associations_classes.parquet")):
        frame = pd.read_parquet(path)
        frame["class_name"] = frame["class_name"].replace("RingingBell", name)
        frame.to_parquet(path)
        written_anew(path)
    levels = tmp_path / "levels.csv"
    levels.write_text('class_name,level\n"<script>alert(1)</script>""&",highly\n')
    assert len(pairs)
    code, page = make(study, "--samples", "0", "--levels", str(levels), "--title", "<b>bold</b>")
    assert code == 0
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&amp;" in page
    assert "<title>&lt;b&gt;bold&lt;/b&gt;</title>" in page


def test_another_manifest_is_refused_by_name(study, capsys):
    frame = pd.read_parquet(study.manifest)
    frame.iloc[:-1].to_parquet(study.manifest)
    code, page = make(study)
    assert code == 2
    assert page == ""
    line = capsys.readouterr().err
    assert "associations.parquet was made from another manifest.parquet" in line
    assert "cca-tools associate" in line
    assert line.count("\n") == 1


def test_splits_of_older_labels_are_refused(study, truth, capsys):
    label_all(study, truth, annotators=("Ada",))
    with pytest.raises(SystemExit, match="0"):
        main(["split", "--workspace", str(study.root)])
    code, page = make(study, "--samples", "0")
    assert code == 0
    assert "weak_or_high" in page
    assert make(study, "--samples", "0")[0] == 0  # the report itself is no artefact of the study
    with LabelStore.open(study) as store:
        store.add([NewLabel("Ada", Item("class", "RingingBell"), "not")])
    capsys.readouterr()
    assert make(study, "--samples", "0")[0] == 2
    assert "splits.json was made of other labels" in capsys.readouterr().err


def test_another_label_space_is_refused_by_name(study, capsys):
    pd.DataFrame(
        {"class_name": ["RingingBell"], "level": ["highly"], "p_highly": [1.0],
         "p_weakly": [0.0], "p_not": [0.0], "reasons": [["it rings"]]}
    ).to_parquet(study.suggestions)  # fmt: skip
    sidecar = study.suggestions.with_name("suggestions.parquet.provenance.json")
    sidecar.write_text(json.dumps({"inputs": {}, "label_space": "f" * 64}))
    code, _ = make(study)
    assert code == 2
    assert "suggestions.parquet is of another label space" in capsys.readouterr().err


def test_a_workspace_that_was_moved_is_still_checked(study, tmp_path, capsys):
    moved = study.root.rename(tmp_path / "moved")
    assert make(Workspace(moved), "--samples", "0")[0] == 0
    frame = pd.read_parquet(moved / "manifest.parquet")
    frame.iloc[:-1].to_parquet(moved / "manifest.parquet")
    capsys.readouterr()
    assert make(Workspace(moved), "--samples", "0")[0] == 2


def test_without_a_manifest_it_says_what_to_do(tmp_path, capsys):
    assert make(Workspace(tmp_path))[0] == 2
    assert "cca-tools index" in capsys.readouterr().err


def test_only_a_manifest_is_a_report_too(study):
    study.associations.unlink()
    study.associations.with_name("associations_classes.parquet").unlink()
    code, page = make(study)
    assert code == 0
    assert "60 videos in 15 classes" in text_of(page)
    assert "cca-tools associate" in page


def test_videos_that_are_gone_are_said_to_be_gone(study, tmp_path):
    frame = pd.read_parquet(study.manifest)
    frame["root"] = str(tmp_path / "gone")
    frame.to_parquet(study.manifest)
    for path in study.root.rglob("*.provenance.json"):
        record = json.loads(path.read_text())
        record["inputs"] = {
            name: sha256_of(study.manifest) if name.endswith("manifest.parquet") else digest
            for name, digest in record["inputs"].items()
        }
        path.write_text(json.dumps(record))
    written_anew(study.manifest)
    code, page = make(study, "--samples", "1")
    assert code == 0
    assert text_of(page).count("Could not be read any more") == 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_from_disk_and_is_accessible(study, truth, browser, scheme):
    from axe_playwright_python.sync_playwright import Axe

    label_all(study, truth)
    make(study, "--samples", "1")
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": 400, "height": 800}
    )
    page = context.new_page()
    seen, said = [], []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto((study.root / "report.html").as_uri())
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert not [url for url in seen if not url.startswith(("file:", "data:"))]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    context.close()


def test_search_links_and_print_work(study, browser):
    make(study, "--samples", "0")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((study.root / "report.html").as_uri())
    rows = page.locator("#associations tbody tr:visible")
    assert rows.count() == 15
    page.get_by_label("Search: Video classes").fill("ringingbell")
    assert rows.count() == 1
    page.locator("#associations tbody a:visible").click()
    page.wait_for_selector("#class-RingingBell[open]")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 1
    page.close()
