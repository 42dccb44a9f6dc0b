"""Fixtures for tagging: small clips of every kind, workspaces over them, runs in no time."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers import Track, noise, tone, warble, write_media
from privileges import obey_permissions
from tagging.comparing import arguments
from tagging.fakes import FakeTagger
from tagging.zygote import Zygote

from cca_tools.datasets.manifest import read_manifest, write_manifest
from cca_tools.tagging.run import TagOptions, TagSummary, tag_manifest
from cca_tools.tagging.settings import TagSettings
from cca_tools.tagging.store import read_tags
from cca_tools.workspace import Workspace


def manifest_of(paths, root, **columns):
    """A manifest of these files below ``root``; columns are given as id -> value."""
    rows = []
    for path in paths:
        name = str(path.relative_to(root))
        video_id = name.removesuffix(path.suffix)
        row = {
            "video_id": video_id,
            "path": name,
            "class_name": video_id.split("/")[0],
            "split": "",
            "group": video_id,
            "start_s": np.nan,
            "end_s": np.nan,
            "duration_s": np.nan,
            "has_audio": True,
            "has_video": True,
            "bytes": 0,
            "root": str(root),
        }
        rows.append(row | {name: values[video_id] for name, values in columns.items()
                           if video_id in values})  # fmt: skip
    return pd.DataFrame(rows)


@dataclass
class Study:
    """A workspace with a manifest."""

    workspace: Workspace

    @property
    def manifest(self) -> pd.DataFrame:
        return read_manifest(self.workspace.manifest)

    def tag(self, network=None, options=None, **settings) -> TagSummary:
        """Tag in this process, with the fake tagger if none is given."""
        settings = {"workers": 2, "tagger": "fake", "top_k": 5, **settings}
        prepared = (network or FakeTagger(), TagSettings(**settings))
        how = options or TagOptions(progress=False)
        with self.workspace.lock("a test"):
            return tag_manifest(self.manifest, self.workspace, prepared, how)

    def rows(self, name=None) -> pd.DataFrame:
        """The rows of the only run, or of the named one, by video id."""
        if name is None:
            (description,) = [
                path
                for path in self.workspace.tags.glob("_*.json")
                if not path.name.endswith(".provenance.json")
            ]
            name = description.stem[1:]
        return read_tags(self.workspace.tags, name).set_index("video_id").sort_index()


@pytest.fixture
def study_of(tmp_path):
    """Give a function from a manifest to a study in a workspace of its own."""
    made = 0

    def make(manifest) -> Study:
        nonlocal made
        made += 1
        workspace = Workspace(tmp_path / f"workspace-{made}")
        if isinstance(manifest, Path):
            workspace.root.mkdir()
            shutil.copy(manifest, workspace.manifest)
        else:
            write_manifest(manifest, workspace.manifest)
        return Study(workspace)

    return make


def make_clip(path, number):
    """A short clip in one of four formats; no two sound alike."""
    sound, suffix, picture_s = (
        (Track(tone(1 + number / 8, 16_000, hz=60 * number + 80), 16_000), "wav", 0),
        (Track(warble(1.5, 22_050, seed=number), 22_050, "aac"), "mp4", 0.5),
        (Track(noise(1, 48_000, seed=number), 48_000, "libopus"), "webm", 0),
        (Track(warble(2, 16_000, seed=number), 16_000, "flac"), "flac", 0),
    )[number % 4]
    return write_media(path.with_suffix(f".{suffix}"), sound, picture_s=picture_s)


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """A folder of 40 clips in five class folders, a few of which cannot be scored."""
    root = tmp_path_factory.mktemp("clips")
    for number in range(36):
        folder = root / f"class{number % 5}"
        folder.mkdir(exist_ok=True)
        make_clip(folder / f"clip{number:02d}", number)
    write_media(root / "class0" / "mute.mp4", picture_s=0.5)
    write_media(root / "class1" / "zeros.wav", Track(np.zeros(16_000, np.float32), 16_000))
    (root / "class2" / "broken.mp4").write_bytes(b"no video at all" * 50)
    long = Track(warble(75, 16_000, seed=99), 16_000)
    write_media(root / "class3" / "long.wav", long)
    return root


@pytest.fixture(scope="session")
def clips_manifest(clips, tmp_path_factory) -> Path:
    """The manifest of the clips; one line of it has no file."""
    files = sorted(path for path in clips.rglob("*") if path.is_file())
    manifest = manifest_of([*files, clips / "class4" / "gone.mp4"], clips)
    path = tmp_path_factory.mktemp("manifest") / "manifest.parquet"
    write_manifest(manifest, path)
    return path


@pytest.fixture(scope="session")
def cli(tmp_path_factory):
    """Runs of the command line that start in no time."""
    with Zygote(tmp_path_factory.mktemp("runs")) as zygote:
        yield zygote


@dataclass(frozen=True)
class Undisturbed:
    """What a run over the clips leaves that nobody disturbs, and how long it takes."""

    rows: pd.DataFrame
    seconds: float
    text: str


@pytest.fixture(scope="session")
def truth(cli, clips_manifest, tmp_path_factory) -> Undisturbed:
    """The run that all disturbed ones are compared with."""
    study = Study(Workspace(tmp_path_factory.mktemp("undisturbed")))
    shutil.copy(clips_manifest, study.workspace.manifest)
    began = time.monotonic()
    code, text = cli.run(*arguments(study))
    assert code == 1, text  # two videos cannot be read
    return Undisturbed(study.rows(), time.monotonic() - began, text)


@pytest.fixture(scope="session")
def obedient_cli(tmp_path_factory):
    """The same, but permission bits hold, also where the tests run as root."""
    with Zygote(tmp_path_factory.mktemp("obedient"), before=obey_permissions) as zygote:
        yield zygote
