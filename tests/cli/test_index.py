"""The command ``cca-tools index``: exit codes, what is shown, what is written."""

from __future__ import annotations

import json
import subprocess
import sys
import wave

import pytest

from cca_tools.cli.main import main
from cca_tools.datasets.manifest import read_manifest
from cca_tools.datasets.registry import LAYOUTS


def write_wav(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\1" * 800)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own; return exit code, output and error output."""
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["index", *map(str, arguments)])
        return ended.value.code, *capsys.readouterr()

    return run_it


def test_a_good_folder(run, tmp_path):
    for name in ("dog/a", "dog/b", "cat/c"):
        write_wav(tmp_path / f"VIDEOS/{name}.wav")
    code, output, errors = run("VIDEOS")
    assert code == 0
    facts = dict(line.rsplit(None, 1) for line in output.splitlines()[:-1])
    assert facts["videos"] == "3"
    assert facts["classes"] == "2"
    assert facts["with audio"] == "3"
    assert facts["in no split"] == "3"
    assert output.splitlines()[-1] == "wrote outputs/manifest.parquet"
    assert errors == ""  # no bar where nobody watches
    assert len(read_manifest(tmp_path / "outputs/manifest.parquet")) == 3


def test_failures_are_counted_named_and_end_with_1(run, tmp_path):
    write_wav(tmp_path / "VIDEOS/dog/a.wav")
    for number in range(5):
        (tmp_path / f"VIDEOS/dog/bad{number}.mp4").touch()
    code, output, errors = run("VIDEOS", "--workspace", "study")
    assert code == 1
    assert "decode_error: 5 (cannot be read as audio or video)" in output
    assert "  dog/bad0.mp4: the file is empty (0 bytes)" in output
    assert "  and 2 more" in output
    assert "5 failed; every problem stands in study/index-report.csv" in errors
    assert len((tmp_path / "study/index-report.csv").read_text().splitlines()) == 6


def test_names_cannot_play_with_the_terminal(run, tmp_path):
    write_wav(tmp_path / "VIDEOS/dog/a.wav")
    (tmp_path / "VIDEOS/dog/\x1b[31m[bold]x.mp4").touch()
    _, output, _ = run("VIDEOS")
    assert "\x1b[31m" not in output
    assert r"'dog/\x1b[31m[bold]x.mp4'" in output


def test_json_is_all_that_is_printed(run, tmp_path):
    write_wav(tmp_path / "VIDEOS/dog/a.wav")
    (tmp_path / "VIDEOS/dog/bad.mp4").touch()
    code, output, errors = run("VIDEOS", "--json")
    report = json.loads(output)
    assert (code, errors) == (1, "")
    assert report["manifest"] == "outputs/manifest.parquet"
    assert (report["videos"], report["failures"]) == (2, 1)
    assert report["problems"]["decode_error"]["first"] == [
        "dog/bad.mp4: the file is empty (0 bytes)"
    ]


def test_indexing_again_tells_what_was_replaced(run, tmp_path):
    write_wav(tmp_path / "VIDEOS/dog/a.wav")
    run("VIDEOS")
    code, _, errors = run("VIDEOS")
    assert code == 0
    assert "replaced a manifest of 1 videos from 20" in errors


def test_a_table_with_columns_and_missing_files(run, tmp_path):
    write_wav(tmp_path / "VIDEOS/a.wav")
    (tmp_path / "t.csv").write_text("file,label\na.wav,dog\ngone.wav,dog\n")
    options = ["VIDEOS", "--layout", "table", "--splits", "t.csv"]
    mapping = ["--columns", "path=file, class_name=label"]
    code, output, _ = run(*options, *mapping)
    assert code == 1
    assert "missing_file: 1 (listed, but not on disk)" in output
    code, output, _ = run(*options, *mapping, "--on-missing", "skip")
    assert code == 0
    assert "missing_skipped: 1" in output
    assert list(read_manifest(tmp_path / "outputs/manifest.parquet")["class_name"]) == ["dog"]


def test_real_ucf101(run, shared, tmp_path):
    code, output, _ = run(
        shared / "data/clips/ucf101",
        "--layout=ucf101",
        f"--splits={shared / 'data/ucf51/ucfTrainTestlist'}",
        "--split=1",
        "--subset=ucf51",
        "--on-missing=skip",
        "--json",
    )
    report = json.loads(output)
    assert code == 0
    assert (report["videos"], report["with_audio"], report["splits"]) == (1, 1, {"test": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "cca-tools: the folder nowhere is not there. --layout folder needs a folder"),
        (["."], "cca-tools: no video was found in ."),
        ([".", "--layout", "ucf"], "Invalid value for '--layout': 'ucf' is not one of"),
        ([".", "--columns", "path"], "'path' is not of the form path=file,class_name=label"),
        ([".", "--splits", "x"], "cca-tools: --layout folder reads no --splits"),
        ([".", "--timeout", "0"], "Invalid value for '--timeout'"),
        ([".", "--layout", "vggsound"], "there is no vggsound.csv in ."),
        ([], "Missing argument 'ROOT'"),
    ],
)
def test_wrong_use_ends_with_2_and_one_clear_line(run, arguments, message):
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert message in errors
    assert "Traceback" not in errors


def test_help_shows_examples(run):
    code, output, _ = run("--help")
    assert code == 0
    lines = output.splitlines()
    assert "  cca-tools index VIDEOS" in "\n".join(lines)
    assert all(any(line.split()[:1] == [name] for line in lines) for name in LAYOUTS)
    assert "\\b" not in output


def test_it_loads_no_torch():
    code = (
        "import sys, cca_tools.cli.index\n"
        "print([name for name in ('torch', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
