import json
from collections import Counter

import av
import numpy as np
import pandas as pd
import pytest

from cca_tools.datasets.base import Annotations
from cca_tools.datasets.registry import layout_named
from cca_tools.demo import generate, plan
from cca_tools.demo.classes import CLASSES
from cca_tools.demo.clip import make_clip
from cca_tools.demo.generate import MARKER, VIDEOS, generate_demo, video_truth
from cca_tools.demo.plan import plan_clips
from cca_tools.errors import DataError, UsageError
from cca_tools.media.audio import decode_audio
from cca_tools.taggers.registry import load_tagger

PER_CLASS = 4
HIGHLY = [name for name, demo in CLASSES.items() if demo.level == "highly"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The whole dataset with four videos a class."""
    return generate_demo(tmp_path_factory.mktemp("demo") / "data", videos_per_class=PER_CLASS)


@pytest.fixture
def two_classes(monkeypatch):
    """A dataset of two classes, quickly made."""
    few = {name: CLASSES[name] for name in ("BouncingBall", "StretchingFigure")}
    monkeypatch.setattr(plan, "CLASSES", few)
    monkeypatch.setattr(generate, "CLASSES", few)
    return few


def test_every_video_of_the_lists_is_there_and_no_other(demo):
    listed = pd.read_csv(demo.root / VIDEOS)
    assert list(listed.columns) == ["path", "class_name", "split", "group"]
    found = {str(path.relative_to(demo.root)) for path in demo.root.rglob("*.mp4")}
    assert found == set(listed["path"])
    assert len(listed) == PER_CLASS * len(CLASSES)


def test_no_group_is_in_both_splits(demo):
    assert (demo.videos.groupby("group")["split"].nunique() == 1).all()
    assert set(demo.videos["split"]) == {"train", "test"}


def test_the_truth_is_written_beside_it(demo):
    truth = pd.read_csv(demo.root / "truth.csv", keep_default_na=False)
    assert truth.equals(demo.videos)
    assert Counter(truth["flaw"])[""] == len(truth) - 4
    for row in truth.itertuples():
        assert row.level == CLASSES[row.class_name].level
        assert bool(row.intended) == (not row.flaw)
    classes = pd.read_csv(demo.root / "truth_classes.csv", keep_default_na=False)
    assert classes["level"].value_counts().to_dict() == {"highly": 5, "weakly": 5, "not": 5}
    readme = (demo.root / "README.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in readme for name in CLASSES)


def test_sound_and_picture_decode_to_the_same_length(demo):
    for row in demo.videos.itertuples():
        path = str(demo.root / row.path)
        with av.open(path) as container:
            stream = container.streams.video[0]
            count = sum(1 for _ in container.decode(stream))
            assert (stream.width, stream.height, stream.pix_fmt) == (160, 120, "yuv420p")
        decoded = decode_audio(path, 16_000)
        if row.flaw == "no_audio_stream":
            assert decoded.status == "no_audio_stream"
            continue
        assert decoded.status == "ok"
        assert 2.5 < decoded.seconds < 4.4
        assert decoded.seconds == pytest.approx(count / 12, abs=0.05)
        assert (decoded.peak < 1e-3) == (row.flaw == "silent")


def test_the_index_stands_before_the_media(demo):
    data = (demo.root / demo.videos["path"][0]).read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_seed_gives_the_same_bytes_in_another_process(demo, tmp_path, name):
    clip = next(clip for clip in plan_clips(0, PER_CLASS) if clip.class_name == name)
    make_clip(str(tmp_path), clip)
    assert (tmp_path / clip.path).read_bytes() == (demo.root / clip.path).read_bytes()


def test_another_seed_gives_other_videos(demo, tmp_path):
    clip = plan_clips(1, PER_CLASS)[0]
    make_clip(str(tmp_path), clip)
    assert (tmp_path / clip.path).read_bytes() != (demo.root / clip.path).read_bytes()


def test_both_layouts_list_it(demo):
    listings = {
        "folder": layout_named("folder")(demo.root, Annotations()).read(),
        "table": layout_named("table")(demo.root / VIDEOS, Annotations()).read(),
    }
    columns = demo.videos[["path", "class_name", "split"]]
    expected = set(columns.itertuples(index=False, name=None))
    for listing in listings.values():
        assert {(e.path, e.class_name, e.split) for e in listing.entries.values()} == expected
    groups = {entry.path: entry.group for entry in listings["table"].entries.values()}
    assert groups == dict(zip(demo.videos["path"], demo.videos["group"], strict=True))


def highly_tops(demo, tagger):
    """Class, group, intended names and top ten names of each highly correlated video."""
    rows = demo.videos[demo.videos["class_name"].isin(HIGHLY)]
    rate = tagger.spec.sample_rate
    features = [
        tagger.features(decode_audio(str(demo.root / path), rate).samples) for path in rows["path"]
    ]
    order = np.argsort(-tagger.score(features).probs, axis=1)[:, :10]
    names = [{tagger.labels.names[index] for index in row} for row in order]
    return list(
        zip(rows["class_name"], rows["group"], rows["intended"].str.split(";"), names, strict=True)
    )


def check_separation(tops):
    """Nine in ten are heard as intended, and look most like the other group of their class."""
    heard = [bool(set(intended) & names) for _, _, intended, names in tops]
    right = 0
    for name, group, _, names in tops:
        likeness = {
            other: np.mean([len(names & n) for c, g, _, n in tops if c == other and g != group])
            for other in HIGHLY
        }
        right += max(likeness, key=likeness.get) == name
    assert len(tops) == PER_CLASS * len(HIGHLY)
    assert np.mean(heard) >= 0.9
    assert right / len(tops) >= 0.9


def test_yamnet_tells_the_highly_correlated_classes_apart(demo):
    check_separation(highly_tops(demo, load_tagger("yamnet", device="cpu")))


def test_a_second_tagger_agrees(demo, shared):
    weights = shared / "models" / "mn04_as_mAP_432.pt"
    tagger = load_tagger("efficientat-mn04", weights=weights, device="cpu")
    check_separation(highly_tops(demo, tagger))


def test_a_second_run_replaces_the_first_and_leaves_nothing_behind(two_classes, tmp_path):
    seen = []
    generate_demo(
        tmp_path, videos_per_class=6, workers=1, on_clip=lambda *numbers: seen.append(numbers)
    )
    assert seen == [(done, 12) for done in range(1, 13)]
    demo = generate_demo(tmp_path, videos_per_class=4, workers=1)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.mp4")}
    assert found == set(demo.videos["path"])
    assert json.loads((tmp_path / MARKER).read_text())["complete"] is True


def test_a_run_after_a_broken_one_goes_through(two_classes, tmp_path, monkeypatch):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_demo(tmp_path, videos_per_class=4, workers=1, on_clip=stop)
    assert json.loads((tmp_path / MARKER).read_text())["complete"] is False
    assert len(generate_demo(tmp_path, videos_per_class=4, workers=1).videos) == 8


def test_a_folder_with_other_things_is_refused_but_for_force(two_classes, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"not empty, and is no demo dataset.*--force"):
        generate_demo(tmp_path, videos_per_class=4)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    generate_demo(tmp_path, videos_per_class=4, workers=1, force=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert (tmp_path / VIDEOS).is_file()


def test_a_marker_that_points_outside_removes_nothing_there(two_classes, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / MARKER).write_text(json.dumps({"files": ["../mine.txt", str(mine), 3]}))
    with pytest.raises(DataError, match="no demo dataset"):
        generate_demo(out, videos_per_class=4)
    assert mine.read_text() == "mine"


def test_a_file_in_the_way_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(DataError, match="is a file"):
        generate_demo(file)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"videos_per_class": 3}, {"workers": -1}])
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(UsageError, match="make no dataset"):
        generate_demo(tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_the_truth_of_a_flawed_clip_intends_no_audio_class():
    truth = video_truth(plan_clips(0, 12))
    assert set(truth.loc[truth["flaw"] != "", "intended"]) == {""}
    assert "" not in set(truth.loc[truth["flaw"] == "", "intended"])
