"""A small real study: generated videos, indexed, tagged, counted; labels are added by the tests."""

import shutil
from pathlib import Path

import pytest

from cca_tools import associate, index, tag_audio
from cca_tools.demo.generate import generate_demo
from cca_tools.workspace import Workspace


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    generate_demo(root / "videos", videos_per_class=4)
    index(root / "videos" / "videos.csv", layout="table", workspace=root)
    tag_audio(workspace=root, progress=False)
    associate(workspace=root, permutations=0, bootstrap=50)
    return root


@pytest.fixture
def study(finished_study, tmp_path):
    """A copy that a test may change; the videos are where they were."""
    root = tmp_path / "study"
    shutil.copytree(finished_study, root, ignore=shutil.ignore_patterns("videos", "figures"))
    return Workspace(root)


@pytest.fixture(scope="session")
def truth(finished_study) -> Path:
    return finished_study / "videos" / "truth_classes.csv"
