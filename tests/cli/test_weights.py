import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cca_tools.cli.main import main
from cca_tools.taggers.registry import tagger_names, tagger_spec
from cca_tools.taggers.weights import find_weights

MN04 = "mn04_as_mAP_432.pt"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Give a function from arguments to (exit code, standard output, standard error)."""
    monkeypatch.setenv("CCA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CCA_WEIGHTS_DIR", raising=False)

    def run_main(*argv):
        with pytest.raises(SystemExit) as end:
            main(("weights", *argv))
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run_main


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(shared, monkeypatch):
    """A local mirror that has the weights of one tagger."""
    handler = partial(QuietHandler, directory=str(shared / "models"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("CCA_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_list_has_every_file(run):
    code, out, err = run("list")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(tagger_names())
    assert "https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1" in out
    assert "none published" in out
    rows = json.loads(run("list", "--json")[1])
    assert rows[0]["file"] == "yamnet.safetensors"
    assert rows[0]["hash"] == tagger_spec("yamnet").weights.known_hash


def test_pull_then_path_and_verify(run, mirror, shared):
    code, out, _ = run("pull", "efficientat-mn04")
    assert code == 0
    assert out.startswith("efficientat-mn04: pulled, ")
    path = find_weights(tagger_spec("efficientat-mn04")).path
    assert path.read_bytes() == (shared / "models" / MN04).read_bytes()
    assert run("path", "efficientat-mn04")[:2] == (0, f"{path}\n")
    assert run("pull", "efficientat-mn04")[:2] == (0, f"efficientat-mn04: cached, {path}\n")
    code, out, _ = run("verify")
    assert code == 0
    assert out.count("good, as published") == 2  # this one and the bundled one


def test_pull_names_what_failed(run, mirror):
    code, out, err = run("pull", "panns-cnn6", "efficientat-mn04")
    assert code == 1
    assert "efficientat-mn04: pulled" in out
    assert "the server answered 404" in err
    assert err.splitlines()[-1] == "not pulled: panns-cnn6"


def test_pull_all(run, mirror):
    code, out, err = run("pull", "--all")
    assert code == 1
    assert "yamnet: bundled" in out
    assert "efficientat-mn04: pulled" in out
    missing = [name for name in tagger_names() if name not in ("yamnet", "efficientat-mn04")]
    assert err.splitlines()[-1] == f"not pulled: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("pull",), "no tagger was named"),
        (("pull", "vggish"), "no tagger 'vggish'"),
        (("path", "vggish"), "no tagger 'vggish'"),
        (("verify", "vggish"), "no tagger 'vggish'"),
        (("path", "panns-cnn14"), "Cnn14_mAP=0.431.pth of panns-cnn14 are not on this machine"),
    ],
)
def test_wrong_use_is_one_line(run, argv, message):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_verify_finds_what_was_changed(run, shared, tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(shared / "models" / MN04, folder / MN04)
    monkeypatch.setenv("CCA_WEIGHTS_DIR", str(folder))
    assert run("verify", "efficientat-mn04")[0] == 0
    (folder / MN04).chmod(0o600)
    with (folder / MN04).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    code, out, _ = run("verify")
    assert code == 1
    assert "efficientat-mn04: BAD, not as published" in out
    assert "yamnet: good" in out


def test_verify_of_what_is_absent_fails(run):
    assert run("verify", "panns-cnn10")[:2] == (1, "panns-cnn10: absent\n")


@pytest.mark.parametrize("command", ["list", "pull", "verify", "path"])
def test_help_shows_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"cca-tools weights {command}" in out
