"""Import and tagging with the bundled tagger need no network, and import loads nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pandas as pd
import pytest
import pytest_socket
from makers import Track, noise, write_media

from cca_tools import tag_audio

MAIN = "from cca_tools.cli.main import main; main()"

# Python runs a module of this name at start: so every process of the run is without network.
NO_SOCKETS = """
    import socket

    def refuse(*arguments, **keywords):
        raise RuntimeError("the network was used")

    socket.socket.__init__ = refuse
    socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
"""


@pytest.fixture
def offline(tmp_path):
    """Give a function that runs Python without sockets, in it and in all that it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(textwrap.dedent(NO_SOCKETS))
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(folder), "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos" / "noise"
    folder.mkdir(parents=True)
    write_media(folder / "a.mp4", Track(noise(2, 44_100), 44_100, "aac"), picture_s=1)
    write_media(folder / "b.mp4", picture_s=1)
    return folder.parent


def files_below(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_the_block_blocks(offline):
    done = offline("-c", "import socket; socket.create_connection(('127.0.0.1', 9))")
    assert "the network was used" in done.stderr
    done = offline("-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9')")
    assert "the network was used" in done.stderr


def test_the_whole_way_from_a_folder_to_tags(offline, videos, tmp_path):
    done = offline("-c", MAIN, "tag-audio", videos, "-w", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["counts"]["ok"], report["counts"]["no_audio_stream"]) == (1, 1)
    tags = pd.read_parquet(tmp_path / "out" / "tags").set_index("video_id")
    assert len(tags.loc["noise/a", "mids"]) == 10
    assert files_below(tmp_path / "home") == set()


def test_tagging_with_sockets_disabled_in_this_process(videos, tmp_path):
    pytest_socket.disable_socket()
    try:
        frame = tag_audio(videos, workspace=tmp_path / "out", progress=False)
    finally:
        pytest_socket.enable_socket()
    assert sorted(frame["status"]) == ["no_audio_stream", "ok"]


HEAVY = (
    "torch", "torchaudio", "streamlit", "panns_inference", "tensorflow", "librosa", "sklearn",
    "matplotlib", "seaborn", "duckdb", "av", "pandas", "scipy",
)  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import cca_tools",
        "import cca_tools.cli.main",
        "import cca_tools.cli.main as m\ntry: m.main(['--help'])\nexcept SystemExit: pass",
    ],
)
def test_import_loads_nothing_heavy_and_uses_no_network(offline, code):
    done = offline("-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "cca_tools" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["index", "tag_audio", "associate"])
def test_the_three_calls_load_no_network_of_neurons(offline, name):
    """torch comes with a tagger, streamlit with the apps, and neither by looking."""
    code = f"from cca_tools import {name}; import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = offline("-c", code)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)).isdisjoint({"torch", "torchaudio", "streamlit"})


def test_a_tagger_without_weights_says_what_to_do_offline(offline, videos, tmp_path):
    done = offline(
        "-c", MAIN, "tag-audio", videos, "-w", tmp_path / "out",
        "--tagger", "efficientat-mn04",
    )  # fmt: skip
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("cca-tools: ")
    assert "mn04_as_mAP_432.pt" in line
    assert "--tagger yamnet" in line
    assert "Traceback" not in done.stderr
    assert files_below(tmp_path / "home") <= {".lock"}
