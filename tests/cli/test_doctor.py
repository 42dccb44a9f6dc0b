"""``cca-tools doctor``: what works is ok, what does not is named with what to do."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

import pytest
from click.testing import CliRunner

from cca_tools import doctor
from cca_tools.cli.main import app
from cca_tools.doctor import run_checks
from cca_tools.errors import WeightsError

NAMES = ["system", "packages", "decoders", "decoding", "tagging", "devices", "weights", "cache",
         "workspace"]  # fmt: skip


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """The checks on this machine, by name."""
    return {check.name: check for check in run_checks(tmp_path_factory.mktemp("w"))}


def test_everything_works_here(checks):
    assert list(checks) == NAMES
    assert {check.name for check in checks.values() if check.state == "failed"} == set()
    assert f"av {version('av')}" in checks["packages"].detail
    assert checks["decoding"].detail.startswith("bundled MP4 in a child process: ok, 2.0")
    assert checks["decoding"].detail.endswith(" 440 Hz")
    assert "the bundled YAMNet hears" in checks["tagging"].detail
    assert "yamnet" in checks["weights"].detail
    assert "panns-cnn14" in checks["weights"].detail


def by_name(tmp_path, name):
    (check,) = (check for check in run_checks(tmp_path) if check.name == name)
    return check


@pytest.fixture
def quick(monkeypatch):
    """Leave out the slow checks."""
    for slow in ("_decoding", "_tagging", "_devices"):
        monkeypatch.setattr(doctor, slow, lambda: ("ok", ""))


def test_a_missing_package_is_named_with_the_command(quick, monkeypatch, tmp_path):
    def absent(name):
        if name == "soxr":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(doctor, "version", absent)
    failed = [check for check in run_checks(tmp_path) if check.state == "failed"]
    assert [(check.name, check.detail) for check in failed] == [
        ("packages", "soxr missing: `pip install soxr`")
    ]


def test_a_missing_decoder_is_a_warning(quick, monkeypatch, tmp_path):
    monkeypatch.setattr("av.codecs_available", set(doctor.DECODERS) - {"opus"})
    check = by_name(tmp_path, "decoders")
    assert check.state == "warning"
    assert check.detail.endswith("lacks opus")


@pytest.mark.parametrize(
    "error", [WeightsError("the weights are damaged", "Install again"), ImportError("no torch"),
              OSError("no"), RuntimeError("no"), ValueError("")]
)  # fmt: skip
def test_a_check_that_fails_fails_alone(quick, monkeypatch, tmp_path, error):
    def fail():
        raise error

    monkeypatch.setattr(doctor, "_tagging", fail)
    checks = {check.name: check for check in run_checks(tmp_path)}
    assert list(checks) == NAMES
    assert checks["tagging"].state == "failed"
    assert checks["tagging"].detail == (str(error) or type(error).__name__)


def test_a_wrong_tone_is_seen(monkeypatch, tmp_path):
    import numpy as np

    from cca_tools.media.audio import DecodedAudio

    time_s = np.arange(32_000) / 16_000
    wrong = np.sin(2 * np.pi * 450 * time_s).astype(np.float32)
    sound = DecodedAudio(wrong, seconds=2.0, num_samples=32_000)
    monkeypatch.setattr(doctor, "_decode_check_clip", lambda: sound)
    check = by_name(tmp_path, "decoding")
    assert check.state == "failed"
    assert "2 s of 440 Hz, but gave ok, 2.00 s, 450 Hz" in check.detail


def test_folders(quick, tmp_path, monkeypatch):
    assert by_name(tmp_path / "not" / "yet", "workspace").state == "ok"
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 1 << 80)
    check = by_name(tmp_path, "workspace")
    assert check.state == "warning"
    assert check.detail.startswith(f"{tmp_path}, ")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    check = by_name(tmp_path, "workspace")
    assert check.state == "failed"
    assert check.detail.endswith(f"{tmp_path} cannot be written")


def test_one_screen_and_json(quick, tmp_path):
    place = tmp_path / "w[/red]"
    done = CliRunner().invoke(app, ["doctor", "-w", str(place)], standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    assert [line.split()[0] for line in done.stdout.splitlines()[1:] if line[0] != " "] == NAMES
    assert len(done.stdout.splitlines()) < 40
    done = CliRunner().invoke(app, ["doctor", "--json", "-w", str(place)], standalone_mode=False)
    told = json.loads(done.stdout)
    assert [check["name"] for check in told] == NAMES
    assert str(place) in told[-1]["detail"]


def test_the_exit_code_is_1_when_something_failed(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_workspace", lambda folder: ("failed", "it is full"))
    done = CliRunner().invoke(app, ["doctor", "-w", str(tmp_path)], standalone_mode=False)
    assert done.return_value == 1
