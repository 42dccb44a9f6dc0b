import json

import pytest

from cca_tools.cli.main import main
from cca_tools.taggers.registry import tagger_names, tagger_spec


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Give a function from arguments to (exit code, standard output, standard error)."""
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CCA_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "40")

    def run_main(*argv):
        with pytest.raises(SystemExit) as end:
            main(argv)
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run_main


def test_the_table_has_every_tagger_on_one_line(run):
    code, out, err = run("taggers")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert len(lines) == 1 + len(tagger_names())
    assert lines[0].split() == [
        "tagger", "rate", "classes", "embedding", "weights", "size", "licence", "GFLOP/10", "s",
    ]  # fmt: skip
    for name, line in zip(tagger_names(), lines[1:], strict=True):
        spec = tagger_spec(name)
        cells = line.split()
        assert cells[0] == name
        assert cells[1:3] == [str(spec.sample_rate // 1000), "kHz"]
        assert cells[3:5] == [str(spec.num_classes), str(spec.embedding_dim)]
        assert cells[5] == ("bundled" if name == "yamnet" else "absent")
        assert spec.weights.licence in cells


def test_where_a_size_is_not_published_there_is_a_question_mark(run):
    _, out, _ = run("taggers")
    line = next(line for line in out.splitlines() if line.startswith("efficientat-mn40"))
    assert " ? " in line


def test_json(run, shared, monkeypatch):
    monkeypatch.setenv("CCA_WEIGHTS_DIR", str(shared / "models"))
    code, out, _ = run("taggers", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert tuple(rows) == tagger_names()
    mn04 = rows["efficientat-mn04"]
    assert mn04["weights"] == "folder"
    assert mn04["bytes"] == 4_066_513
    assert mn04["path"] == str(shared / "models" / "mn04_as_mAP_432.pt")
    assert rows["panns-cnn14"]["weights"] == "absent"
    assert rows["panns-cnn14"]["path"] is None
    assert rows["panns-cnn14"]["bytes"] == 327_428_481


def test_help_shows_an_example(run):
    code, out, _ = run("taggers", "--help")
    assert code == 0
    assert "cca-tools taggers" in out
