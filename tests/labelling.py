"""A small study to label, the app on it, and a browser before it: all of them real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from makers import Track, noise, tone, warble, write_media
from tagging.conftest import manifest_of

from cca_tools import associate, tag_audio
from cca_tools.datasets.manifest import write_manifest
from cca_tools.workspace import Workspace

HOSTILE = (
    "=cmd|' /C calc'!A0 <img src=x onerror=\"document.title='hacked'\"> **b** $x^2$ :red[r]\nx"
)
CLASSES = ("Bell", "Rain", "Whistle")
RATE = 16_000


def make_study(root: Path, classes=CLASSES, clips: int = 4) -> Workspace:
    """Index, tag (YAMNet) and associate a few clips of each class; the first has odd ones, too."""
    folder = root / "clips"
    owner = {}
    for number, name in enumerate(classes):
        for clip in range(clips):
            path = folder / f"c{number}_{clip}.mp4"
            folder.mkdir(parents=True, exist_ok=True)
            write_media(path, Track(sound_of(number, clip), RATE, "aac"), picture_s=1.5)
            owner[path.stem] = name
    write_media(folder / "quiet.mp4", Track(np.zeros(RATE, np.float32), RATE, "aac"), picture_s=1.0)
    (folder / "broken.mp4").write_bytes(b"nothing at all")
    owner |= {"quiet": classes[0], "broken": classes[0]}
    workspace = Workspace(root / "out")
    groups = {name: name.rpartition("_")[0] + f"_{int(name[-1]) // 2}" for name in owner
              if name[0] == "c"}  # fmt: skip
    lengths = dict.fromkeys(owner, 1.5)
    manifest = manifest_of(
        sorted(folder.iterdir()), folder, class_name=owner, group=groups, duration_s=lengths
    )
    write_manifest(manifest, workspace.manifest)
    tag_audio(workspace=workspace.root, tagger="yamnet", workers=1, progress=False)
    associate(workspace.root, bootstrap=0, permutations=0, figures=False)
    return workspace


def sound_of(number: int, clip: int) -> np.ndarray:
    kinds = (tone(1.5, RATE, hz=880 + 40 * clip), noise(1.5, RATE, seed=clip),
             warble(1.5, RATE, seed=clip))  # fmt: skip
    return kinds[number % 3]


@dataclass
class Server:
    """``cca-tools label`` in a process of its own."""

    workspace: Workspace
    extra: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen | None = None
    url: str = ""
    log: list[str] = field(default_factory=list)

    def start(self) -> Server:
        program = "from cca_tools.cli.main import main; main()"
        options = ["-w", str(self.workspace.root), "--port", str(self.port), *self.extra]
        command = [sys.executable, "-c", program, "label", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()
        self.url = self.process.stdout.readline().strip()
        while self.url and not self.url.startswith("http"):
            self.url = self.process.stdout.readline().strip()
        assert self.url, "".join(self.log)
        self.port = int(self.url.rpartition(":")[2])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def _listen(self) -> None:
        self.log.extend(self.process.stderr)

    def kill(self) -> None:
        """End it as a crash or the kernel would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)


@contextmanager
def serving(workspace: Workspace, *extra: str):
    """Run the app on a workspace."""
    server = Server(workspace, extra).start()
    try:
        yield server
    finally:
        server.kill()
