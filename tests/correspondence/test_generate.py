import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from cca_tools.correspondence import generate as module
from cca_tools.correspondence.generate import (
    CLASS_TRUTH,
    MARKER,
    NUM_FRAMES,
    TRUTH,
    VIDEOS,
    Dataset,
    DataSettings,
    generate,
    plan_of,
)
from cca_tools.correspondence.plan import SOUNDTRACKS
from cca_tools.errors import DataError
from cca_tools.media.audio import decode_audio
from cca_tools.workspace import sha256_of

from .bank import write_kind

SMALL = DataSettings(train=1, test=1)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for number in range(10):
        write_kind(folder, f"kind{number}", ["1-1-A", "1-2-A", "1-3-A"], hz=200.0 + 150 * number)
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, sounds: Path) -> Dataset:
    return generate(tmp_path_factory.mktemp("made") / "data", SMALL, sounds=sounds, workers=2)


def frames_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_every_video_of_the_lists_is_there_and_no_other(dataset: Dataset) -> None:
    listed = pd.read_csv(dataset.root / VIDEOS)
    assert list(listed.columns) == ["path", "class_name", "split", "group"]
    found = {str(path.relative_to(dataset.root)) for path in dataset.root.rglob("*.mp4")}
    assert found == set(listed["path"])
    assert len(listed) == 21 * 2


def test_the_truth_is_written_beside_it(dataset: Dataset) -> None:
    truth = pd.read_csv(dataset.root / TRUTH)
    pd.testing.assert_frame_equal(truth, dataset.videos, check_dtype=False)
    classes = pd.read_csv(dataset.root / CLASS_TRUTH)
    assert classes["level"].value_counts().to_dict() == {"highly": 7, "weakly": 7, "not": 7}
    readme = (dataset.root / "README.md").read_text()
    assert all(name in readme for name in classes["class_name"])
    assert f"{len(truth)} videos of 21 classes" in readme


def test_the_soundtracks_of_a_scene_have_one_picture(dataset: Dataset) -> None:
    scenes = dataset.videos.groupby("scene")["path"].agg(list)
    for paths in scenes.iloc[:3]:
        assert len(paths) == len(SOUNDTRACKS)
        first, *others = (frames_of(dataset.root / path) for path in paths)
        assert first.shape == (NUM_FRAMES, 64, 64, 3)
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_what_is_heard_is_the_kind_of_the_truth(dataset: Dataset) -> None:
    """The kinds are tones of known pitch."""
    for row in dataset.videos.iloc[::5].itertuples():
        sound = decode_audio(str(dataset.root / row.path), 8000)
        assert sound.status == "ok"
        assert sound.seconds == pytest.approx(2.0, abs=0.1)
        spectrum = np.abs(np.fft.rfft(sound.samples))
        heard_hz = spectrum.argmax() * 8000 / len(sound.samples)
        number = int(row.kind.removeprefix("kind"))
        assert heard_hz == pytest.approx(200 + 150 * number, abs=8)


def test_the_same_settings_give_the_same_bytes(dataset: Dataset, sounds, tmp_path) -> None:
    again = generate(tmp_path / "again", SMALL, sounds=sounds, workers=1)
    for path in dataset.videos["path"]:
        assert sha256_of(dataset.root / path) == sha256_of(again.root / path)
    for name in (VIDEOS, TRUTH, CLASS_TRUTH):
        assert (dataset.root / name).read_text() == (again.root / name).read_text()


def test_what_is_complete_is_left_as_it_is(dataset: Dataset, sounds, monkeypatch) -> None:
    monkeypatch.setattr(module, "_make_scenes", lambda *_: pytest.fail("made anew"))
    again = generate(dataset.root, SMALL, sounds=sounds)
    pd.testing.assert_frame_equal(again.videos, dataset.videos)


def test_other_settings_replace_it(sounds, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_make_scenes", _touch)
    first = generate(tmp_path / "data", SMALL, sounds=sounds)
    second = generate(tmp_path / "data", replace(SMALL, seed=1), sounds=sounds)
    found = {str(path.relative_to(second.root)) for path in second.root.rglob("*.mp4")}
    assert found == set(second.videos["path"])
    assert found != set(first.videos["path"])


def _touch(out: Path, plan, *_) -> None:
    for clip in plan.clips:
        path = out / clip.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_what_was_killed_goes_on(dataset: Dataset, sounds, tmp_path, monkeypatch) -> None:
    made: list[int] = []

    def until_killed(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "data", SMALL, sounds=sounds, workers=1, on_scene=until_killed)
    marker = tmp_path / "data" / MARKER
    assert json.loads(marker.read_text())["complete"] is False
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.mp4")}
    assert 3 * 3 <= len(before) < 14 * 3
    again = generate(
        tmp_path / "data",
        SMALL,
        sounds=sounds,
        workers=1,
        on_scene=lambda done, _: made.append(done),
    )
    assert made[-1] == 14
    assert made[0] > 3
    assert json.loads(marker.read_text())["complete"] is True
    kept = [path for path, when in before.items() if path.stat().st_mtime_ns == when]
    assert len(kept) >= 3 * 3
    for path in dataset.videos["path"]:
        assert sha256_of(dataset.root / path) == sha256_of(again.root / path)


def test_a_folder_with_other_things_is_refused(sounds, tmp_path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        generate(tmp_path, SMALL, sounds=sounds)
    with pytest.raises(DataError, match="is a file"):
        generate(tmp_path / "thesis.txt", SMALL, sounds=sounds)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_marker_cannot_name_files_elsewhere(sounds, tmp_path, monkeypatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "data" / MARKER).write_text(json.dumps({"files": ["../mine.txt"]}))
    monkeypatch.setattr(module, "_make_scenes", _touch)
    generate(tmp_path / "data", SMALL, sounds=sounds)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_synthesised_sounds_stand_in() -> None:
    plan = plan_of(SMALL)
    assert {clip.recording.path for clip in plan.clips} == {""}
    assert len({clip.recording.kind for clip in plan.clips}) >= 10


def test_esc10_is_read(shared: Path) -> None:
    plan = plan_of(SMALL, shared / "data" / "esc10")
    kinds = {kind for names in plan.kinds.values() for kind in names}
    assert len(kinds) == 10
    assert "dog_bark" in kinds
