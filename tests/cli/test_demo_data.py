import pytest
from click.testing import CliRunner

from cca_tools.cli.demo_data import demo_data_command
from cca_tools.cli.main import main
from cca_tools.demo import generate, plan
from cca_tools.demo.classes import CLASSES


@pytest.fixture
def one_class(monkeypatch):
    few = {"TickingClock": CLASSES["TickingClock"]}
    monkeypatch.setattr(plan, "CLASSES", few)
    monkeypatch.setattr(generate, "CLASSES", few)


def test_it_says_what_it_made_and_what_comes_next(one_class, tmp_path):
    out = tmp_path / "my demo"
    result = CliRunner().invoke(demo_data_command, [str(out), "--videos-per-class", "4"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"4 videos of 1 classes in {out}")
    assert f"cca-tools index '{out}/videos.csv' --layout table" in result.stderr
    assert "making clips" in result.stderr
    assert len(list(out.rglob("*.mp4"))) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--videos-per-class", "3"], "at least 4 videos a class"),
        (["--seed", "-1"], "a seed from 0"),
    ],
)
def test_numbers_out_of_range_end_in_one_line_and_code_2(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        main(["demo-data", str(tmp_path / "out"), *arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_with_other_things_is_refused(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit) as end:
        main(["demo-data", str(tmp_path)])
    assert end.value.code == 2
    assert "--force" in capsys.readouterr().err


def test_help_has_an_example():
    result = CliRunner().invoke(demo_data_command, ["--help"])
    assert result.exit_code == 0
    assert "cca-tools demo-data demo" in result.output
