"""``cca-tools train`` on a workspace of real videos: plan, run, resume, refusals."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from cli.trained_runs import NAME, QUICK, invoke, make_workspace
from click.testing import CliRunner

from cca_tools.cli.main import app
from cca_tools.cli.train import _SETTINGS, train_command
from cca_tools.datasets.manifest import read_manifest
from cca_tools.errors import CcaError, DataError, UsageError
from ccl.training.config import TrainConfig, as_dict, flat
from ccl.training.loop import DivergedError

SETTINGS = [part for text in QUICK for part in ("--set", text)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("train"))


def train(workspace, *more):
    return invoke(workspace, "train", "--device", "cpu", *SETTINGS, *more)


def test_a_dry_run_shows_settings_and_data_and_writes_nothing(workspace):
    result = train(workspace, "--method", "baseline", "--dry-run", "--json", "--seed", "7")
    found = json.loads(result.stdout)
    assert found["config"]["data"]["seed"] == 7
    assert found["config"]["optim"]["epochs"] == 2
    parts = {name: videos for name, videos, _, _ in found["parts"]}
    assert parts["train"] + parts["val"] == 18
    assert parts["test"] == 9
    assert found["parts"][0][2] == 3
    assert found["folder"].endswith("baseline-none/all/seed7")
    assert not workspace.runs.exists() or not (workspace.runs / "baseline-none/all/seed7").exists()
    text = train(workspace, "--method", "baseline", "--dry-run").stdout
    assert '"lr": 0.05' in text
    assert "test" in text


def test_a_run_and_what_it_leaves(workspace):
    result = train(workspace, "--method", "baseline", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    folder = workspace.runs / NAME
    assert summary["folder"] == str(folder)
    assert (summary["state"], summary["epochs"]) == ("done", 2)
    assert {p.name for p in folder.iterdir()} >= {
        "config.json", "config.json.provenance.json", "metrics.jsonl", "status.json", "last.pt",
        "best.pt", "curves.png", "tb", "predictions.parquet", "evaluation.json",
    }  # fmt: skip
    inputs = json.loads((folder / "config.json.provenance.json").read_text())["inputs"]
    assert any("manifest.parquet" in name for name in inputs)
    again = train(workspace, "--method", "baseline")
    assert again.exit_code == 0
    assert "done after 2 epochs" in again.stdout
    with pytest.raises(UsageError, match=r"other settings: optim.lr 0.05 -> 0.07"):
        train(workspace, "--method", "baseline", "--set", "optim.lr=0.07")
    assert (
        train(workspace, "--method", "baseline", "--set", "optim.lr=0.07", "--restart").exit_code
        == 0
    )


def test_what_is_left_out_is_named_before_training(workspace, tmp_path):
    """Training then breaks, for no network bears such a rate; it was named already."""
    ids, source = read_manifest(workspace.manifest)["video_id"], tmp_path / "f.npz"
    np.savez(source, video_id=[*ids, "a/stranger"], embedding=np.ones((len(ids) + 1, 3)))
    more = ["--method", "ccl", "--distill", "audio", "--audio-teacher", str(source)]
    more += ["--folder", str(tmp_path / "run"), "--set", "optim.lr=1e30"]
    told = "1 feature is of no video of the manifest (a/stranger)"
    with pytest.raises(DataError, match=re.escape(told)):
        train(workspace, *more)
    options = ["-w", str(workspace.root), "--device", "cpu", *SETTINGS, *more]
    result = CliRunner().invoke(app, ["train", *options, "--on-missing", "skip"])
    assert isinstance(result.exception, DivergedError)
    assert f"note: {told}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("--method", "clc"), UsageError, "no method 'clc'"),
        (("--method", "ccl"), UsageError, "none is named"),
        (("--method", "baseline", "--distill", "audio"), UsageError, "no teacher"),
        (("--method", "ccl", "--distill", "sound"), UsageError, "cannot distil 'sound'"),
        (("--method", "baseline", "--split", "loud"), UsageError, "loud"),
        (("--method", "baseline", "--preset", "x"), UsageError, "no preset 'x'"),
        (("--method", "baseline", "--set", "optim.x=1"), UsageError, "no setting 'optim.x'"),
        (("--method", "ccl", "--distill", "audio"), DataError, "tag"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(workspace, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        train(workspace, *arguments, "--folder", str(workspace.root / "other"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "nosuch.pt"), "no weights at nosuch.pt"),
        (("--precision", "bf16"), "bf16 is for GPUs"),
        (("--patience", "3", "--set", "data.val_fraction=0"), "needs validation videos"),
        (("--device", "cuda:77"), "cannot compute on 'cuda:77'"),
        (("--audio-teacher", "vggish"), "data.audio_teacher 'vggish' is of no use"),
        (("--set", "preset=demo"), "Give --preset demo"),
    ],
)
def test_a_dry_run_refuses_what_training_refuses(workspace, arguments, message):
    folder = str(workspace.root / "refused")
    for more in ((), ("--dry-run",)):
        with pytest.raises(CcaError, match=message):
            train(workspace, "--method", "baseline", *arguments, *more, "--folder", folder)


def test_a_terminated_command_says_how_to_go_on(workspace, tmp_path):
    """A real process gets a real SIGTERM; the same command then finishes the run."""
    folder = tmp_path / "run"
    command = [
        sys.executable, "-m", "cca_tools.cli.main", "train", "-w", str(workspace.root),
        "--device", "cpu", "--folder", str(folder), "--method", "baseline", *SETTINGS,
        "--set", "optim.epochs=100000", "--set", "run.checkpoint_seconds=0",
    ]  # fmt: skip
    runner = "import sys; from cca_tools.cli.main import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", runner, *command[3:]],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 240
    while not (folder / "last.pt").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert "the same command goes on" in told
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"


def test_options_are_short_for_settings_that_exist():
    names = flat(as_dict(TrainConfig()))
    options = {parameter.name for parameter in train_command.params}
    for option, setting in _SETTINGS.items():
        assert option in options
        assert setting in names, option
