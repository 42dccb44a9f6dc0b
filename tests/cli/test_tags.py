"""``cca-tools tags``: show, failures, list."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from makers import Track, tone, write_media
from tagging.conftest import Study, manifest_of
from tagging.fakes import load_fake

from cca_tools.cli.main import app
from cca_tools.datasets.manifest import write_manifest
from cca_tools.workspace import Workspace


@pytest.fixture
def study(tmp_path):
    """Three videos: a tone that changes, silence, and a file that is broken."""
    folder = tmp_path / "clips" / "beep"
    folder.mkdir(parents=True)
    sound = np.concatenate([tone(4, 16_000, hz=300), tone(2, 16_000, hz=1200)])
    write_media(folder / "two tones.wav", Track(sound, 16_000))
    write_media(folder / "zeros.wav", Track(np.zeros(8000, np.float32), 16_000))
    (folder / "bro[ken\n.mp4").write_bytes(b"nothing")
    workspace = Workspace(tmp_path / "out")
    write_manifest(manifest_of(sorted(folder.iterdir()), folder.parent), workspace.manifest)
    return Study(workspace)


@pytest.fixture
def tags(study, monkeypatch):
    """Give a function that runs ``cca-tools tags`` in the study's workspace."""
    monkeypatch.setattr("cca_tools.taggers.registry.load_tagger", load_fake)

    def invoke(word, *arguments):
        argv = ["tags", word, "-w", str(study.workspace.root), *map(str, arguments)]
        return CliRunner().invoke(app, argv, standalone_mode=False)

    return invoke


def lines_of(done):
    assert done.exception is None, done.exception
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_show_prints_a_table(study, tags):
    study.tag()
    lines = lines_of(tags("show", "two tones.wav"))
    assert lines[0] == ("beep/two tones: beep, ok, 6.00 s, peak -6.0 dBFS, rms -9.0 dBFS")
    assert lines[1].split() == ["rank", "audio", "class", "score", "mid"]
    assert lines[2].split()[:5] == ["1", "250", "to", "350", "Hz"]
    assert lines[3].split()[:5] == ["2", "1000", "to", "1500", "Hz"]
    assert len(lines) == 7


def test_show_as_json(study, tags):
    summary = study.tag()
    shown = json.loads(tags("show", "beep/two tones", "--json").stdout)
    assert shown["video_id"] == "beep/two tones"
    assert (shown["status"], shown["seconds"], shown["run"]) == ("ok", 6.0, summary.run.name)
    assert shown["peak_dbfs"] == pytest.approx(-6.02, abs=0.01)
    assert [tag["name"] for tag in shown["tags"]][:2] == ["250 to 350 Hz", "1000 to 1500 Hz"]
    assert shown["tags"][0]["score"] == pytest.approx(4 / 6, abs=0.01)


def test_show_of_what_could_not_be_scored(study, tags):
    study.tag()
    assert lines_of(tags("show", "zeros")) == [
        "beep/zeros: beep, silent, 0.50 s, peak -120.0 dBFS, rms -120.0 dBFS",
        "all below -60 dBFS",
    ]
    lines = lines_of(tags("show", "ken"))
    assert len(lines) == 2
    assert "decode_error, 0.00 s" in lines[0]
    shown = json.loads(tags("show", "ken", "--json").stdout)
    assert (shown["peak_dbfs"], shown["tags"]) == (None, [])


def test_show_writes_a_timeline(study, tags, tmp_path):
    study.tag()
    picture = tmp_path / "pictures" / "tones.png"
    done = tags("show", "two tones", "--timeline", picture)
    assert lines_of(done)[-1] == f"timeline: {picture}"
    assert picture.read_bytes().startswith(b"\x89PNG")
    done = tags("show", "two tones", "--json", "--timeline", picture)
    json.loads(done.stdout)
    assert f"timeline: {picture}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["two tones", "--timeline", "x.mp9"], "x.mp9 is no name of a picture"),
        (["zeros.wav", "--tags", "nothing"], "no tags are called 'nothing'"),
        (["unheard of"], "no video 'unheard of' in "),
        (["e"], "videos are called 'e'. Such as "),
    ],
)
def test_show_of_what_is_not_there(study, tags, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study.tag()
    done = tags("show", *arguments)
    assert done.exception.exit_code == 2
    assert words in str(done.exception)
    assert not (tmp_path / "x.mp9").exists()


def test_failures_and_their_exit_code(study, tags):
    study.tag()
    done = tags("failures")
    assert done.return_value == 1
    header, row = lines_of(done)
    assert header.split() == ["video", "status", "detail", "path"]
    assert "decode_error" in row
    assert "bro[ken\\n" in row
    (failed,) = json.loads(tags("failures", "--json").stdout)
    assert failed == {
        "video_id": "beep/bro[ken\n", "status": "decode_error", "path": "beep/bro[ken\n.mp4",
        "detail": "Invalid data found when processing input",
    }  # fmt: skip


def test_no_failures(study, tags):
    manifest = study.manifest
    write_manifest(manifest[manifest["path"].str.endswith(".wav")], study.workspace.manifest)
    study.tag()
    done = tags("failures")
    assert (done.return_value, lines_of(done)) == (0, ["no failures"])
    assert json.loads(tags("failures", "--json").stdout) == []


def test_list_of_the_runs(study, tags):
    assert "Run `cca-tools tag-audio" in str(tags("list").exception)
    first, second = study.tag().run, study.tag(top_k=2, pooling="max").run
    header, *rows = lines_of(tags("list"))
    assert header.split() == ["run", "started", "videos", "top_k", "pooling", "precision"]
    assert [row.split()[0] for row in rows] == [second.name, first.name]
    assert "ok 1, silent 1, decode_error 1" in rows[0]
    assert rows[0].split()[-3:] == ["2", "max", "fp32"]
    told = json.loads(tags("list", "--json").stdout)
    assert [run["counts"] for run in told] == [{"ok": 1, "silent": 1, "decode_error": 1}] * 2


def test_a_run_that_was_killed_before_its_first_shard(study, tags):
    study.tag()
    for shard in study.workspace.tags.glob("*.parquet"):
        shard.unlink()
    assert lines_of(tags("failures")) == ["no failures"]
    assert "is not tagged" in str(tags("show", "zeros").exception)
    assert len(lines_of(tags("list"))) == 2


@pytest.mark.parametrize("word", ["failures", "show"])
def test_no_tags_yet(study, tags, word):
    done = tags(word, *(["zeros"] if word == "show" else []))
    assert done.exception.exit_code == 2
    assert "has no tags. Run `cca-tools tag-audio -w " in str(done.exception)


def test_tags_alone_shows_its_help():
    done = CliRunner().invoke(app, ["tags"])
    assert "show" in done.output
    assert "failures" in done.output
